(import (chezscheme) (bench))

(define-record-type tally (fields longest total) (sealed #t))

(define (flip count taken list)
  (if (null? count)
      (join taken list)
      (flip (decrement count) (cons (car list) taken) (cdr list))))

(define (flips n list)
  (let ([first (car list)])
    (if (same? first one) n (flips (increment n) (flip first '() list)))))

(define (note tally list)
  (let ([n (flips zero list)] [longest (tally-longest tally)])
    (make-tally (if (less? longest n) n longest) (add (tally-total tally) n))))

(define (orders tally chosen rest)
  (if (null? rest) (note tally chosen) (choose tally chosen '() rest)))

(define (choose tally chosen before after)
  (if (null? after)
      tally
      (let* ([item (car after)]
             [next (orders tally (cons item chosen) (reverse-onto before (cdr after)))])
        (choose next chosen (cons item before) (cdr after)))))

(define (count-to n list)
  (if (null? n) list (count-to (decrement n) (cons n list))))

(program 9
  (lambda (n)
    (let ([tally (orders (make-tally zero zero) '() (count-to n '()))])
      (string-append (show (tally-longest tally)) " " (show (tally-total tally))))))
