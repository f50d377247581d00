;; Bits are booleans.
(import (chezscheme) (except (bench) add))

(define-record-type octet (fields b7 b6 b5 b4 b3 b2 b1 b0) (sealed #t))
(define-record-type word (fields w3 w2 w1 w0) (sealed #t))

(define (choose a b c) (if a b c))
(define (choose-by-last a b c) (if c a b))
(define (parity a b c) (if (eq? a b) c (not c)))
(define (uneven a b c)
  (let ([either (if a #t (not c))])
    (if b (not either) either)))
(define (majority a b c) (if (eq? a b) a c))

(define (of-octets f a b c)
  (make-octet
    (f (octet-b7 a) (octet-b7 b) (octet-b7 c))
    (f (octet-b6 a) (octet-b6 b) (octet-b6 c))
    (f (octet-b5 a) (octet-b5 b) (octet-b5 c))
    (f (octet-b4 a) (octet-b4 b) (octet-b4 c))
    (f (octet-b3 a) (octet-b3 b) (octet-b3 c))
    (f (octet-b2 a) (octet-b2 b) (octet-b2 c))
    (f (octet-b1 a) (octet-b1 b) (octet-b1 c))
    (f (octet-b0 a) (octet-b0 b) (octet-b0 c))))

(define (of-words f a b c)
  (make-word
    (of-octets f (word-w3 a) (word-w3 b) (word-w3 c))
    (of-octets f (word-w2 a) (word-w2 b) (word-w2 c))
    (of-octets f (word-w1 a) (word-w1 b) (word-w1 c))
    (of-octets f (word-w0 a) (word-w0 b) (word-w0 c))))

(define-record-type sum (fields octet carry) (sealed #t))

(define (add-octets a b c0)
  (let* ([c1 (majority (octet-b0 a) (octet-b0 b) c0)]
         [c2 (majority (octet-b1 a) (octet-b1 b) c1)]
         [c3 (majority (octet-b2 a) (octet-b2 b) c2)]
         [c4 (majority (octet-b3 a) (octet-b3 b) c3)]
         [c5 (majority (octet-b4 a) (octet-b4 b) c4)]
         [c6 (majority (octet-b5 a) (octet-b5 b) c5)]
         [c7 (majority (octet-b6 a) (octet-b6 b) c6)]
         [c8 (majority (octet-b7 a) (octet-b7 b) c7)])
    (make-sum
      (make-octet
        (parity (octet-b7 a) (octet-b7 b) c7)
        (parity (octet-b6 a) (octet-b6 b) c6)
        (parity (octet-b5 a) (octet-b5 b) c5)
        (parity (octet-b4 a) (octet-b4 b) c4)
        (parity (octet-b3 a) (octet-b3 b) c3)
        (parity (octet-b2 a) (octet-b2 b) c2)
        (parity (octet-b1 a) (octet-b1 b) c1)
        (parity (octet-b0 a) (octet-b0 b) c0))
      c8)))

(define (add a b)
  (let* ([s0 (add-octets (word-w0 a) (word-w0 b) #f)]
         [s1 (add-octets (word-w1 a) (word-w1 b) (sum-carry s0))]
         [s2 (add-octets (word-w2 a) (word-w2 b) (sum-carry s1))]
         [s3 (add-octets (word-w3 a) (word-w3 b) (sum-carry s2))])
    (make-word (sum-octet s3) (sum-octet s2) (sum-octet s1) (sum-octet s0))))

(define (shift1 hi lo)
  (make-octet (octet-b6 hi) (octet-b5 hi) (octet-b4 hi) (octet-b3 hi)
    (octet-b2 hi) (octet-b1 hi) (octet-b0 hi) (octet-b7 lo)))
(define (shift2 hi lo)
  (make-octet (octet-b5 hi) (octet-b4 hi) (octet-b3 hi) (octet-b2 hi)
    (octet-b1 hi) (octet-b0 hi) (octet-b7 lo) (octet-b6 lo)))
(define (shift4 hi lo)
  (make-octet (octet-b3 hi) (octet-b2 hi) (octet-b1 hi) (octet-b0 hi)
    (octet-b7 lo) (octet-b6 lo) (octet-b5 lo) (octet-b4 lo)))

(define (shifted shift a)
  (let ([w3 (word-w3 a)] [w2 (word-w2 a)] [w1 (word-w1 a)] [w0 (word-w0 a)])
    (make-word (shift w3 w2) (shift w2 w1) (shift w1 w0) (shift w0 w3))))

(define (by1 a) (shifted shift1 a))
(define (by2 a) (shifted shift2 a))
(define (by4 a) (shifted shift4 a))
(define (by5 a) (by4 (by1 a)))
(define (by6 a) (by4 (by2 a)))
(define (by7 a) (by4 (by2 (by1 a))))
(define (by8 a) (make-word (word-w2 a) (word-w1 a) (word-w0 a) (word-w3 a)))
(define (by9 a) (by8 (by1 a)))
(define (by10 a) (by8 (by2 a)))
(define (by11 a) (by8 (by2 (by1 a))))
(define (by12 a) (by8 (by4 a)))
(define (by14 a) (by8 (by6 a)))
(define (by15 a) (by8 (by7 a)))
(define (by16 a) (make-word (word-w1 a) (word-w0 a) (word-w3 a) (word-w2 a)))
(define (by17 a) (by16 (by1 a)))
(define (by20 a) (by16 (by4 a)))
(define (by21 a) (by16 (by5 a)))
(define (by22 a) (by16 (by6 a)))
(define (by23 a) (by16 (by7 a)))

(define (number->octet n)
  (make-octet (fxbit-set? n 7) (fxbit-set? n 6) (fxbit-set? n 5) (fxbit-set? n 4)
    (fxbit-set? n 3) (fxbit-set? n 2) (fxbit-set? n 1) (fxbit-set? n 0)))

(define (number->word n)
  (make-word (number->octet (fxsrl n 24)) (number->octet (fxsrl n 16)) (number->octet (fxsrl n 8)) (number->octet n)))

(define-record-type block (fields m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 ma mb mc md me mf) (sealed #t))

(define-record-type step (fields mix rotate pick constant) (sealed #t))

(define steps
  (list
    (make-step choose by7 block-m0 (number->word #xd76aa478))
    (make-step choose by12 block-m1 (number->word #xe8c7b756))
    (make-step choose by17 block-m2 (number->word #x242070db))
    (make-step choose by22 block-m3 (number->word #xc1bdceee))
    (make-step choose by7 block-m4 (number->word #xf57c0faf))
    (make-step choose by12 block-m5 (number->word #x4787c62a))
    (make-step choose by17 block-m6 (number->word #xa8304613))
    (make-step choose by22 block-m7 (number->word #xfd469501))
    (make-step choose by7 block-m8 (number->word #x698098d8))
    (make-step choose by12 block-m9 (number->word #x8b44f7af))
    (make-step choose by17 block-ma (number->word #xffff5bb1))
    (make-step choose by22 block-mb (number->word #x895cd7be))
    (make-step choose by7 block-mc (number->word #x6b901122))
    (make-step choose by12 block-md (number->word #xfd987193))
    (make-step choose by17 block-me (number->word #xa679438e))
    (make-step choose by22 block-mf (number->word #x49b40821))
    (make-step choose-by-last by5 block-m1 (number->word #xf61e2562))
    (make-step choose-by-last by9 block-m6 (number->word #xc040b340))
    (make-step choose-by-last by14 block-mb (number->word #x265e5a51))
    (make-step choose-by-last by20 block-m0 (number->word #xe9b6c7aa))
    (make-step choose-by-last by5 block-m5 (number->word #xd62f105d))
    (make-step choose-by-last by9 block-ma (number->word #x02441453))
    (make-step choose-by-last by14 block-mf (number->word #xd8a1e681))
    (make-step choose-by-last by20 block-m4 (number->word #xe7d3fbc8))
    (make-step choose-by-last by5 block-m9 (number->word #x21e1cde6))
    (make-step choose-by-last by9 block-me (number->word #xc33707d6))
    (make-step choose-by-last by14 block-m3 (number->word #xf4d50d87))
    (make-step choose-by-last by20 block-m8 (number->word #x455a14ed))
    (make-step choose-by-last by5 block-md (number->word #xa9e3e905))
    (make-step choose-by-last by9 block-m2 (number->word #xfcefa3f8))
    (make-step choose-by-last by14 block-m7 (number->word #x676f02d9))
    (make-step choose-by-last by20 block-mc (number->word #x8d2a4c8a))
    (make-step parity by4 block-m5 (number->word #xfffa3942))
    (make-step parity by11 block-m8 (number->word #x8771f681))
    (make-step parity by16 block-mb (number->word #x6d9d6122))
    (make-step parity by23 block-me (number->word #xfde5380c))
    (make-step parity by4 block-m1 (number->word #xa4beea44))
    (make-step parity by11 block-m4 (number->word #x4bdecfa9))
    (make-step parity by16 block-m7 (number->word #xf6bb4b60))
    (make-step parity by23 block-ma (number->word #xbebfbc70))
    (make-step parity by4 block-md (number->word #x289b7ec6))
    (make-step parity by11 block-m0 (number->word #xeaa127fa))
    (make-step parity by16 block-m3 (number->word #xd4ef3085))
    (make-step parity by23 block-m6 (number->word #x04881d05))
    (make-step parity by4 block-m9 (number->word #xd9d4d039))
    (make-step parity by11 block-mc (number->word #xe6db99e5))
    (make-step parity by16 block-mf (number->word #x1fa27cf8))
    (make-step parity by23 block-m2 (number->word #xc4ac5665))
    (make-step uneven by6 block-m0 (number->word #xf4292244))
    (make-step uneven by10 block-m7 (number->word #x432aff97))
    (make-step uneven by15 block-me (number->word #xab9423a7))
    (make-step uneven by21 block-m5 (number->word #xfc93a039))
    (make-step uneven by6 block-mc (number->word #x655b59c3))
    (make-step uneven by10 block-m3 (number->word #x8f0ccc92))
    (make-step uneven by15 block-ma (number->word #xffeff47d))
    (make-step uneven by21 block-m1 (number->word #x85845dd1))
    (make-step uneven by6 block-m8 (number->word #x6fa87e4f))
    (make-step uneven by10 block-mf (number->word #xfe2ce6e0))
    (make-step uneven by15 block-m6 (number->word #xa3014314))
    (make-step uneven by21 block-md (number->word #x4e0811a1))
    (make-step uneven by6 block-m4 (number->word #xf7537e82))
    (make-step uneven by10 block-mb (number->word #xbd3af235))
    (make-step uneven by15 block-m2 (number->word #x2ad7d2bb))
    (make-step uneven by21 block-m9 (number->word #xeb86d391))))

(define-record-type hash (fields a b c d) (sealed #t))

(define (mix steps block h)
  (if (null? steps)
      h
      (let* ([step (car steps)]
             [mixed (of-words (step-mix step) (hash-b h) (hash-c h) (hash-d h))]
             [total (add (add (hash-a h) mixed) (add (step-constant step) ((step-pick step) block)))]
             [next (add (hash-b h) ((step-rotate step) total))])
        (mix (cdr steps) block (make-hash (hash-d h) next (hash-b h) (hash-c h))))))

(define-record-type source (fields left ending) (sealed #t))

(define-record-type split (fields low rest) (sealed #t))

(define (split-number n0)
  (let* ([n1 (half n0)]
         [n2 (half n1)]
         [n3 (half n2)]
         [n4 (half n3)]
         [n5 (half n4)]
         [n6 (half n5)]
         [n7 (half n6)])
    (make-split
      (make-octet (d1? n7) (d1? n6) (d1? n5) (d1? n4) (d1? n3) (d1? n2) (d1? n1) (d1? n0))
      (half n7))))

(define-record-type reading (fields got source) (sealed #t))

(define (read-octet source)
  (let ([left (source-left source)] [ending (source-ending source)])
    (if (null? left)
        (make-reading (car ending) (make-source left (cdr ending)))
        (make-reading (split-low (split-number left)) (make-source (decrement left) ending)))))

(define (read-word source)
  (let* ([r0 (read-octet source)]
         [r1 (read-octet (reading-source r0))]
         [r2 (read-octet (reading-source r1))]
         [r3 (read-octet (reading-source r2))])
    (make-reading
      (make-word (reading-got r3) (reading-got r2) (reading-got r1) (reading-got r0))
      (reading-source r3))))

(define (blocks h source)
  (if (and (null? (source-left source)) (null? (source-ending source)))
      h
      (let* ([r0 (read-word source)]
             [r1 (read-word (reading-source r0))]
             [r2 (read-word (reading-source r1))]
             [r3 (read-word (reading-source r2))]
             [r4 (read-word (reading-source r3))]
             [r5 (read-word (reading-source r4))]
             [r6 (read-word (reading-source r5))]
             [r7 (read-word (reading-source r6))]
             [r8 (read-word (reading-source r7))]
             [r9 (read-word (reading-source r8))]
             [r10 (read-word (reading-source r9))]
             [r11 (read-word (reading-source r10))]
             [r12 (read-word (reading-source r11))]
             [r13 (read-word (reading-source r12))]
             [r14 (read-word (reading-source r13))]
             [r15 (read-word (reading-source r14))]
             [block
               (make-block
                 (reading-got r0) (reading-got r1) (reading-got r2) (reading-got r3)
                 (reading-got r4) (reading-got r5) (reading-got r6) (reading-got r7)
                 (reading-got r8) (reading-got r9) (reading-got r10) (reading-got r11)
                 (reading-got r12) (reading-got r13) (reading-got r14) (reading-got r15))]
             [m (mix steps block h)])
        (blocks
          (make-hash (add (hash-a h) (hash-a m)) (add (hash-b h) (hash-b m)) (add (hash-c h) (hash-c m))
            (add (hash-d h) (hash-d m)))
          (reading-source r15)))))

(define (octets count n)
  (if (null? count)
      '()
      (let ([split (split-number n)])
        (cons (split-low split) (octets (decrement count) (split-rest split))))))

(define (zeros position ending)
  (if (same? position (number->binary 56))
      ending
      (cons (number->octet 0) (zeros (low (number->binary 63) (increment position)) ending))))

(define (md5 n)
  (let* ([bits (octets (number->binary 8) (double (double (double n))))]
         [ending (cons (number->octet #x80) (zeros (low (number->binary 63) (increment n)) bits))])
    (blocks
      (make-hash (number->word #x67452301) (number->word #xefcdab89) (number->word #x98badcfe)
        (number->word #x10325476))
      (make-source n ending))))

(define (show-octet o)
  (define (digit b3 b2 b1 b0)
    (string-ref "0123456789abcdef" (fx+ (if b3 8 0) (if b2 4 0) (if b1 2 0) (if b0 1 0))))
  (string
    (digit (octet-b7 o) (octet-b6 o) (octet-b5 o) (octet-b4 o))
    (digit (octet-b3 o) (octet-b2 o) (octet-b1 o) (octet-b0 o))))

(define (show-word w)
  (string-append (show-octet (word-w0 w)) (show-octet (word-w1 w)) (show-octet (word-w2 w)) (show-octet (word-w3 w))))

(program 50000
  (lambda (n)
    (let ([h (md5 n)])
      (string-append (show-word (hash-a h)) (show-word (hash-b h)) (show-word (hash-c h)) (show-word (hash-d h))))))
