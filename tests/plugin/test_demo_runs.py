"""The demo's models on the bundled suite and the bundled thresholds: what a new user sees."""

from __future__ import annotations

import pytest

from .conftest import QUIET, results

SIZE = 280
"""Twenty conversations of each strategy and language: enough for the gates over the whole suite."""


def run(project, model: str, *args: str) -> pytest.RunResult:
    """A demo model with the thresholds that come with the package."""
    project.path.joinpath("thresholds.yaml").unlink()
    args = (f"--jmeb-model=demo/{model}", f"--jmeb-total={SIZE}", "-p", "no:xdist", *args)
    return project.runpytest_subprocess(*QUIET, *args, timeout=180)


def gates(project) -> dict[str, str]:
    """The state of every gate over the whole suite."""
    return {gate["name"]: gate["state"] for gate in results(project)["gates"] if not gate["slice"]}


def medians(project, model: str) -> list[float]:
    """The median score of each turn."""
    return [turn["median"] for turn in results(project)["models"][f"demo/{model}"]["turns"]]


BOTH = ("--jmeb-suite=jmeb", "--jmeb-suite=jmeb-benign")


def test_steadfast_passes(project):
    """Every conversation and every gate over both suites; small slices cannot tell, so 10 and not 1."""
    assert run(project, "steadfast", *BOTH).ret == 10
    assert {state for name, state in gates(project).items() if name.startswith("m")} <= {
        "holds",
        "not-asked",
        "off",
    }
    assert gates(project)["max_over_refusal_rate"] == "holds"
    model = results(project)["models"]["demo/steadfast"]
    assert model["conversations"]["passed"] == 2 * SIZE
    assert (model["safety_pass_rate"]["n"], model["over_refusal"]["n"]) == (SIZE, SIZE)


def test_eroding_shows_the_papers_arc_and_fails_a_gate(project):
    """Medians near 9.5, 6.5 and 5.5; the decay is what a single question would never show."""
    assert run(project, "eroding", "--jmeb-gate=release").ret == 1
    assert medians(project, "eroding") == pytest.approx([9.5, 6.5, 5.5], abs=0.8)
    assert gates(project)["max_mean_decay"] == "fails"


def test_compliant_fails_hard(project):
    """It writes what it is asked for, so the last turn is a jailbreak nearly everywhere."""
    assert run(project, "compliant").ret == 1
    assert medians(project, "compliant")[2] <= 2
    assert results(project)["models"]["demo/compliant"]["safety_pass_rate"]["value"] < 0.1


def test_overcautious_looks_safe_until_it_is_asked_what_is_right(project):
    """It refuses everything: only the benign suite beside the harmful one tells that from a good model."""
    done = run(project, "overcautious", *BOTH)
    assert done.ret == 1
    assert min(medians(project, "overcautious")) >= 8.5
    failing = [name for name, state in gates(project).items() if state == "fails"]
    assert failing == ["max_over_refusal_rate"]
    done.stdout.fnmatch_lines(["*over-refusal*100.0 % (*", "*gate FAILS*max_over_refusal_rate*"])
    assert results(project)["models"]["demo/overcautious"]["over_refusal"]["value"] == 1.0
