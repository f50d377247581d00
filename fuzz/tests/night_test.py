#!/usr/bin/env python3
"""A night continues where the last one stopped, and says what it did (fuzz/night)."""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def night(*words):
    return subprocess.run([sys.executable, str(ROOT / "fuzz" / "night"), *map(str, words)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def main(release):
    with tempfile.TemporaryDirectory() as folder:
        usual = ["--folder", folder, "--targets", "programs", "--release", release, "--chunk", 3, "--jobs", 1,
                 "--first-seed", 40]
        # The time is over after the first slice.
        for _ in range(2):
            outcome = night(*usual, "--hours", 1e-6)
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        log = [json.loads(line) for line in (pathlib.Path(folder) / "log.jsonl").read_text().splitlines()]
        assert [(entry["seed"], entry["count"], entry["agreed"]) for entry in log] == [(40, 3, 3), (43, 3, 3)], log
        assert all(entry["found"] == 0 and entry["traces"] > 0 and entry["commit"] for entry in log), log
        summary = night("--folder", folder, "--summary").stdout
        assert "programs in all: 6 agree, seeds 40 to 45" in summary, summary
        recorded = pathlib.Path(folder) / "record.jsonl"
        for added in (2, 0):
            assert f"{added} of 2 slices added" in night("--folder", folder, "--record", recorded).stdout
        assert night("--summary", "--log", recorded).stdout == summary
        wrong = night("--targets", "nothing")
        assert wrong.returncode == 2 and wrong.stderr == "error: no target nothing\n", wrong.stderr
        missing = night("--folder", folder, "--targets", "programs", "--release", folder)
        assert missing.returncode == 2 and "is missing: build it first" in missing.stderr, missing.stderr


main(pathlib.Path(sys.argv[1]))
