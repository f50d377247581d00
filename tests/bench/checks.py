#!/usr/bin/env python3
"""Measures what it costs to check all modules of packages again after a change of one.

  checks.py --leaf Md5/Md5 --core Std/Bool PACKAGE...
  checks.py --leaf Md5/Md5 --core Std/Bool --beside OTHER PACKAGE...

PACKAGE is a folder of modules. After each change of a leaf, which no module mentions, and of a core, which many do, all modules are
checked by `check --all` in one process, and by `check -m MODULE` in a process each; with --beside, in a process each by another
fble-jit, too, such as an older one. The commands alternate. A number is processor time in ms, the sum over all modules, and in brackets
its ratio to --beside. All works on a copy of the packages, with a cache of its own.
"""
import argparse
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def written_again(text):
    return text


def with_comment(text):
    return "# One line more.\n" + text


def with_export(text):
    """Exports the first name of the module once more, as Again or Again@."""
    at = text.rfind("\n@(")
    changed = re.sub(r"@\((\w+)(@?)", r"@(Again\2: \1\2, \1\2", text[at:], count=1)
    if at < 0 or changed == text[at:]:
        sys.exit("checks.py: the module has no export such as '@(Name' at the start of a line")
    return text[:at] + changed


CHANGES = {"written again": written_again, "a comment more": with_comment, "another export": with_export}


class Packages:
    """A copy of the packages, and the options to check them with."""

    def __init__(self, folder, packages):
        self.roots = []
        for package in packages:
            self.roots.append(folder / f"{len(self.roots)}-{package.name}")
            shutil.copytree(package, self.roots[-1])
        names = {file.relative_to(root).with_suffix("") for root in self.roots for file in root.rglob("*.fble")}
        self.modules = ["/" + "/".join(f"'{word}'" for word in name.parts) + "%" for name in sorted(names)]
        self.include = [word for root in self.roots for word in ("-I", str(root))]
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))

    def file(self, module):
        files = [root / f"{module}.fble" for root in self.roots if (root / f"{module}.fble").exists()]
        return files[0] if files else sys.exit(f"checks.py: no package has the module {module}")

    def check(self, command, *words):
        """Returns the processor time of one process."""
        line = [command, "check", *self.include, *words]
        child = os.posix_spawn(command, line, self.environment, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        _, status, used = os.wait4(child, 0)
        if status != 0:
            sys.exit(f"checks.py: failed: {' '.join(line)}")
        return used.ru_utime + used.ru_stime

    def sums(self, ours, beside):
        """Checks all. Returns the times of `--all`, of a process each, and of the other command."""
        sums = [self.check(ours, "--all"), 0.0, 0.0]
        for module in self.modules:
            sums[1] += self.check(ours, "-m", module)
            if beside:
                sums[2] += self.check(beside, "-m", module)
        return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+", type=pathlib.Path, metavar="PACKAGE")
    parser.add_argument("--leaf", required=True, metavar="MODULE")
    parser.add_argument("--core", required=True, metavar="MODULE")
    parser.add_argument("--beside", metavar="COMMAND")
    parser.add_argument("--fble-jit", default=str(ROOT / "build/release/fble-jit"), metavar="COMMAND")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        packages = Packages(pathlib.Path(folder), options.packages)
        print(f"{len(packages.modules)} modules")
        print(f"{'change':<32}{'--all':>20}{'a process each':>22}" + (f"{'beside':>12}" if options.beside else ""))

        def show(name):
            times = packages.sums(options.fble_jit, options.beside)
            cells = [f"{1000 * t:.1f}" + (f" ({t / times[2]:.3f})" if options.beside else "") for t in times[:2]]
            last = f"{1000 * times[2]:>12.1f}" if options.beside else ""
            print(f"{name:<32}{cells[0]:>20}{cells[1]:>22}{last}", flush=True)

        time.sleep(2.2)  # files get stamps when they have not changed for two seconds (frontends/fble/file_facts.h)
        show("an empty cache")
        packages.sums(options.fble_jit, None)
        show("nothing")
        for module in options.leaf, options.core:
            file = packages.file(module)
            before = file.read_text()
            for name, change in CHANGES.items():
                file.write_text(change(before))
                time.sleep(2.2)
                show(f"{module}: {name}")
                file.write_text(before)
                time.sleep(2.2)
                packages.sums(options.fble_jit, None)


if __name__ == "__main__":
    main()
