(import (chezscheme) (bench))

(define (sum n)
  (let loop ([i 1] [total 0])
    (if (fx< n i) total (loop (fx+ i 1) (fx+ total i)))))

(program 20000000 (lambda (n) (number->string (sum (binary->number n)))))
