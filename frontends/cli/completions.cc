// Shell completions. Each shell gets its own script; all have the same three facts from the tables: the commands, the
// options of a command, and what kind of word follows an option.
//
// Tested by tests/unit/frontends/cli/pages_test.cc and tests/packaging/pages_test.py.
#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <vector>

#include "frontends/cli/option_table.h"
#include "frontends/cli/pages.h"

namespace fble {
namespace {

enum class ValueKind : uint8_t { kNone, kFolder, kFile, kChoice, kOther };

ValueKind value_kind(const OptionRow& row) {
  if (row.value.empty()) return ValueKind::kNone;
  if (row.value == "DIR") return ValueKind::kFolder;
  if (row.value == "FILE") return ValueKind::kFile;
  return row.value.find('|') == std::string_view::npos ? ValueKind::kOther : ValueKind::kChoice;
}

/// Returns the choices of a value such as "off|on", separated by spaces.
std::string choices(const OptionRow& row) {
  std::string words(row.value);
  for (char& c : words) c = c == '|' ? ' ' : c;
  return words;
}

std::vector<const OptionRow*> options_of(const Command& command) {
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : option_rows()) {
    if ((row.group & command.groups) != 0) rows.push_back(&row);
  }
  return rows;
}

std::string command_names(std::string_view separator) {
  std::string names;
  for (const Command& command : commands()) {
    if (command.name[0] != '\0') names += (names.empty() ? "" : std::string(separator)) + command.name;
  }
  return names;
}

/// Returns the names of those options that are `wanted`, separated by spaces.
std::string names_of(const std::vector<const OptionRow*>& rows, const std::function<bool(const OptionRow&)>& wanted) {
  std::string names;
  for (const OptionRow* row : rows) {
    if (!wanted(*row)) continue;
    for (const char* name : {row->short_name, row->long_name}) {
      if (name != nullptr) names += (names.empty() ? "" : " ") + std::string(name);
    }
  }
  return names;
}

/// Returns text with a backslash before each of the characters, and quotes as they are written within quotes.
std::string quoted(std::string_view text, std::string_view special, std::string_view quote) {
  std::string result = "'";
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    if (c == '\'') {
      result += quote;
    } else {
      result += c;
    }
  }
  return result + "'";
}

/// Returns the specification of an option for _arguments of zsh.
std::string zsh_spec(const OptionRow& row) {
  const auto quote = [](std::string_view text) {
    const std::string text_in_quotes = quoted(text, "\\[]:", "'\\''");
    return text_in_quotes.substr(1, text_in_quotes.size() - 2);
  };
  std::string action;
  switch (value_kind(row)) {
    case ValueKind::kNone: break;
    case ValueKind::kFolder: action = "_files -/"; break;
    case ValueKind::kFile: action = "_files"; break;
    case ValueKind::kChoice: action = "(" + choices(row) + ")"; break;
    case ValueKind::kOther: action = " "; break;
  }
  std::string specs;
  for (const char* name : {row.short_name, row.long_name}) {
    if (name == nullptr) continue;
    const bool is_long = std::string_view(name).starts_with("--");
    std::string spec = std::string("*") + name;
    if (row.takes_value()) spec += is_long ? "=" : "+";
    if (row.value_is_optional()) spec += "=-";
    spec += "[" + quote(row.doc) + "]";
    if (!action.empty()) spec += (row.value_is_optional() ? "::" : ":") + quote(row.value) + ":" + action;
    specs += " \\\n        '" + spec + "'";
  }
  return specs;
}

std::string zsh_positional(const Command& command) {
  switch (command.positional) {
    case Positional::kProgram: return "'*:file:_files'";
    case Positional::kFile:
    case Positional::kFileRun:
    case Positional::kModule: return "'*:module:_files -g \"*.fble\"'";
    case Positional::kFolder: return "'*:folder:_files -/'";
    case Positional::kHeld: break;
  }
  return "";
}

}  // namespace

