This program writes a triangle with a line for each byte that it reads

It has cells for the input and a count and two copies of that and a star and a newline
>>>++++++[->+++++++<]>>++++++++++<<<<<
,[
  >+                 count the byte
  [->+>+<<]          copy the count
  >>[-<<+>>]<        and put it back
  [->>.<<]           write that many stars
  >>>.<<<<<          and a newline
  ,
]
