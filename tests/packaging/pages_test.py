#!/usr/bin/env python3
"""Checks man pages and completions as the programs that read them do.

    pages_test.py PAGES FBLE_JIT

PAGES is the folder that fble-jit-pages has written. Needs groff, mandoc, bash, zsh and fish.
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

PAGES = Path(sys.argv[1])
FBLE_JIT = sys.argv[2]


def run(words, text=None):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


def help_of(page):
    command = page.stem.removeprefix("fble-jit").removeprefix("-")
    return run([FBLE_JIT, *([command] if command else []), "--help"])[1]


class ManPages(unittest.TestCase):
    def setUp(self):
        self.pages = sorted((PAGES / "man1").iterdir())
        self.assertIn("fble-jit.1", [page.name for page in self.pages])

    def test_there_is_one_for_each_command(self):
        listed = re.search(r"\nCommands.*:\n((?:  .*\n)+)", run([FBLE_JIT, "--help"])[1]).group(1)
        commands = [line.split()[0] for line in listed.splitlines()]
        self.assertEqual({page.stem for page in self.pages}, {"fble-jit", *("fble-jit-" + c for c in commands)})

    def test_groff_and_mandoc_have_no_complaints(self):
        for page in self.pages:
            self.assertEqual(run(["groff", "-man", "-Tutf8", "-ww", "-z", str(page)]), (0, ""), page)
            _, complaints = run(["mandoc", "-T", "lint", "-W", "warning", str(page)])
            # There is no date: the same source gives the same page.
            self.assertEqual([line for line in complaints.splitlines() if "missing date" not in line], [], page)

    def test_they_say_what_help_says(self):
        def words(text):
            return re.sub(r"[^A-Za-z0-9./%@=|-]+", " ", text)

        for page in self.pages:
            shown = words(re.sub(r".\x08", "", run(["mandoc", "-T", "ascii", "-O", "width=1000", str(page)])[1]))
            texts = re.findall(r"^  (?:    )?(\S.*)$", help_of(page), re.M)
            self.assertGreater(len(texts), 5, page)
            for line in texts:
                if re.match(r"[a-z-]+ {2,}\S", line):
                    continue  # a command or a mode and its summary, which a man page shows in two lines
                self.assertIn(words(line).strip(), shown, page)


class Bash(unittest.TestCase):
    def complete(self, *words):
        script = f'. "{PAGES}/fble-jit.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fble_jit; printf "%s\\n" "${{COMPREPLY[@]}}"'
        status, out = run(["bash", "-euc", script, "bash", "fble-jit", *words])
        self.assertEqual(status, 0, out)
        return out.split()

    def test_words(self):
        self.assertEqual(self.complete("mem"), ["mem-test"])
        self.assertIn("--growth", self.complete("mem-test", "-"))
        self.assertEqual(self.complete("test", "--gr"), [])
        self.assertEqual(self.complete("--jit", "o"), ["off", "on"])
        self.assertEqual(self.complete("--jit", "="), ["off", "on", "eager"])
        self.assertEqual(self.complete("--jit", "=", "e"), ["eager"])
        self.assertEqual(self.complete("-I", "/us"), ["/usr"])
        self.assertIn("/etc/passwd", self.complete("--profile", "/etc/pass"))
        self.assertEqual(self.complete("-m", "--j"), [])
        self.assertEqual(self.complete("a.fble", "--j"), [])


class Zsh(unittest.TestCase):
    def arguments(self, *words):
        """Returns the requests to _arguments and the other helpers of zsh."""
        script = ('_arguments() { print -rl -- "$@" } ; _describe() { print -rl -- "${(@P)2}" } ; _files() { } ; '
                  f'words=("$@"); CURRENT=$#; source "{PAGES}/_fble-jit"')
        status, out = run(["zsh", "-fc", script, "zsh", "fble-jit", *words])
        self.assertEqual(status, 0, out)
        return out.splitlines()

    def test_words(self):
        self.assertIn("mem-test:tests how the memory that a function needs grows", self.arguments(""))
        self.assertTrue(any(spec.startswith("*--growth[") for spec in self.arguments("mem-test", "")))
        self.assertFalse(any("--growth" in spec for spec in self.arguments("test", "")))
        self.assertTrue(any(spec.startswith("*--jit=[") and spec.endswith(":(off on eager)")
                            for spec in self.arguments("-")))

    def test_specifications_are_understood(self):
        # Outside of completion, _arguments refuses only what it cannot parse.
        self.assertEqual(run(["zsh", "-n", str(PAGES / "_fble-jit")]), (0, ""))


class Fish(unittest.TestCase):
    def complete(self, line):
        status, out = run(["fish", "--no-config", "-c", f'source "{PAGES}/fble-jit.fish"; complete -C "{line}"'])
        self.assertEqual(status, 0, out)
        return [row.split("\t")[0] for row in out.splitlines()]

    def test_words(self):
        self.assertIn("mem-test", self.complete("fble-jit me"))
        self.assertEqual(self.complete("fble-jit mem-test --gr"), ["--growth"])
        self.assertEqual(self.complete("fble-jit test --gr"), [])
        self.assertEqual(sorted(self.complete("fble-jit --jit ")), ["eager", "off", "on"])
        self.assertEqual(sorted(self.complete("fble-jit --jit=o")), ["--jit=off", "--jit=on"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
