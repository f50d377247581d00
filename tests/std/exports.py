#!/usr/bin/env python3
"""Checks that every name that a module of /Std exports has a comment and a test.

  exports.py [--verbose]

A comment is one that ends in the line above the name's definition. A name counts as tested
when a program below tests/std mentions it as what it is: imported from its module (`X .=
/Std/M%;`, `Y(.X) .= /Std/M%;`), or as a field of the module (`/Std/M%.X`), of a name for the
module (`M = /Std/M%; ... M.X`), or of a struct that one of the module's functions named Of,
Pure, Text or Cmp made (`M = /Std/Map%.Of(data)<V@>; ... M.X`). That the mention checks
something is for the reader of the test to see.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STD = ROOT / "frontends/std/Std"
WORD = r"(?:'(?:[^']|'')*'|[A-Za-z0-9_]+)@?"


def without_comments(text):
    """The text with comments as blanks, so that positions stay."""
    out, quoted = [], False
    i = 0
    while i < len(text):
        if text[i] == "'":
            quoted = not quoted
        if text[i] == "#" and not quoted:
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            out.append(" " * (end - i))
            i = end
            continue
        out.append(text[i])
        i += 1
    return "".join(out)


def exports(code):
    """Names in the struct at the end of a module; nothing for modules that are something else."""
    found = re.search(r"@\(([^()]*)\);\s*$", code)
    if found is None:
        return []
    return [item.split(":")[0].strip() for item in found.group(1).split(",") if item.strip()]


def imports(code):
    """Returns (module, name there) for every import of names, and {alias: module} for modules with a name."""
    names, aliases = [], {}
    for found in re.finditer(r"([^;{}=]*?)\.=\s*/(Std[A-Za-z0-9/]*)%\s*;", code):
        for item in found.group(1).split(","):
            words = re.findall(rf"{WORD}", item)
            if words:
                names.append((found.group(2), words[-1]))
    for found in re.finditer(rf"({WORD})\s*=\s*/(Std[A-Za-z0-9/]*)%(?:\.(?:Of|Pure|Text|Cmp|Eq)\b[^;]*)?;", code):
        aliases[found.group(1)] = found.group(2)
    return names, aliases


def undocumented(path, text, code):
    lines, code_lines = text.split("\n"), code.split("\n")
    missing = []
    for name in exports(code):
        found = False
        plain = re.escape(name)
        for i, line in enumerate(code_lines):
            # A definition: `X = `, `T X;`, `Type X = `, or an import that is exported again.
            is_definition = re.search(rf"(?:^|\s|\))({plain})\s*(?:=(?!=)|;)", line) and not line.startswith("  ")
            is_import = re.match(rf"^[^=]*\b{plain}[^=]*\.=", line)
            if not (is_definition or is_import):
                continue
            # Upwards over the lines of the type, to the comment.
            at = i
            while at > 0 and code_lines[at - 1].strip() and not re.search(r"[;]\s*$", code_lines[at - 1]):
                at -= 1
            if at > 0 and lines[at - 1].lstrip().startswith("#"):
                found = True
                break
        if not found:
            missing.append(name)
    return missing


def main():
    modules = {}
    bad = 0
    for path in sorted(STD.rglob("*.fble")):
        module = "Std/" + str(path.relative_to(STD))[:-5]
        text = path.read_bytes().decode()
        code = without_comments(text)
        modules[module] = exports(code)
        if not text.startswith(f"# /{module}%"):
            print(f"{path.relative_to(ROOT)}: does not begin with a comment that says what /{module}% is")
            bad += 1
        for name in undocumented(path, text, code):
            print(f"{path.relative_to(ROOT)}: no comment on {name}")
            bad += 1

    tested = set()
    for path in sorted((ROOT / "tests/std").rglob("*.fble")):
        code = without_comments(path.read_bytes().decode())
        names, aliases = imports(code)
        tested.update(names)
        for module, name in re.findall(rf"/(Std[A-Za-z0-9/]*)%\.({WORD})", code):
            tested.add((module, name))
        for alias, module in aliases.items():
            for name in re.findall(rf"(?<![A-Za-z0-9_.]){re.escape(alias)}\.({WORD})", code):
                tested.add((module, name))
    for module, names in modules.items():
        for name in names:
            if (module, name) not in tested:
                print(f"/{module}%.{name}: no test in tests/std mentions it")
                bad += 1
    if "--verbose" in sys.argv:
        print(f"{len(modules)} modules, {sum(map(len, modules.values()))} exports")
    return 1 if bad else 0


sys.exit(main())
