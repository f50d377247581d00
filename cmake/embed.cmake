# Writes a C++ source with the contents of a file, as
#
#   extern const std::string_view NAME;
#
# in the namespace fble. Run it by `cmake -D IN=FILE -D OUT=FILE.cc -D NAME=kName -P embed.cmake`.
file(READ ${IN} text)
if(text MATCHES "\\)~~\"")
  message(FATAL_ERROR "${IN} has the end of a raw string literal")
endif()
# Compilers need not accept long literals (implementation quantities: 65,536 characters); neighbours are joined.
set(literals "")
string(LENGTH "${text}" length)
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 16000 part)
  string(APPEND literals "R\"~~(${part})~~\"\n")
  math(EXPR at "${at} + 16000")
endwhile()
file(WRITE ${OUT} "#include <string_view>\nnamespace fble {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} =\n${literals};\n}\n")
