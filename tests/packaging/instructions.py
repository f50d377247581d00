#!/usr/bin/env python3
"""Checks that nothing that is compiled ahead of time needs more than an x86-64 processor of the first kind.

    instructions.py OBJDUMP ARCHIVE...

On a processor without BMI, the command must interpret programs and say so: its own code must not use what is missing.
Handlers named bmi_... are left out: the interpreter chooses them for a processor that has BMI (interp/cpu.h).
"""

import re
import subprocess
import sys

# tzcnt is left out: it is also how `rep bsf` is shown, which older processors run as bsf. AVX instructions begin with v.
NEWER = re.compile(r"\t(andn|bextr|blsi|blsmsk|blsr|bzhi|lzcnt|mulx|pdep|pext|popcnt|rorx|sarx|shlx|shrx|movbe|crc32|v[a-z]+)[bwlq]?(?=\s)")
NOT_NEWER = {"verr", "verw"}
# A mangled name: its length comes before it.
CHOSEN = re.compile(r"\dbmi_[A-Z]")


def newer_instructions(listing):
    """The lines with such an instruction, each with the name of its function."""
    found, function = [], "?"
    for line in listing.splitlines():
        if line.endswith(">:"):
            function = line[line.index("<") + 1:-2]
        elif CHOSEN.search(function):
            continue
        elif (match := NEWER.search(line)) and match[1] not in NOT_NEWER:
            found.append(f"{function}: {line.strip()}")
    return found


def main():
    sample = "0000 <f>:\n   0:\tbzhiq\t%rcx, %rax, %rax\n   5:\trep\t\tbsf\t%rax, %rax\n   6:\tpextrw\t$0, %xmm0, %eax\n   9:\tvmovd\t%eax, %xmm0\n"
    assert len(newer_instructions(sample)) == 2, newer_instructions(sample)
    assert newer_instructions(sample.replace("<f>", "<_ZN4fble12_GLOBAL__N_17bmi_ArgEv>")) == []
    assert len(newer_instructions(sample.replace("<f>", "<_ZN4fble10bmi_helperEv>"))) == 2
    objdump, *archives = sys.argv[1:]
    listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", *archives], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert listing.count(">:") > 1000, "the archives have hardly any functions"
    found = newer_instructions(listing)
    print("\n".join(found[:20]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
