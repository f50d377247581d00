// Runs programs: modules of type /Std/Io/Cli%.Main@.
//
//   <<@>@ M@>(Monad@<M@>, Io@<M@>, List@<String@>) { M@<Exit@>; }
//
// M@ is <@ A@>(Unit@) { A@; }: an action is a function that waits for a unit. So
// the program is applied to four arguments, the last of which starts it.
//
// Tested by tests/unit/frontends/cli/run_test.cc.
#include <fmt/format.h>

#include "frontends/cli/ending.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

using Text = std::vector<uint32_t>;

/// Decodes the program's arguments as text. Returns false after a message.
bool decode_arguments(const std::vector<std::string>& words, std::vector<Text>& texts) {
  for (const std::string& word : words) {
    std::optional<Text> text = decode_utf8(word);
    if (!text) {
      print_error(fmt::format("argument {} is not valid UTF-8", texts.size() + 1));
      return false;
    }
    texts.push_back(std::move(*text));
  }
  return true;
}

/// Builds the monad, the io interface and the arguments as Fble values. Returns 0 if memory has run out.
Word build_arguments(NativeCall& call, const std::vector<Text>& texts) {
  size_t words = list_words(texts.size()) + object_words(3) + object_words(1) + object_words(3);
  for (const Text& text : texts) words += list_words(text.size());
  if (!call.reserve(words)) return kOutOfMemory;

  const IoFunctions functions = io_functions();
  const Word monad[] = {kUnitWord, functions.return_function, functions.do_function};
  const Word io[] = {functions.run_function};
  std::vector<Word> strings;
  for (const Text& text : texts) strings.push_back(make_string(call, text));
  const Word all[] = {call.make_struct(monad), call.make_struct(io), make_list(call, strings)};
  return call.make_struct(all);
}

/// Returns the exit status for the program's Exit@.
int program_status(Word exit, IntForm form) {
  const Read<IntValue> status = read_int(exit, form);
  const bool fits = status.error == ReadError::kNone && status.value.in_range(0, kLargestProgramStatus);
  return fits ? static_cast<int>(status.value.magnitude) : kOtherProgramStatus;
}

/// Runs the program. Stores its own status, if it returns one, in `exit_status`.
Status execute(const Options& options, ProgramCode& code, const std::vector<Text>& texts,
               const std::function<void(Machine&)>& prepare, StepObserver* steps,
               const std::function<void(Machine&)>& finish, int& exit_status) {
  NativeTable natives;
  register_std(natives);
  ProfileFile profile(options, code, options.profile_period);
  if (steps == nullptr) steps = profile.profile();
  Machine machine(code, natives, machine_options(options, steps));
  const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
  const InterruptibleRun interruptible(machine);
  if (prepare) prepare(machine);
  bool ok = machine.run_modules();
  if (ok) {
    const Word arguments = machine.build([&](NativeCall& call) { return build_arguments(call, texts); });
    ok = arguments != kOutOfMemory;
    if (ok) {
      const Word four[] = {struct_field(arguments, 0, 3), struct_field(arguments, 1, 3), struct_field(arguments, 2, 3),
                           kUnitWord};
      ok = machine.call_result(four);
    }
  }
  if (finish) finish(machine);
  if (ok) exit_status = program_status(machine.result(), machine.int_form());
  const Status status = ok ? Status::kOk : report_run_error(machine);
  if (options.stats) print_stats(machine, engine.get());
  if (!options.threads_record.empty()) {
    const Schedule& schedule = machine.schedule();
    save_file(options.threads_record, schedule_text(schedule) + "\n");
  }
  profile.write();
  write_block_profile(options, machine);
  return status;
}

}  // namespace

CommandEnding run_compiled(const Options& options, ProgramCode& code, const std::function<void(Machine&)>& prepare,
                           StepObserver* steps, const std::function<void(Machine&)>& finish) {
  std::vector<Text> texts;
  if (!decode_arguments(options.args, texts)) return Status::kUsageError;
  int exit_status = 0;
  const Status status = execute(options, code, texts, prepare, steps, finish, exit_status);
  return {status, exit_status};
}

CommandEnding run_program(const Options& options) {
  std::vector<Text> texts;
  if (!decode_arguments(options.args, texts)) return Status::kUsageError;

  Status status;
  std::unique_ptr<ProgramCode> code = compile_module(options, {.must_be_program = true}, status);
  if (code == nullptr) return status;
  return run_compiled(options, *code);
}

}  // namespace fble
