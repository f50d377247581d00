// Man pages and completions: every command and option is in them, and special characters are escaped.
// tests/packaging/pages_test.py reads them with man and the shells.
#include "frontends/cli/pages.h"

#include <gmock/gmock.h>

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ManPage, EscapesWhatRoffWouldRead) {
  const Command command = {.name = "try",
                           .synopsis = "Usage: fble-jit try [OPTION...]",
                           .summary = "tries a-b",
                           .description = ".hidden is 'a' \\ file\n\n  indented  line\nback",
                           .results = "  0    good\n",
                           .examples = "Example:\n  ~/x\n",
                           .groups = kInfoGroup,
                           .positional = Positional::kFile,
                           .statuses = StatusSet::kTool};
  const std::string page = man_page(command, "1.2");
  EXPECT_THAT(page, HasSubstr(".TH FBLE\\-JIT\\-TRY 1 \"\" \"fble\\-jit 1.2\""));
  EXPECT_THAT(page, HasSubstr(".SH NAME\nfble\\-jit\\-try \\- tries a\\-b\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&.hidden is \\(aqa\\(aq \\e file\n"));
  EXPECT_THAT(page, HasSubstr("\n.RS 2\n.nf\n.PP\nindented  line\n.fi\n.RE\nback\n"));
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\n.RS 2\n.nf\n0    good\n2    mistake on the command line\n"
                              "5    other error, such as output that cannot be written\n6    out of memory\n"
                              "130  interrupted (SIGINT)\n.fi\n.RE\n.SH EXAMPLE\n"));
  EXPECT_THAT(page, HasSubstr("\\(ti/x"));
  EXPECT_THAT(page, HasSubstr(".B \\-h, \\-\\-help\nprint this help and exit\n"));
  EXPECT_THAT(page, Not(HasSubstr("\\-\\-growth")));
  EXPECT_THAT(page, Not(HasSubstr(".SH COMMANDS")));
}

TEST(ManPage, TheFirstListsTheOthers) {
  const std::string page = man_page(commands()[0], "1.2");
  for (const Command& command : commands().subspan(1)) EXPECT_THAT(page, HasSubstr(command.summary));
}

TEST(Completions, KnowAllCommandsAndTheirOptions) {
  for (const std::string& script : {bash_completion(), zsh_completion(), fish_completion()}) {
    for (const Command& command : commands()) EXPECT_THAT(script, HasSubstr(command.name));
#define FBLE_OPTION(Id, short_name, long_name, value, group, doc)                              \
  if (const char* name = long_name; name != nullptr) EXPECT_THAT(script, HasSubstr(name + 2)); \
  if (const char* name = short_name; name != nullptr) EXPECT_THAT(script, HasSubstr(name + 1));
#include "frontends/cli/options.def"
#undef FBLE_OPTION
  }
}

}  // namespace
}  // namespace fble
