This program prints a greeting

set cells 1 to 4 to 70 and 100 and 30 and 10 by adding in a loop
++++++++++[>+++++++>++++++++++>+++>+<<<<-]
>++.              H
>+.               e
+++++++..         ll
+++.              o
>++.              blank
<<+++++++++++++++.  W
>.                o
+++.              r
------.           l
--------.         d
>+.               exclamation mark
>.                newline
