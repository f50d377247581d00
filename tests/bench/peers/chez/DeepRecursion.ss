(import (chezscheme) (bench))

(define (count-down n)
  (if (null? n) '() (cons n (count-down (decrement n)))))

(define (mapped list change)
  (if (null? list)
      '()
      (let ([first (change (car list))])
        (cons first (mapped (cdr list) change)))))

(define (sum list)
  (if (null? list) zero (add (car list) (sum (cdr list)))))

(program 500000 (lambda (n) (show (sum (mapped (count-down n) increment)))))
