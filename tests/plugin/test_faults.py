"""The laws of faults: what passes is waited out, and no verdict depends on it."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
import threading
import time
from collections import Counter
from typing import Any

import pytest

from jmeb_plugin import runner, terminal  # loaded now, pytester does not forget them between two runs
from jmeb_plugin.limits import Lane
from jmeb_plugin.pace import Pace

from .conftest import TOML, Run, results, scores
from .servers import Fault, ModelServer, completion, error, score

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


BOT = """
async def chat(messages):
    with open("asked", "a") as stream: stream.write(messages[-1]["content"][:40] + "\\n")
    if "X-1 plain" in messages[-1]["content"]: return {"choices": []}["choice"]
    return "An answer."
"""


def test_a_bug_of_the_bot_is_not_waited_out(
    run: Run, serve: Any, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be there again: its conversation is unscored at once, with exception and line, the others not."""
    monkeypatch.syspath_prepend(project.path)
    monkeypatch.chdir(project.path)
    project.path.joinpath("buggy_bot.py").write_text(BOT)
    target = 'provider = "openai"\nmodel = "target"\nbase_url = "{url}"'
    assert target in TOML
    serve(scores(9, 9, 9), toml=TOML.replace(target, 'provider = "python"\ntarget = "buggy_bot:chat"', 1))
    result = run("-p", "no:xdist", model="it")
    assert result.ret == 10
    rows = [row for row in results(project)["verdicts"] if row["outcome"] != "passed"]
    assert [row["id"] for row in rows] == [f"toy::X-1/plain/{language}/0" for language in ("en", "ja")]
    assert all("raised KeyError: 'choice' (buggy_bot.py:4)" in row["reason"] for row in rows)
    assert len(project.path.joinpath("asked").read_text().splitlines()) == 10 * 3 + 2


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


@pytest.mark.parametrize(
    ("words", "ends", "withheld"), [("Input was flagged by moderation", 0, 6), ("Request blocked.", 10, 0)]
)
def test_a_firewall_that_stops_some_prompts_stops_no_run(
    project: Any, run: Run, serve: Any, words: str, ends: int, withheld: int
) -> None:
    """A 403 about a few prompts: withheld if it says so, else those conversations are unscored."""
    good = scores(9, 8, 7)

    def answer(body: dict[str, Any]) -> Any:
        stopped = body["model"] == "target" and "X-2 plain" in body["messages"][-1]["content"]
        return (403, error("forbidden", words)) if stopped else good(body)

    serve(answer)
    result = run(model="it")
    assert result.ret == ends
    found = results(project)["models"]["it"]
    assert (found["withheld"], found["conversations"]["unscored"]) == (withheld, 0 if withheld else 2)
    if not withheld:
        result.stdout.fnmatch_lines(["*turn 0: it: 403: Request blocked.*"])


def test_judges_that_reject_a_parameter_end_the_run(run: Run, serve: Any, both: Any) -> None:
    """Nobody pays a target for a run in which no judge can score: it is a mistake, in the server's words."""
    good = scores(9, 8, 7)
    no = 400, error("unsupported_value", "Unsupported value: 'temperature' does not support 0.0")
    server = serve(lambda body: no if body["model"].startswith("judge") else good(body))
    result = run(*both, "--jmeb-concurrency=4", model="it")
    assert result.ret == 4
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert re.match(r"ERROR: endpoint '(one|two)': the server has answered none of its requests", line)
    assert "with the same words: 400: Unsupported value: 'temperature' does not support 0.0" in line
    assert len(server.requests) <= 40


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of tenths of a second between tries."""
    pace = Pace(first_pause=0.05, longest_pause=0.8, longest_hold=0.2, dead_after=6.0)
    monkeypatch.setattr(runner, "Lane", functools.partial(Lane, pace=pace))


def fail(server: ModelServer, after: int, seconds: float | None = None) -> None:
    """Once it was asked so often, the server is not there for so long, or for good."""
    while len(server.requests) < after:
        time.sleep(0.01)
    server.go_down()
    if seconds is not None:
        time.sleep(seconds)
        server.come_back()


@pytest.mark.usefixtures("quick")
def test_an_outage_is_waited_out_and_says_why(
    project: Any, run: Run, serve: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log gets one line when answers stay away and one when they come again; nothing else changes."""
    good = scores(9, 6.5, 3.5)
    serve(good)
    run(*both, "--jmeb-run=good", model="it")
    expected = outcome(results(project))
    monkeypatch.setattr(terminal, "OUTAGE_AFTER", 0.3)
    server = serve(good, seconds=0.02)
    watch = threading.Thread(target=fail, args=(server, 60, 1.5))
    watch.start()
    result = run(*both, "--jmeb-run=bad", "--jmeb-concurrency=4", model="it")
    watch.join()
    assert outcome(results(project)) == expected
    why = r"(?:it|one|two): (?:no connection to http://127.0.0.1:\d+/v1|the connection broke) \(.+\)"
    begins = rf"jmeb: no answer for \d+ s, asking again and again: {why}"
    ends = rf"jmeb: there are answers again after \d+ s of: {why}"
    for line in (begins, ends):
        assert sum(re.fullmatch(line, printed) is not None for printed in result.outlines) == 1
    assert len(server.requests) <= 12 * 9 + 4


