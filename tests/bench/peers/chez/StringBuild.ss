(import (chezscheme) (bench))

;; Letters are symbols, digits the numbers below ten.
(define (next n)
  (cond
    [(null? n) '(1)]
    [(fx= (car n) 9) (cons 0 (next (cdr n)))]
    [else (cons (fx+ (car n) 1) (cdr n))]))

(define (word letters rest) (join letters (cons 'space rest)))

(define (ones digit rest)
  (case digit
    [(0) rest]
    [(1) (word '(o n e) rest)]
    [(2) (word '(t w o) rest)]
    [(3) (word '(t h r e e) rest)]
    [(4) (word '(f o u r) rest)]
    [(5) (word '(f i v e) rest)]
    [(6) (word '(s i x) rest)]
    [(7) (word '(s e v e n) rest)]
    [(8) (word '(e i g h t) rest)]
    [else (word '(n i n e) rest)]))

(define (teens digit rest)
  (case digit
    [(0) (word '(t e n) rest)]
    [(1) (word '(e l e v e n) rest)]
    [(2) (word '(t w e l v e) rest)]
    [(3) (word '(t h i r t e e n) rest)]
    [(4) (word '(f o u r t e e n) rest)]
    [(5) (word '(f i f t e e n) rest)]
    [(6) (word '(s i x t e e n) rest)]
    [(7) (word '(s e v e n t e e n) rest)]
    [(8) (word '(e i g h t e e n) rest)]
    [else (word '(n i n e t e e n) rest)]))

(define (tens digit unit rest)
  (case digit
    [(0) (ones unit rest)]
    [(1) (teens unit rest)]
    [(2) (word '(t w e n t y) (ones unit rest))]
    [(3) (word '(t h i r t y) (ones unit rest))]
    [(4) (word '(f o r t y) (ones unit rest))]
    [(5) (word '(f i f t y) (ones unit rest))]
    [(6) (word '(s i x t y) (ones unit rest))]
    [(7) (word '(s e v e n t y) (ones unit rest))]
    [(8) (word '(e i g h t y) (ones unit rest))]
    [else (word '(n i n e t y) (ones unit rest))]))

(define (first n) (if (null? n) 0 (car n)))
(define (rest n) (if (null? n) n (cdr n)))

(define (group n text)
  (let ([below (tens (first (rest n)) (first n) text)] [hundreds (first (rest (rest n)))])
    (if (fx= hundreds 0) below (ones hundreds (word '(h u n d r e d) below)))))

(define (spell n text)
  (let ([thousands (rest (rest (rest n)))])
    (if (null? thousands)
        (group n text)
        (group thousands (word '(t h o u s a n d) (group n text))))))

(define (numbers count n text)
  (if (null? count)
      text
      (numbers (decrement count) (next n) (reverse-onto (spell n '()) text))))

(define width (number->binary 60))

(define (wrap text letters line lines)
  (cond
    [(null? text) lines]
    [(eq? (car text) 'space)
     (let ([longer (add line (increment (size letters)))])
       (if (less? width longer)
           (wrap (cdr text) '() (size letters) (join letters (cons 'newline lines)))
           (wrap (cdr text) '() longer (join letters (cons 'space lines)))))]
    [else (wrap (cdr text) (cons (car text) letters) line lines)]))

(define (count text which n)
  (if (null? text) n (count (cdr text) which (if (which (car text)) (increment n) n))))

(program 20000
  (lambda (n)
    (let* ([text (reversed (wrap (reversed (numbers n '(1) '())) '() zero '()))]
           [lines (count text (lambda (letter) (eq? letter 'newline)) zero)]
           [es (count text (lambda (letter) (eq? letter 'e)) zero)])
      (string-append (show lines) " " (show (size text)) " " (show es)))))
