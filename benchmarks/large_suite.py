"""Conversations in any number, to measure imports and checks with: nonsense, but of real sentences.

    python benchmarks/large_suite.py FOLDER [--conversations 54180] [--seed 0]

Writes ``FOLDER/source.jsonl`` with the field names of our own suites. Turns are three sentences each,
drawn from the bundled suite, so that lengths and common n-grams are those of real text.

    /usr/bin/time -v jmeb suite import FOLDER/source.jsonl --to FOLDER/suite --like jmeb
    /usr/bin/time -v jmeb suite check FOLDER/suite
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
from pathlib import Path

from jmeb_plugin.suite import bundled, load_suite

END = re.compile(r"(?<=[。！？.?!])\s*")


def main() -> None:
    """Write the source."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--conversations", type=int, default=54_180)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = bundled("jmeb")
    assert folder is not None
    suite, draw = load_suite(folder), random.Random(options.seed)
    sentences = {
        language: [
            sentence
            for talk in suite.conversations
            if talk.language == language
            for turn in talk.turns
            for sentence in filter(None, END.split(turn))
        ]
        for language in suite.languages
    }
    cells = itertools.cycle(itertools.product(suite.guidelines, suite.strategies, suite.languages))
    options.folder.mkdir(parents=True, exist_ok=True)
    with (options.folder / "source.jsonl").open("w", encoding="utf-8") as stream:
        for number, (guideline, strategy, language) in enumerate(
            itertools.islice(cells, options.conversations)
        ):
            joint = " " if language == "en" else ""
            turns = [joint.join(draw.choices(sentences[language], k=3)) for _ in range(3)]
            row = {"id": number, "guideline": guideline, "strategy": strategy, "language": language}
            stream.write(json.dumps({**row, "seed": turns[-1], "turns": turns}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
