(import (chezscheme) (bench))

;; No value is #f, a value a box; an empty map is the empty list.
(define-record-type node (fields value even odd) (sealed #t))

(define (get map key)
  (cond
    [(null? map) #f]
    [(null? key) (node-value map)]
    [(d0? key) (get (node-even map) (d0-rest key))]
    [else (get (node-odd map) (d1-rest key))]))

(define (update map key change)
  (let-values ([(value even odd)
                (if (null? map) (values #f '() '()) (values (node-value map) (node-even map) (node-odd map)))])
    (cond
      [(null? key) (make-node (box (change value)) even odd)]
      [(d0? key) (make-node value (update even (d0-rest key) change) odd)]
      [else (make-node value even (update odd (d1-rest key) change))])))

(define (entries map n)
  (if (null? map)
      n
      (entries (node-odd map) (entries (node-even map) (if (node-value map) (increment n) n)))))

(define mask (number->binary 65535))

(define (fill count seed map)
  (if (null? count)
      map
      (let* ([next (next-random mask seed)]
             [key (cond
                    [(null? next) next]
                    [(d0? next) (d0-rest next)]
                    [(null? (d1-rest next)) next]
                    [else (half (d1-rest next))])])
        (fill (decrement count) next
          (update map key (lambda (old) (if old (increment (unbox old)) one)))))))

(define-record-type found (fields hits sum) (sealed #t))

(define (search count seed map found)
  (if (null? count)
      found
      (let* ([next (next-random mask seed)] [value (get map next)])
        (search (decrement count) next map
          (if value
              (make-found (increment (found-hits found)) (add (found-sum found) (unbox value)))
              found)))))

(program 100000
  (lambda (n)
    (let* ([map (fill n one '())] [found (search n (number->binary 4711) map (make-found zero zero))])
      (string-append (show (entries map zero)) " " (show (found-hits found)) " " (show (found-sum found))))))
