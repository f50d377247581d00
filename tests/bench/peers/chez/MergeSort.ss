(import (except (chezscheme) merge sort) (bench))

(define mask (number->binary 131071))

(define (numbers count seed list)
  (if (null? count)
      list
      (let ([next (next-random mask seed)])
        (numbers (decrement count) next (cons next list)))))

(define (merge a b merged)
  (cond
    [(null? a) (reverse-onto merged b)]
    [(null? b) (reverse-onto merged a)]
    [(less? (car b) (car a)) (merge a (cdr b) (cons (car b) merged))]
    [else (merge (cdr a) b (cons (car a) merged))]))

(define (deal list a b)
  (if (null? list)
      (merge (sort a) (sort b) '())
      (deal (cdr list) b (cons (car list) a))))

(define (sort list)
  (if (or (null? list) (null? (cdr list))) list (deal list '() '())))

(define (sum-of-every-second list sum)
  (cond
    [(null? list) sum]
    [(null? (cdr list)) (add sum (car list))]
    [else (sum-of-every-second (cddr list) (add sum (car list)))]))

(program 50000 (lambda (n) (show (sum-of-every-second (sort (numbers n one '())) zero))))
