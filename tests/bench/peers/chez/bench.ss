;; What the programs share: numbers, lists and the command line.
;; The same as tests/bench/programs/Bench.
(library (bench)
  (export zero one d0? d0-rest d1? d1-rest double increment decrement add same? less? half low next-random
          number->binary binary->number show reverse-onto reversed join size program)
  (import (chezscheme))

  ;; A number is the empty list or a digit with the digits above it.
  (define-record-type d0 (fields rest) (sealed #t))
  (define-record-type d1 (fields rest) (sealed #t))

  (define zero '())
  (define one (make-d1 '()))

  (define (double a) (if (null? a) a (make-d0 a)))

  (define (increment a)
    (cond
      [(d0? a) (make-d1 (d0-rest a))]
      [(d1? a) (make-d0 (increment (d1-rest a)))]
      [else one]))

  (define (decrement a)
    (cond
      [(d0? a) (make-d1 (decrement (d0-rest a)))]
      [(d1? a) (double (d1-rest a))]
      [else a]))

  (define (add a b)
    (cond
      [(d0? a)
       (cond
         [(d0? b) (make-d0 (add (d0-rest a) (d0-rest b)))]
         [(d1? b) (make-d1 (add (d0-rest a) (d1-rest b)))]
         [else a])]
      [(d1? a)
       (cond
         [(d0? b) (make-d1 (add (d1-rest a) (d0-rest b)))]
         [(d1? b) (make-d0 (add-carry (d1-rest a) (d1-rest b)))]
         [else a])]
      [else b]))

  (define (add-carry a b)
    (cond
      [(d0? a)
       (cond
         [(d0? b) (make-d1 (add (d0-rest a) (d0-rest b)))]
         [(d1? b) (make-d0 (add-carry (d0-rest a) (d1-rest b)))]
         [else (make-d1 (d0-rest a))])]
      [(d1? a)
       (cond
         [(d0? b) (make-d0 (add-carry (d1-rest a) (d0-rest b)))]
         [(d1? b) (make-d1 (add-carry (d1-rest a) (d1-rest b)))]
         [else (make-d0 (increment (d1-rest a)))])]
      [else (increment b)]))

  (define (same? a b)
    (cond
      [(d0? a) (and (d0? b) (same? (d0-rest a) (d0-rest b)))]
      [(d1? a) (and (d1? b) (same? (d1-rest a) (d1-rest b)))]
      [else (null? b)]))

  (define (less-or? a b otherwise)
    (cond
      [(d0? a)
       (cond
         [(d0? b) (less-or? (d0-rest a) (d0-rest b) otherwise)]
         [(d1? b) (less-or? (d0-rest a) (d1-rest b) #t)]
         [else #f])]
      [(d1? a)
       (cond
         [(d0? b) (less-or? (d1-rest a) (d0-rest b) #f)]
         [(d1? b) (less-or? (d1-rest a) (d1-rest b) otherwise)]
         [else #f])]
      [else (if (null? b) otherwise #t)]))

  (define (less? a b) (less-or? a b #f))

  (define (half a)
    (cond
      [(d0? a) (d0-rest a)]
      [(d1? a) (d1-rest a)]
      [else a]))

  ;; The low digits of a, as many as the mask has.
  (define (low mask a)
    (cond
      [(null? mask) mask]
      [(d0? a) (double (low (half mask) (d0-rest a)))]
      [(d1? a) (make-d1 (low (half mask) (d1-rest a)))]
      [else a]))

  (define (number->binary n)
    (cond
      [(fxzero? n) zero]
      [(fxeven? n) (make-d0 (number->binary (fxsrl n 1)))]
      [else (make-d1 (number->binary (fxsrl n 1)))]))

  (define (binary->number a)
    (cond
      [(d0? a) (fx* 2 (binary->number (d0-rest a)))]
      [(d1? a) (fx+ (fx* 2 (binary->number (d1-rest a))) 1)]
      [else 0]))

  (define (show a) (number->string (binary->number a)))

  (define seven (number->binary 7))

  (define (next-random mask x) (low mask (add (add x (double (double x))) seven)))

  (define (reverse-onto a b)
    (if (null? a) b (reverse-onto (cdr a) (cons (car a) b))))

  (define (reversed a) (reverse-onto a '()))

  (define (join a b)
    (if (null? a) b (cons (car a) (join (cdr a) b))))

  (define (size a)
    (let loop ([a a] [n zero])
      (if (null? a) n (loop (cdr a) (increment n)))))

  ;; Prints what work gives for the size, as often as asked.
  (define (program usual work)
    (define (argument index other)
      (let ([arguments (command-line-arguments)])
        (if (fx< index (length arguments)) (string->number (list-ref arguments index)) other)))
    (let ([n (argument 0 usual)])
      (do ([left (argument 1 1) (fx- left 1)])
          ((fxzero? left))
        (display (work (number->binary n)))
        (newline)
        (flush-output-port)))))
