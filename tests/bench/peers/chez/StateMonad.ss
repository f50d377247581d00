(import (chezscheme) (bench))

(define-record-type leaf (fields value) (sealed #t))
(define-record-type node (fields left right) (sealed #t))

(define-record-type outcome (fields state result) (sealed #t))

(define-record-type monad (fields unit bind) (sealed #t))
(define-record-type state (fields get put) (sealed #t))

(define m
  (make-monad
    (lambda (a) (lambda (s) (make-outcome s a)))
    (lambda (action next)
      (lambda (s)
        (let ([first (action s)])
          ((next (outcome-result first)) (outcome-state first)))))))

(define s
  (make-state
    (lambda (s) (make-outcome s s))
    (lambda (s) (lambda (ignored) (make-outcome s '())))))

(define (fresh m s)
  ((monad-bind m) (state-get s)
    (lambda (n)
      ((monad-bind m) ((state-put s) (increment n))
        (lambda (done) ((monad-unit m) n))))))

(define (label m s tree)
  (if (leaf? tree)
      ((monad-bind m) (fresh m s) (lambda (n) ((monad-unit m) (make-leaf n))))
      ((monad-bind m) (label m s (node-left tree))
        (lambda (left)
          ((monad-bind m) (label m s (node-right tree))
            (lambda (right) ((monad-unit m) (make-node left right))))))))

(define (make depth)
  (if (null? depth)
      (make-leaf '())
      (let* ([below (decrement depth)] [left (make below)] [right (make below)])
        (make-node left right))))

(define (sum-of-left sum tree)
  (if (leaf? tree)
      sum
      (let ([left (node-left tree)])
        (sum-of-left (if (leaf? left) (add sum (leaf-value left)) (sum-of-left sum left)) (node-right tree)))))

(program 18 (lambda (n) (show (sum-of-left zero (outcome-result ((label m s (make n)) zero))))))
