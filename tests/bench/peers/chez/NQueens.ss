(import (chezscheme) (bench))

(define (safe? queens column up down)
  (or (null? queens)
      (let ([queen (car queens)])
        (and (not (same? queen column)) (not (same? queen up)) (not (same? queen down))
             (safe? (cdr queens) column (increment up) (decrement down))))))

(define (queens n)
  (define (row rows placed count)
    (if (null? rows) (increment count) (column n (decrement rows) placed count)))

  (define (column col rows placed count)
    (if (null? col)
        count
        (let ([next (decrement col)])
          (column next rows placed
            (if (safe? placed col (increment col) next) (row rows (cons col placed) count) count)))))

  (row n '() zero))

(program 11 (lambda (n) (show (queens n))))
