(import (chezscheme) (bench))

;; A stream is a procedure that gives a cell; the tail of a cell is a stream.
(define-record-type cell (fields head tail) (sealed #t))

(define (from n)
  (lambda () (make-cell n (from (increment n)))))

(define (without prime multiple stream)
  (lambda () (skip prime multiple (stream))))

(define (skip prime multiple cell)
  (let ([head (cell-head cell)])
    (if (less? head multiple)
        (make-cell head (without prime multiple (cell-tail cell)))
        (skip prime (add multiple prime) (if (same? head multiple) ((cell-tail cell)) cell)))))

(define (sum count stream total)
  (if (null? count)
      total
      (let* ([cell (stream)] [prime (cell-head cell)])
        (sum (decrement count) (without prime (add prime prime) (cell-tail cell)) (add total prime)))))

(program 1500 (lambda (n) (show (sum n (from (increment one)) zero))))
