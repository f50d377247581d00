(import (except (chezscheme) eval number?) (bench))

;; An index is the empty list, here, or a box with the index in the rest of the environment.
(define-record-type out (fields index) (sealed #t))

(define-record-type number (fields n) (sealed #t))
(define-record-type variable (fields index) (sealed #t))
(define-record-type function (fields body) (sealed #t))
(define-record-type application (fields function argument) (sealed #t))
(define-record-type sum (fields left right) (sealed #t))
(define-record-type pred (fields term) (sealed #t))
(define-record-type if-less (fields left right yes no) (sealed #t))

(define-record-type number-value (fields n) (sealed #t))
(define-record-type closure (fields body environment) (sealed #t))

(define (lookup environment index)
  (if (null? index) (car environment) (lookup (cdr environment) (out-index index))))

(define (eval environment term)
  (cond
    [(number? term) (make-number-value (number-n term))]
    [(variable? term) (lookup environment (variable-index term))]
    [(function? term) (make-closure (function-body term) environment)]
    [(application? term)
     (let* ([function (eval environment (application-function term))]
            [argument (eval environment (application-argument term))])
       (eval (cons argument (cons function (closure-environment function))) (closure-body function)))]
    [(sum? term)
     (let* ([left (eval environment (sum-left term))] [right (eval environment (sum-right term))])
       (make-number-value (add (number-value-n left) (number-value-n right))))]
    [(pred? term) (make-number-value (decrement (number-value-n (eval environment (pred-term term)))))]
    [else
     (let* ([left (eval environment (if-less-left term))] [right (eval environment (if-less-right term))])
       (eval environment
         (if (less? (number-value-n left) (number-value-n right)) (if-less-yes term) (if-less-no term))))]))

(define x (make-variable '()))
(define self (make-variable (make-out '())))

(define fibonacci
  (make-function
    (make-if-less x (make-number (increment one))
      x
      (make-sum
        (make-application self (make-pred x))
        (make-application self (make-pred (make-pred x)))))))

(program 29
  (lambda (n)
    (show (number-value-n (eval '() (make-application fibonacci (make-number n)))))))
