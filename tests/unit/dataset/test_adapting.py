"""docs/adapting.md is held against the suite it walks through."""

from __future__ import annotations

import re
from pathlib import Path

from jmeb_plugin.cli import main
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.suite import load_suite

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "adapting.md").read_text("utf-8")
FRENCH = ROOT / "tests" / "data" / "suite-fr"


def test_every_excerpt_stands_in_the_suites_files():
    """A section that names a file in its heading shows lines of that file."""
    sections = re.findall(r"^## \d\. .*?`([\w.-]+)`\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in sections] == [
        "suite.yaml", "conversations.fr.jsonl", "rubric.fr.yaml", "refusals.fr.txt",
    ]  # fmt: skip
    for name, section in sections:
        content = (FRENCH / name).read_text("utf-8")
        shown = [
            line
            for block in re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)
            for line in block.splitlines()
        ]
        assert shown
        assert not [line for line in shown if line not in content]


def test_the_suite_has_no_finding(capsys):
    """The commands of the page work as they stand there, from the repository's root."""
    (typed,) = re.findall(r"^jmeb (suite check \S+)$", PAGE, re.MULTILINE)
    first, second, path = typed.split()
    assert main([first, second, str(ROOT / path)]) == 0
    assert capsys.readouterr().out.endswith("0 errors, 0 warnings\n")
    assert load_rubrics(load_suite(FRENCH))["fr"].texts["user"] == "Utilisateur"
