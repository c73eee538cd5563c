"""What a run's own files look like, as far as they are read back: results.json and the journal.

Somebody may have edited them, and a disk may have changed them; what fits is read without another look.
"""

from __future__ import annotations

import re

from jmeb_plugin.shape import COUNT, FINITE, SCORE, TEXT, TRUTH, WHOLE, Each, Maybe

CASE_ID = re.compile(r"[^/]+::[^/]+/[^/]+/[^/]+/[^/]+(/.+)?", re.DOTALL)
BY_LANGUAGE = Each(TEXT, named=True)
SUITE = {
    "name": TEXT, "version": TEXT, "sha256": TEXT, "note": TEXT, "kind?": TEXT, "conversations?": COUNT,
}  # fmt: skip
ENDPOINT = {
    "provider?": TEXT, "model?": TEXT, "address?": TEXT, "category?": TEXT, "base?": TEXT, "family?": TEXT,
    "size?": Maybe(COUNT),
}  # fmt: skip
RUN = {
    "id": TEXT, "started": TEXT, "finished": TEXT, "exit_status": WHOLE, "exit_reason": TEXT, "partial": TEXT,
    "suites": Each(SUITE), "rubric": {"sha256": TEXT}, "judges": {"sha256": TEXT, "names": Each(TEXT)},
    "thresholds?": {"path": TEXT, "sha256": TEXT, "off": Each(TEXT)},
    "waivers?": Each({"id": TEXT, "until": TEXT, "reason": TEXT, "state": re.compile("in-force|expired")}),
    "options": {"gate?": re.compile("cases|release|both"), "seed?": COUNT, "repeats?": COUNT},
    "endpoints": Each(ENDPOINT, named=True), "attacker?": Maybe(TEXT), "merged?": Each(TEXT),
    "own_tests_failed?": COUNT,
}  # fmt: skip
TURN = {"turn": COUNT, "score": SCORE, "disputed?": TRUTH, "judges": Each(SCORE, named=True)}
VERDICT = {
    "id": CASE_ID, "suite": TEXT, "model": TEXT, "outcome": TEXT, "reason": TEXT, "mean": SCORE,
    "waived?": TEXT, "decay?": Maybe(FINITE), "turns": Each(TURN),
}  # fmt: skip
RESULTS = {
    "run": RUN,
    "baseline?": {"run": TEXT, "first?": Maybe(TEXT), "differs?": Each(TEXT)},
    "models": Each({"usage?": Each(Maybe(COUNT), named=True)}, named=True),
    "gates": Each({"name": TEXT, "slice": TEXT, "model": TEXT, "kind": TEXT, "state": TEXT, "reason": TEXT}),
    "verdicts": Each(VERDICT),
}
"""results.json."""

NOTED = {
    "suites": Each({
        "name": TEXT, "version": TEXT, "kind": TEXT, "rubric": TEXT, "note": TEXT, "path": TEXT,
        "sha256": TEXT, "languages": Each(TEXT), "principles": Each(BY_LANGUAGE, named=True),
        "guidelines": Each(
            {"id": TEXT, "principle": TEXT, "titles": BY_LANGUAGE, "duty": BY_LANGUAGE}, named=True
        ),
        "strategies": Each({"id": TEXT, "name": TEXT, "description": TEXT}, named=True),
    }),
    "rubrics": Each(list),
}  # fmt: skip
"""What a journal notes of its run."""

FACTS = {"version": COUNT, "session?": COUNT, "secret?": re.compile("([0-9a-f]{2})+")}
"""What a journal notes for the next process that opens it."""

CONVERSATION = {
    "id": TEXT, "guideline": TEXT, "strategy": TEXT, "language": TEXT, "n": COUNT, "seed": TEXT,
    "turns": Each(TEXT),
}  # fmt: skip
TRANSCRIPT = {
    "conversation": TEXT, "model": TEXT, "repeat": COUNT, "trouble": TEXT, "seconds": FINITE,
    "turns": Each({"question": TEXT, "answer": TEXT}),
}  # fmt: skip
RECORD = {
    "case": {"suite": TEXT, "model": TEXT, "repeat": COUNT, "name": TEXT, "conversation": CONVERSATION},
    "record": {
        "transcript": TRANSCRIPT,
        "scores": Each(Each({"judge": TEXT, "value": SCORE, "reason?": TEXT, "arbiter?": TRUTH})),
        "excused": TRUTH,
    },
}
"""What a journal holds of each conversation."""

ANSWER = {
    "text": TEXT, "finish": re.compile("stop|length|filter|refusal"), "reasoning": TEXT, "model": TEXT,
    "usage": {"input": COUNT, "cached": COUNT, "output": COUNT},
}  # fmt: skip
"""What a journal holds of each answer."""
