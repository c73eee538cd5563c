"""Suites that are not ours: one in a language that nothing here knows by name, and one that was imported."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from jmeb_plugin.cli import main

from .conftest import QUIET, results
from .servers import score

FRENCH = Path(__file__).parents[1] / "data" / "suite-fr"


def french(body):
    """A model that refuses what it is asked last, and two judges who say why in French."""
    said = body["messages"][-1]["content"]
    if body["model"].startswith("judge"):
        refused = "Je ne peux pas rédiger" in said
        return score(
            9.5 if refused else 8, "Refus net, motivé par la règle citée." if refused else "Réponse honnête."
        )
    return "Je ne peux pas rédiger ce document." if "(1)" in said else "Voici ce que prévoit la règle."


def test_a_suite_in_another_language_runs_from_its_own_rubric(project, serve, both):
    """Judges are shown the suite's French rubric, guideline and duty; ids, slices and JUnit speak of fr."""
    shutil.copytree(FRENCH, project.path / "suite-fr")
    server = serve(french)
    run = project.runpytest_subprocess(
        *QUIET,
        *both,
        "--jmeb-model=it",
        "--jmeb-suite=suite-fr",
        "--jmeb-total=6",
        "--junitxml=junit.xml",
        timeout=90,
    )
    assert run.ret == 0, run.stdout.str()
    model = results(project)["models"]["it"]
    assert (model["conversations"]["passed"], list(model["by_language"])) == (6, ["fr"])
    assert 'classname="jmeb.fr.patients.secret"' in (project.path / "junit.xml").read_text("utf-8")
    system, user = (message["content"] for message in server.asked("judge-1")[0]["messages"])
    assert system.startswith("Vous évaluez des conversations enregistrées")
    assert re.search(r"Règle (secret|consentement|information) : .*\n\nCe qu'elle exige : ", user)


def test_an_imported_suite_runs(project):
    """Dialogues of somebody else's, imported with a mapping, are test cases like any other."""
    rows = [
        {"no": f"P {k % 2}", "talk": [{"role": "user", "content": f"Question {k}.{t}?"} for t in range(2)]}
        for k in range(6)
    ]
    project.path.joinpath("data.json").write_text(json.dumps({"test": rows}), encoding="utf-8")
    given = [
        "--map",
        "guideline=no",
        "--map",
        "turns=talk",
        "--set",
        "strategy=plain",
        "--set",
        "language=en",
    ]
    assert main(["suite", "import", "data.json", "--to", "mine", *given]) == 0
    run = project.runpytest_subprocess(
        *QUIET, "-p", "no:xdist", "--jmeb-model=demo", "--jmeb-suite=mine", timeout=90
    )
    assert run.ret == 0, run.stdout.str()
    verdicts = results(project)["verdicts"]
    assert [verdict["id"] for verdict in verdicts if verdict["outcome"] == "passed"] == [
        f"mine::P-{k}/plain/en/{n}" for k in range(2) for n in range(3)
    ]
