"""The laws of faults: what passes is waited out, and no verdict depends on it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from typing import Any

import pytest

from .conftest import TOML, Run, results, scores
from .servers import Fault, error

CODE = re.compile(r"[0-9a-f]{16}")
KINDS = (
    Fault.DROP,
    Fault.TRUNCATE,
    Fault.HANG,
    (429, error("rate")),
    (500, error("oops")),
    (200, {"choices": []}),
)
SHARE = 5
"""Every fifth request fails the first time it comes."""

SLOW = TOML.replace('model = "target"', 'model = "target"\ntimeout = 8').replace(
    'model = "judge-', 'timeout = 8\nmodel = "judge-'
)


class Flaky:
    """Answers as a good server, but every fifth request only when it comes again."""

    def __init__(self, good: Any) -> None:
        self.good = good
        self.lock = threading.Lock()
        self.came: Counter[int] = Counter()
        self.failed: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> Any:
        """A reply, or the fault that is due."""
        text = CODE.sub("", json.dumps(body, sort_keys=True, ensure_ascii=False))
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
        with self.lock:
            self.came[number] += 1
            again = self.came[number] > 1
            if number % SHARE or again:
                return self.good(body)
            kind = KINDS[number // SHARE % len(KINDS)]
            self.failed[str(kind)] += 1
        return kind


def outcome(found: dict[str, Any]) -> Any:
    """What of results.json must not depend on faults."""
    models = {name: {**model, "usage": None} for name, model in found["models"].items()}
    return models, found["gates"], found["verdicts"]


def test_a_fifth_of_the_answers_fails_and_nothing_else_changes(project: Any, run: Run, serve: Any) -> None:
    """Dropped, cut, hanging, throttled, broken: every conversation is scored as without faults.

    None is asked more often than needed: once, and once more for each fault.
    """
    good = scores(9, 6.5, 3.5)
    serve(good)
    run("--jmeb-run=good", "--jmeb-repeats=3", model="it")
    expected = outcome(results(project))
    flaky = Flaky(good)
    server = serve(flaky, toml=SLOW)
    run("--jmeb-run=bad", "--jmeb-repeats=3", model="it")
    assert outcome(results(project)) == expected
    assert len(flaky.failed) == len(KINDS)
    assert len(server.requests) == 12 * 3 * 9 + sum(flaky.failed.values())


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [(401, "invalid_api_key", 4), (404, "model_not_found", 4), (429, "insufficient_quota", 10)],
)
def test_what_cannot_pass_ends_the_run_at_once(
    run: Run, serve: Any, status: int, code: str, ends: int
) -> None:
    """A dead key, an unknown model, a spent quota: nobody is asked again and again."""
    server = serve(lambda _: (status, error(code, code)))
    assert run(model="it").ret == ends
    assert len(server.requests) <= 12
