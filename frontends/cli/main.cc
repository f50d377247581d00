// Tested by tests/unit/frontends/cli/*_test.cc, which run the command.
#include "frontends/cli/cli.h"

int main(int argc, char** argv) { return fble::run_command_line(argc, argv); }
