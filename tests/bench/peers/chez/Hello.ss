(import (chezscheme))

(display "hello, world\n")
