#!/usr/bin/env python3
"""Makes the Debian package, unpacks it, and runs the command in it.

    deb_test.py CPACK CPACK_CONFIG

Needs dpkg-deb. clean_debian.sh installs the package in a new system.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CPACK, CONFIG = sys.argv[1:]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*words):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                          timeout=100).stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        os.environ["SOURCE_DATE_EPOCH"] = "0"
        try:
            run(CPACK, "--config", CONFIG, "-B", cls.folder.name, "-D", "CPACK_PACKAGE_CONTACT=A Publisher <publisher@example.org>")
        except subprocess.CalledProcessError as error:
            sys.exit(error.stdout)
        cls.package, = Path(cls.folder.name).glob("*.deb")
        cls.root = Path(cls.folder.name) / "root"
        run("dpkg-deb", "-R", cls.package, cls.root)

    def field(self, name):
        return run("dpkg-deb", "-f", self.package, name).strip()

    def test_fields(self):
        self.assertEqual(self.field("Package"), "fble-jit")
        self.assertEqual(self.field("Maintainer"), "A Publisher <publisher@example.org>")
        self.assertRegex(self.field("Depends"), r"^libc6 \(>= 2\.\d+\), libc6 \(<< 2\.\d+\)$")
        self.assertLessEqual(max(map(len, self.field("Description").splitlines())), 80)

    def test_all_files_have_their_sums(self):
        sums = {}
        for line in (self.root / "DEBIAN/md5sums").read_text().splitlines():
            value, name = line.split(maxsplit=1)
            sums[name] = value
        files = [path for path in self.root.rglob("*") if path.is_file() and "DEBIAN" not in path.parts]
        self.assertEqual(sums, {str(path.relative_to(self.root)): hashlib.md5(path.read_bytes()).hexdigest() for path in files})

    def test_policy(self):
        share = self.root / "usr/share"
        pages = sorted(path.name for path in (share / "man/man1").iterdir())
        self.assertIn("fble-jit.1.gz", pages)
        self.assertEqual([page for page in pages if not page.endswith(".1.gz")], [])
        doc = share / "doc/fble-jit"
        self.assertIn("Copyright", (doc / "copyright").read_text())
        changelog = gzip.decompress((doc / "changelog.gz").read_bytes()).decode()
        self.assertTrue(changelog.endswith(" -- A Publisher <publisher@example.org>  Thu, 01 Jan 1970 00:00:00 +0000\n"), changelog)
        for path in self.root.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o022, 0, f"others may write {path}")

    def test_the_command_finds_its_library(self):
        command = self.root / "usr/bin/fble-jit"
        self.assertIn("ForEach", run(command, "doc", "/Std/List%"))
        example = EXAMPLES / "Md5.fble"
        digest = hashlib.md5(example.read_bytes()).hexdigest()
        for jit in ("off", "on"):
            self.assertEqual(run("env", "-u", "FBLE_JIT_STD", command, f"--jit={jit}", example, example).split()[0], digest)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
