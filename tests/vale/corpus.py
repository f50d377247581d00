#!/usr/bin/env python3
"""Makes a folder of files to search, and prints what a search for zork must print.

  corpus.py FOLDER [--files N] [--depth N] [--fan-out N] [--size BYTES] [--hits SHARE] [--nested N] [--seed N]

The folder has --fan-out folders, each of these as many, --depth times. The files are spread evenly over all of them. Their
sizes are exponentially distributed with the given mean. Of 20 files, 10 are texts, 9 are JSON and one is neither. JSON has
values inside of each other, --nested times. A share of the files (--hits) has the word: anywhere in a text, in a string of
JSON, where a letter may be an escape. Others nearly have it: as the name of a member, or with a gap. One seed makes one
corpus.
"""

import argparse
import json
import os
import pathlib
import random
import sys

WORDS = ("lamp", "mailbox", "leaflet", "house", "forest", "grating", "troll", "cellar", "thief", "sword", "maze", "zor",
         "ork", "zo rk", "frobozz", "grue", "Zürich", "tab\there", "quote\"here", "snow \N{SNOWMAN}", "key \N{KEY}")
ESCAPES = {"zork": ("zork", "\\u007aork", "zo\\u0072k", "z\\u006Frk")}


class Maker:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.options = options

    def words(self, size):
        """Words of about `size` characters together."""
        found = []
        while size > 0:
            found.append(self.random.choice(WORDS))
            size -= len(found[-1]) + 1
        return found

    def text(self, size, hit):
        words = self.words(size)
        if hit:
            words.insert(self.random.randrange(len(words) + 1), "xyzzork!")
        return "\n".join(" ".join(words[at:at + 9]) for at in range(0, len(words), 9)) + "\n"

    def value(self, strings, nested):
        """A value that has the strings in it; it takes them from the list."""
        if nested == 0 or len(strings) < 2:
            return strings.pop() if strings else self.random.choice([None, True, -1.5e3, 0])
        parts = [self.value(strings, nested - 1) for _ in range(self.random.randint(1, 4))]
        if self.random.random() < 0.5:
            return parts
        return {self.random.choice(["name", "a zork", "é", "size"]) + str(i): part for i, part in enumerate(parts)}

    def json(self, size, hit):
        strings = [" ".join(self.random.choices(WORDS, k=4)) for _ in range(size // 30 + 1)]
        if hit:
            strings.insert(self.random.randrange(len(strings)), "a HIT.")
        values = []
        while strings:
            values.append(self.value(strings, self.options.nested))
        text = json.dumps(values, ensure_ascii=self.random.random() < 0.5, indent=self.random.choice([None, 1]))
        return text.replace("HIT", self.random.choice(ESCAPES["zork"]))

    def write(self, folder):
        """Writes all files; yields the names of those that have the word, and None for those that have it not."""
        folders = [folder]
        level = folders
        for _ in range(self.options.depth):
            level = [above / f"folder{i}" for above in level for i in range(self.options.fan_out)]
            folders += level
        for each in folders:
            each.mkdir(parents=True)
        for i in range(self.options.files):
            size = int(self.random.expovariate(1 / self.options.size)) if self.options.size else 0
            hit = self.random.random() < self.options.hits
            kind = self.random.randrange(20)
            stem = f"{folders[i % len(folders)]}/{i:06d}"
            if kind < 10:
                path, text = stem + ".txt", self.text(size, hit)
            elif kind < 19:
                path, text = stem + ".json", self.json(size, hit)
            else:
                path, text = stem + ".md", "zork\n"
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if kind < 19:
                yield path if hit else None


def make(folder, **more):
    """Makes a corpus; what a search must print."""
    options = parser().parse_args([str(folder)])
    vars(options).update(more)
    found = list(Maker(options).write(pathlib.Path(folder)))
    names = sorted(name for name in found if name)
    return "".join(f"{name}\n" for name in names) + f"{len(names)} of {len(found)}\n"


def parser():
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", metavar="FOLDER")
    made.add_argument("--files", type=int, default=1000)
    made.add_argument("--depth", type=int, default=2)
    made.add_argument("--fan-out", type=int, default=4)
    made.add_argument("--size", type=float, default=1000)
    made.add_argument("--hits", type=float, default=0.05)
    made.add_argument("--nested", type=int, default=4)
    made.add_argument("--seed", type=int, default=1)
    return made


if __name__ == "__main__":
    options = vars(parser().parse_args())
    folder = options.pop("folder")
    if os.path.exists(folder):
        sys.exit(f"corpus.py: {folder} is there already")
    print(make(folder, **options), end="")
