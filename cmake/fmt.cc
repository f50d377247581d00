// Compiles the library fmt once. Debian has it as headers and as a shared library only, and the command is linked
// statically; the header-only form compiles all of fmt again in each source file, which doubled the time of a build.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);
template void buffer<char>::append(const char*, const char*);
}  // namespace detail
FMT_END_NAMESPACE