std::string bash_completion() {
  std::string script = fmt::format(
      R"(# Completions of fble-jit for bash. Generated from the tables of commands and options.
_fble_jit() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' options='' folders='' files='' others=''
  # Bash takes --name=value apart.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $before == '=' ]]; then
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
    case ${{COMP_WORDS[1]}} in {}) command=${{COMP_WORDS[1]}} ;; esac
  fi
  # Words after the program are its own.
  local i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${{COMP_WORDS[i]}} in --|*.fble) return ;; esac
  done
  case $command in
)",
      command_names("|"));
  for (const Command& command : commands()) {
    const std::vector<const OptionRow*> rows = options_of(command);
    const auto of_kind = [&](ValueKind kind) {
      return names_of(rows, [&](const OptionRow& row) { return row.takes_value() && value_kind(row) == kind; });
    };
    script += fmt::format(
        "    '{}')\n"
        "      options='{}'\n"
        "      folders='{}' files='{}'\n"
        "      others='{}' ;;\n",
        command.name, names_of(rows, [](const OptionRow&) { return true; }), of_kind(ValueKind::kFolder),
        of_kind(ValueKind::kFile), of_kind(ValueKind::kOther));
  }
  script += "  esac\n  case $before in\n";
  for (const OptionRow& row : option_rows()) {
    if (value_kind(row) != ValueKind::kChoice) continue;
    script += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return ;;\n", row.long_name,
                          choices(row));
  }
  script += fmt::format(
      R"(  esac
  if [[ " $folders " == *" $before "* ]]; then
    mapfile -t COMPREPLY < <(compgen -d -- "$word")
  elif [[ " $files " == *" $before "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ " $others " == *" $before "* ]]; then
    return
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{}' -- "$word"; compgen -f -X '!*.fble' -- "$word")
  fi
}}
complete -o default -F _fble_jit fble-jit
)",
      command_names(" "));
  return script;
}

std::string zsh_completion() {
  std::string script =
      "#compdef fble-jit\n"
      "# Completions of fble-jit for zsh. Generated from the tables of commands and options.\n"
      "_fble_jit() {\n"
      "  local -a commands=(\n";
  for (const Command& command : commands()) {
    if (command.name[0] == '\0') continue;
    script += "    " + quoted(fmt::format("{}:{}", command.name, command.summary), "", "'\\''") + "\n";
  }
  script +=
      "  )\n"
      "  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
      "    _describe command commands\n"
      "    _files -g '*.fble'\n"
      "    return\n"
      "  fi\n"
      "  case $words[2] in\n";
  const auto arguments = [&](const Command& command) {
    script += "      _arguments -S";
    for (const OptionRow* row : options_of(command)) script += zsh_spec(*row);
    script += " \\\n        " + zsh_positional(command) + "\n      ;;\n";
  };
  for (const Command& command : commands()) {
    if (command.name[0] == '\0') continue;
    script += fmt::format("    {})\n      shift words\n      ((CURRENT--))\n", command.name);
    arguments(command);
  }
  script += "    *)\n";
  arguments(commands()[0]);
  return script +
         "  esac\n"
         "}\n"
         "_fble_jit \"$@\"\n";
}

std::string fish_completion() {
  std::string script = "# Completions of fble-jit for fish. Generated from the tables of commands and options.\n";
  const auto quote = [](std::string_view text) { return quoted(text, "\\", "\\'"); };
  for (const Command& command : commands()) {
    const std::string has_command = fmt::format("'__fish_seen_subcommand_from {}'", command.name);
    const std::string has_none = fmt::format("'not __fish_seen_subcommand_from {}'", command_names(" "));
    const bool is_main = command.name[0] == '\0';
    if (!is_main) {
      script += fmt::format("complete -c fble-jit -n __fish_use_subcommand -a {} -d {}\n", command.name,
                            quote(command.summary));
    }
    for (const OptionRow* row : options_of(command)) {
      script += "complete -c fble-jit -n " + (is_main ? has_none : has_command);
      if (row->short_name != nullptr) script += fmt::format(" -s {}", row->short_name + 1);
      if (row->long_name != nullptr) script += fmt::format(" -l {}", row->long_name + 2);
      switch (value_kind(*row)) {
        case ValueKind::kNone: break;
        case ValueKind::kFolder: script += " -x -a '(__fish_complete_directories)'"; break;
        case ValueKind::kFile: script += " -r -F"; break;
        case ValueKind::kChoice: script += fmt::format(" -x -a '{}'", choices(*row)); break;
        case ValueKind::kOther: script += row->takes_value() ? " -x" : ""; break;
      }
      script += fmt::format(" -d {}\n", quote(row->doc));
    }
  }
  return script;
}

}  // namespace fble