@pytest.mark.usefixtures("quick")
def test_an_outage_without_an_end_is_inconclusive(run: Run, serve: Any, both: Any) -> None:
    """A server that answered and then is gone for good ends the run with its name and the reason."""
    server = serve(scores(9, 8, 7), seconds=0.02)
    watch = threading.Thread(target=fail, args=(server, 60))
    watch.start()
    result = run(*both, "--jmeb-concurrency=4", model="it")
    watch.join()
    assert result.ret == 10
    result.stdout.re_match_lines(
        [
            rf"INCONCLUSIVE: endpoint '(it|one|two)': {re.escape(server.url)} has answered nobody for \d+ s \(.*"
        ]
    )


@pytest.mark.usefixtures("quick")
def test_a_moment_without_answers_is_no_outage(run: Run, serve: Any, both: Any) -> None:
    """A 429 here and there, while others are answered, leaves no line in a log."""
    good, count = scores(9, 8, 7), iter(range(10**6))
    serve(lambda body: (429, error("rate")) if next(count) % 7 == 0 else good(body))
    result = run(*both, model="it")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*no answer for*")


def test_a_silence_without_a_failure_is_said(
    run: Run, serve: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As what it is: which endpoint has not answered yet, and no outage."""
    good, said, status = scores(9, 8, 7), threading.Event(), terminal.status_line

    def told(progress: Any) -> str:
        if re.fullmatch(r"(it|one|two): no answer yet, for \d+ s", progress.trouble):
            said.set()
        return status(progress)

    def late(body: dict[str, Any]) -> Any:
        assert said.wait(60)
        return good(body)

    monkeypatch.setattr(terminal, "status_line", told)
    monkeypatch.setattr(terminal, "LOG_EVERY", 0.2)
    monkeypatch.setattr(runner, "QUIET_AFTER", 0.5)
    serve(late)
    result = run(*both, model="it")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["jmeb: 0/12 conversations · waiting: it: no answer yet, for * s · 12 in flight*"]
    )
    result.stdout.no_fnmatch_line("*asking again*")


class DeadJudge:
    """One judge's key is refused at a turn, while the others are at work, whose answers come only then."""

    def __init__(self, good: Any, turn: int) -> None:
        self.good = good
        self.turn = turn
        self.key_is_good = False
        self.at_work, self.refused = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.judged = 0
        self.asked: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> Any:
        """A reply, or a refusal."""
        said = body["messages"][-1]["content"]
        asked = re.search(r" question>>>\n(.*?)\n<<<end", said, re.DOTALL)
        turn = int(re.search(r"\d", asked[1] if asked else said)[0])
        if body["model"] == "judge-2":
            return self.judge(body, turn)
        with self.lock:
            self.asked[CODE.sub("", json.dumps(body, sort_keys=True))] += 1
            self.judged += body["model"] == "judge-1" and turn == self.turn
        if self.judged == 12:
            self.at_work.set()
        if turn > self.turn or (turn == self.turn and body["model"] == "judge-1"):
            assert self.refused.wait(60)
        return self.good(body)

    def judge(self, body: dict[str, Any], turn: int) -> Any:
        """What the judge says whose key is refused."""
        if self.key_is_good or turn < self.turn:
            return self.good(body)
        assert self.at_work.wait(60)
        self.refused.set()
        return 401, error("invalid_api_key")


@pytest.mark.parametrize("turn", [0, 2], ids=["first", "last"])
def test_what_is_in_flight_when_a_key_is_refused_is_not_asked_for_again(
    run: Run, serve: Any, both: Any, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    """The answers of all other endpoints are kept, though the run has ended."""
    monkeypatch.setattr(runner, "GRACE", 60.0)
    judge = DeadJudge(scores(9, 8, 7), turn)
    serve(judge)
    assert run(*both, "--jmeb-run=r", model="it").ret == 4
    assert 12 * 2 * (turn + 1) <= sum(judge.asked.values())
    judge.key_is_good = True
    assert run(*both, "--jmeb-run=r", model="it").ret == 0
    assert len(judge.asked) == 12 * 6
    assert set(judge.asked.values()) == {1}


class Away:
    """Answers as a good server, but for a while refuses all, and says that this will be over at once."""

    def __init__(self, good: Any, status: int, seconds: float) -> None:
        self.good = good
        self.status = status
        self.seconds = seconds
        self.asked = self.refused = 0
        self.until = math.inf

    def __call__(self, body: dict[str, Any]) -> Any:
        """A reply, or the status with its hint."""
        self.asked += 1
        if self.asked == 20:
            self.until = time.monotonic() + self.seconds
        if self.asked < 20 or time.monotonic() > self.until:
            return self.good(body)
        self.refused += 1
        return self.status, error("busy"), {"retry-after-ms": "10"}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [429, 503])
def test_an_outage_with_a_short_hint_is_waited_out(
    project: Any, run: Run, serve: Any, both: Any, status: int
) -> None:
    """What the server says of when to come takes nothing from the time for which it is waited for."""
    away = Away(scores(9, 8, 7), status, 3.0)
    serve(away)
    result = run(*both, "--jmeb-run=bad", model="it")
    assert result.ret == 0
    assert away.refused > 0
    assert all(None not in verdict["turns"] for verdict in results(project)["verdicts"])
    assert away.refused <= 64 + 3 * 40  # a round each fifth of a second, for each endpoint


@pytest.mark.usefixtures("quick")
def test_a_prompt_that_always_fails_ends_no_run(project: Any, run: Run, serve: Any, both: Any) -> None:
    """Its conversation is unscored; the others are held, also where only one request goes at a time."""
    good = scores(9, 8, 7)

    def answer(body: dict[str, Any]) -> Any:
        bad = body["model"] == "target" and "X-1 story" in body["messages"][-1]["content"]
        return (500, error("template", "template error")) if bad and "Question 1" in str(body) else good(body)

    serve(answer)
    result = run(*both, "--jmeb-concurrency=1", model="it")
    assert result.ret == 10
    reasons = [
        verdict["reason"] for verdict in results(project)["verdicts"] if verdict["outcome"] == "unscored"
    ]
    assert len(reasons) == 1
    assert "turn 1: it: 500: template error" in reasons[0]
    result.stdout.no_fnmatch_line("*INCONCLUSIVE: endpoint*")


DEAR = {"target": 1.0, "judge-1": 100.0, "judge-2": 100.0}
"""USD per million tokens."""
PRICED = functools.reduce(
    lambda toml, model: toml.replace(
        f'model = "{model}"',
        f'model = "{model}"\nprice = {{{{ input = {DEAR[model]}, output = {DEAR[model]} }}}}',
    ),
    DEAR,
    TOML,
)


class Charging:
    """Answers as a good server, counts what it is asked by its length, and remembers what that cost."""

    def __init__(self, good: Any) -> None:
        self.good = good
        self.prices: list[float] = []

    def __call__(self, body: dict[str, Any]) -> Any:
        """A reply with its usage."""
        taken = len(json.dumps(body, ensure_ascii=False)) // 4
        self.prices.append(taken * DEAR[body["model"]] / 1e6)
        return {**completion(self.good(body)), "usage": {"prompt_tokens": taken, "completion_tokens": 0}}


def test_a_small_budget_is_not_passed_by_a_crowd_of_dear_judges(run: Run, serve: Any, both: Any) -> None:
    """What the target costs says nothing of the judges, who begin all together."""
    charging = Charging(scores(9, 8, 7))
    serve(charging, seconds=0.1, toml=PRICED)
    result = run(*both, "--jmeb-budget=0.5", model="it")
    assert result.ret == 10
    assert 0.5 - 2 * max(charging.prices) <= sum(charging.prices) <= 0.5 + 2 * max(charging.prices)
    result.stdout.fnmatch_lines(["INCONCLUSIVE: --jmeb-budget 0.5: *"])


def test_the_budget_counts_answers_that_nobody_counted(run: Run, serve: Any, both: Any, project: Any) -> None:
    """A server without usage is charged by the texts; also by a session that goes on with the run."""
    good = scores(9, 8, 7)
    server = serve(lambda body: {**completion(good(body)), "usage": None}, toml=PRICED)
    assert run(*both, "--jmeb-budget=0.5", "--jmeb-run=r", "--jmeb-concurrency=4", model="it").ret == 10
    asked = len(server.requests)
    assert 3 < asked < 12 * 9
    assert results(project)["models"]["it"]["usage"]["usd"] == pytest.approx(0.5, rel=0.3)
    again = run(*both, "--jmeb-budget=0.5", "--jmeb-run=r", "--jmeb-concurrency=4", model="it")
    again.stdout.fnmatch_lines(["INCONCLUSIVE: --jmeb-budget 0.5: *"])
    assert len(server.requests) <= asked + 3


def test_a_resumed_run_knows_whom_the_server_answered(run: Run, serve: Any) -> None:
    """What a firewall stops is stopped again: that is no refused key, though nobody else is left to ask."""

    def answer(body: dict[str, Any]) -> Any:
        if body["model"].startswith("judge"):
            return score(9)
        stopped = "X-1 plain" in body["messages"][-1]["content"]
        return (403, {"error": {"message": "Request denied. Support ID 12"}}) if stopped else "An answer."

    serve(answer)
    for _ in range(2):
        result = run("--jmeb-run=one", model="it")
        assert result.ret == 10
        result.stdout.fnmatch_lines(["INCONCLUSIVE: 2 conversations could not be scored*"])
