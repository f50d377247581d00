# Writes a C++ source with the contents of a file, compressed (frontends/html/gzip.h), as
#
#   extern const std::string_view NAME;
#
# in the namespace fble. Run it by `cmake -D IN=FILE -D OUT=FILE.cc -D NAME=kName -P embed.cmake`.
set(archive ${OUT}.gz)
get_filename_component(folder ${OUT} DIRECTORY)
file(MAKE_DIRECTORY ${folder})
file(ARCHIVE_CREATE OUTPUT ${archive} PATHS ${IN} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
file(READ ${archive} digits HEX)
file(REMOVE ${archive})
# The header has the time, which would make builds differ: bytes 4 to 7.
string(SUBSTRING "${digits}" 0 8 before)
string(SUBSTRING "${digits}" 16 -1 after)
string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${before}00000000${after}")
# Compilers need not accept long literals (implementation quantities: 65,536 characters); neighbours are joined.
string(LENGTH "${bytes}" length)
set(literals "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${bytes}" ${at} 16000 part)
  string(APPEND literals "\"${part}\"\n")
  math(EXPR at "${at} + 16000")
endwhile()
math(EXPR count "${length} / 4")
file(WRITE ${OUT} "#include <string_view>\nnamespace fble {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME}(\n${literals}, ${count});\n}\n")
