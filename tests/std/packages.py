#!/usr/bin/env python3
"""Runs the programs of other packages with our library, in all modes.

    packages.py --jit build/release/fble-jit --reference 'fble-cli -I PKGS/std' --packages PKGS/md5 PKGS/sat \\
        --programs /Md5/Tests% /Sat/Tests%

Every program must print the same bytes and end with the same status as under the
reference, a command that finds the packages' library, and in every mode of
frontends/cli/modes.def (or those of --modes) and of the options of --also. Runs of
more than --timeout seconds are failures, too. Not run by ctest, which has no other
packages; docs/library.md has the command and its result.
"""
import argparse
import concurrent.futures
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def modes_of_table():
    table = (ROOT / "frontends/cli/modes.def").read_text()
    return dict(re.findall(r'^FBLE_MODE\("([^"]+)",\s*"([^"]*)"', table, re.M))


def run(command, timeout):
    """Returns (status or error, standard output, seconds)."""
    start = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return "timeout", b"", timeout
    message = done.stderr.decode(errors="replace").strip().splitlines()
    status = done.returncode if done.returncode == 0 or not message else f"{done.returncode}: {message[0]}"
    return status, done.stdout, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jit", required=True)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--packages", nargs="+", required=True)
    parser.add_argument("--programs", nargs="+", required=True)
    parser.add_argument("--modes", nargs="*")
    parser.add_argument("--also", action="append", default=[], help="options of a further mode: --also='--jit=on ...'")
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()

    include = [word for package in options.packages for word in ("-I", package)]
    modes = modes_of_table()
    if options.modes is not None:
        modes = {name: modes[name] for name in options.modes}
    modes |= {flags: flags for flags in options.also}
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for program in options.programs:
            wanted = run([*shlex.split(options.reference), *include, "-m", program], options.timeout)
            print(f"{program}: the reference ends with {wanted[0]}, {len(wanted[1])} bytes, {wanted[2]:.1f} s", flush=True)
            runs = {name: pool.submit(run, [options.jit, *flags.split(), *include, "-m", program], options.timeout)
                    for name, flags in modes.items()}
            for name, future in runs.items():
                status, output, seconds = future.result()
                what = "same"
                if status != wanted[0]:
                    what = f"DIFFERENT STATUS: {status}"
                elif output != wanted[1]:
                    what = "DIFFERENT OUTPUT"
                failures += what != "same"
                print(f"  {name:40} {what}, {seconds:.1f} s", flush=True)
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
