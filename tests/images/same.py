#!/usr/bin/env python3
"""Runs programs without images, with an empty cache, with a full one, and with one that has no manifests: all must do the
same.

  same.py COMMAND [--all]

The programs are all language tests, run by `test` and `disassemble` (one in ten without --all), the examples and the
library's own tests. Output, messages and exit status are compared byte for byte, and so are profiles and dumps of some.
In the end, processes that start at the same time share an empty cache, and caches that cannot be used are tried.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANG = ROOT / "tests/lang"
COMMAND = sys.argv[1]
TIMEOUT_SECONDS = 300
MANIFEST = b"fble-jit manifest"
MODES = (["--jit=off"], ["--jit=on"], ["--jit=eager"])


def run(words, cache=None, script=None):
    """(output, messages, status) of a command; without images if there is no cache."""
    environment = dict(os.environ)
    environment.pop("FBLE_JIT_STD", None)
    environment["XDG_CACHE_HOME"] = str(cache or "/dev/null")
    command = [COMMAND, words[0]] + ([] if cache else ["--no-cache"]) + words[1:]
    if words[0] == "":
        del command[1]
    if script:
        command = ["sh", "-c", script, "sh"] + command
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=TIMEOUT_SECONDS, check=False)
    return result.stdout, result.stderr, result.returncode


def place(expected, found):
    """Where two texts differ."""
    if isinstance(expected, int):
        return f": {expected} and {found}"
    at = next((i for i, (one, other) in enumerate(zip(expected, found)) if one != other), min(len(expected), len(found)))
    return f" at byte {at}: {expected[at:at + 80]} and {found[at:at + 80]}"


def differences(words):
    """What is not the same, as text."""
    with tempfile.TemporaryDirectory() as folder:
        cache = pathlib.Path(folder) / "cache"
        outputs = pathlib.Path(folder) / "profile"

        def one(with_cache):
            outputs.unlink(missing_ok=True)
            result = run([word.replace("PROFILE", str(outputs)) for word in words], cache if with_cache else None)
            return result + ((outputs.read_bytes() if outputs.exists() else b""),)

        plain = one(False)
        text = ""
        for name in ("cold", "warm", "without manifests"):
            if name == "without manifests":
                for path in cache.rglob("*"):
                    if path.is_file() and path.read_bytes().startswith(MANIFEST):
                        path.unlink()
            found = one(True)
            for what, expected, other in zip(("output", "messages", "status", "profile"), plain, found):
                if expected != other:
                    text += f"{' '.join(words)}: {name}: {what} differ{place(expected, other)}\n"
        if plain[2] == 0 and not any(cache.rglob("*")):
            text += f"{' '.join(words)}: nothing was cached\n"
        return text


def language_tests(step):
    commands = []
    for number, path in enumerate(sorted(LANG.rglob("*.fble"))[::step]):
        module = "/" + "/".join("'" + part.replace("'", "''") + "'" for part in path.relative_to(LANG).with_suffix("").parts) + "%"
        where = ["-I", str(LANG), "-m", module]
        commands.append(["test"] + MODES[number % len(MODES)] + where)
        commands.append(["disassemble"] + where)
    return commands


def programs():
    commands = []
    for name, words in (("Queens", ["6"]), ("Fannkuch", ["6"]), ("Dpll", []), ("Pi", ["30"]), ("Life", []), ("Json", [])):
        for mode in MODES:
            commands.append([""] + mode + [str(ROOT / f"examples/{name}.fble")] + words)
    fannkuch = str(ROOT / "examples/Fannkuch.fble")
    commands.append(["", "--profile", "PROFILE", fannkuch, "5"])
    commands.append(["", "--jit=eager", "--dump=bytecode", fannkuch, "5"])
    commands.append(["disassemble", "--stack", fannkuch])
    for mode in MODES:
        commands.append(["test"] + mode + ["-I", str(ROOT / "tests/std"), "-m", "/StdTests/Tests%"])
    return commands


def shared_cache():
    """200 processes begin with an empty cache."""
    words = ["", str(ROOT / "examples/Queens.fble"), "5"]
    expected = run(words)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda _: run(words, folder), range(200)))
        if any(result != expected for result in results):
            return "processes that share a cache differ\n"
        left = [path.name for path in (pathlib.Path(folder) / "fble-jit").iterdir() if path.name.startswith(".")]
        return f"temporary files are left: {left}\n" if left else ""


def useless_caches():
    """A cache that is damaged, full of other things, or cannot be written."""
    words = ["", str(ROOT / "examples/Queens.fble"), "5"]
    expected = run(words)
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        run(words, folder)
        cache = pathlib.Path(folder) / "fble-jit"
        files = sorted(cache.iterdir())
        for name, damage in (
            ("truncated", lambda data: data[: len(data) // 2]),
            ("changed", lambda data: data[:99] + bytes([data[99] ^ 1]) + data[100:]),
            ("emptied", lambda data: b""),
        ):
            for path in files:
                path.write_bytes(damage(path.read_bytes()))
            if run(words, folder) != expected:
                text += f"a cache that was {name} counts\n"
            if run(words, folder) != expected:
                text += f"a cache that was {name} and mended counts\n"
        for path in files:
            path.unlink()
            path.mkdir()
        if run(words, folder) != expected:
            text += "a cache of folders counts\n"
        shutil.rmtree(cache)
        cache.write_text("")
        if run(words, folder) != expected:
            text += "a file in the place of the cache counts\n"
        cache.unlink()
        # Files may have no bytes at all.
        if run(words, folder, script='ulimit -f 0; exec "$@"') != expected:
            text += "a limit for the size of files counts\n"
    return text


def main():
    problems = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        commands = language_tests(1 if "--all" in sys.argv else 10) + programs()
        for text in pool.map(differences, commands):
            if text:
                problems.append(text)
    problems += [shared_cache(), useless_caches()]
    text = "".join(problems)
    print(text[:20000] + f"{len(commands)} commands")
    sys.exit(1 if text else 0)


if __name__ == "__main__":
    main()
