;; Compiles a program together with what it imports: NAME.ss to NAME.so.
(let ([name (car (command-line-arguments))])
  (compile-imported-libraries #t)
  (generate-wpo-files #t)
  (compile-program (string-append name ".ss"))
  (compile-whole-program (string-append name ".wpo") (string-append name ".so")))
