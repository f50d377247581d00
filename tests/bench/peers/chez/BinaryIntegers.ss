(import (chezscheme) (bench))

(define (sum n total)
  (if (null? n) total (sum (decrement n) (add total n))))

(program 1000000 (lambda (n) (show (sum n zero))))
