(import (chezscheme) (bench))

;; A leaf is the empty list.
(define-record-type node (fields left right) (sealed #t))

(define (make depth)
  (if (null? depth)
      '()
      (let* ([below (decrement depth)] [left (make below)] [right (make below)])
        (make-node left right))))

(define (count n tree)
  (if (null? tree)
      (increment n)
      (count (count n (node-left tree)) (node-right tree))))

(define (short depth trees n)
  (if (null? trees) n (short depth (decrement trees) (count n (make depth)))))

(define (depths depth trees n)
  (let ([next (short depth trees n)])
    (if (null? depth) next (depths (decrement depth) (double trees) next))))

(program 18
  (lambda (n)
    (let ([long-lived (make n)])
      (show (count (depths n one zero) long-lived)))))
