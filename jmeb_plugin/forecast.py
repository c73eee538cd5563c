"""What a run will ask, cost and be able to show, before anything is asked (``--jmeb-plan``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jmeb_plugin import stats
from jmeb_plugin.anchors import Anchor
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.judges import Rubric, judge_request
from jmeb_plugin.suite import Case
from jmeb_plugin.tokenizer import ANSWER_TOKENS, TOKENIZER, answer_tokens, tokens
from jmeb_plugin.transcript import Turn

VERDICT_TOKENS, FRAME_TOKENS = 80, 250
"""A verdict, and what stands beside an anchor and the rubric (supposed)."""

MARKS, MARK_TOKENS = 7, 9
"""The codes around what is judged; sixteen hexadecimal digits are no text to a tokenizer."""

SECONDS_PER_CALL = 3.0
DROP_SD, GUIDELINE_CORRELATION = 2.5, 0.1
"""Standard deviation of a conversation's drop, and its correlation within a guideline (assumed)."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls and tokens that one endpoint will see. ``usd`` is ``None`` without a price."""

    name: str
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole run. ``seconds`` supposes `SECONDS_PER_CALL` a call and no limit but concurrency."""

    cases: int
    cells: int
    loads: tuple[Load, ...]
    ratios: Mapping[str, float]
    """Bytes of UTF-8 a token, by language, of what the users say."""
    seconds: float
    smallest_drop: float

    @property
    def usd(self) -> float | None:
        """The price of the run; ``None`` if any endpoint has none."""
        prices = [load.usd for load in self.loads]
        return None if None in prices else math.fsum(price for price in prices if price is not None)


def forecast(
    cases: Sequence[Case],
    targets: Sequence[Endpoint],
    judges: Sequence[Endpoint],
    rubrics: Mapping[tuple[str, str], Rubric],
    concurrency: int,
    attacker: Endpoint | None = None,
    anchors: Sequence[Anchor] = (),
) -> Forecast:
    """The forecast of these cases, at least one of them, and of the anchors that are judged before."""
    answers = {target.name: answer_tokens(target.max_tokens) for target in targets}
    loads = [
        *(target_load(target, [case for case in cases if case.model == target.name]) for target in targets),
        *(judge_load(judge, cases, rubrics, answers, anchors) for judge in judges),
        *([target_load(attacker, cases)] if attacker else []),
    ]
    calls = sum(load.calls for load in loads)
    longest = max(len(case.conversation.turns) for case in cases) + 1
    one_model = [case for case in cases if case.model == cases[0].model and case.repeat == 0]
    clusters = Counter((case.suite.name, case.conversation.guideline) for case in one_model)
    deff = stats.clustered_deff(list(clusters.values()), GUIDELINE_CORRELATION)
    return Forecast(
        cases=len(cases),
        cells=len({(c.suite.name, *c.conversation.id.split("/")[:3]) for c in cases}),
        loads=tuple(loads),
        ratios=bytes_per_token(cases),
        seconds=max(calls / concurrency, longest) * SECONDS_PER_CALL,
        smallest_drop=stats.smallest_drop(len(one_model), DROP_SD, deff),
    )


def target_load(target: Endpoint, cases: Sequence[Case]) -> Load:
    """What the target, or an attacker, will see: each turn with all the turns before it."""
    system = tokens(target.system_prompt)
    calls, asked, answer = 0, 0.0, answer_tokens(target.max_tokens)
    for case in cases:
        history = system
        for turn in case.conversation.turns:
            history += tokens(turn)
            asked += history
            history += answer
            calls += 1
    return load(target, calls, asked, calls * answer)


def judge_load(
    judge: Endpoint,
    cases: Sequence[Case],
    rubrics: Mapping[tuple[str, str], Rubric],
    answers: Mapping[str, int],
    anchors: Sequence[Anchor] = (),
) -> Load:
    """What a judge will see: the rubric, the conversation so far and the answer, for each turn.

    ``answers``: what an answer of each model takes.
    """
    calls, asked = 0, 0.0
    frames: dict[tuple[str, str, str], float] = {}
    for case in cases:
        place = case.suite.name, case.conversation.guideline, case.conversation.language
        if place not in frames:
            frames[place] = frame_tokens(case, rubrics)
        history = frames[place]
        for turn in case.conversation.turns:
            history += tokens(turn) + answers[case.model]
            asked += history
            calls += 1
    for anchor in anchors:
        said = "".join(turn.question + turn.answer for turn in anchor.turns)
        rubric = rubrics[anchor.suite.name, anchor.language].texts["system"]
        asked += tokens(rubric) + FRAME_TOKENS + tokens(said)
        calls += 1
    return load(judge, calls, asked, calls * VERDICT_TOKENS)


def frame_tokens(case: Case, rubrics: Mapping[tuple[str, str], Rubric]) -> float:
    """What a judge is shown beside what was said: rubric, guideline, duty, marks."""
    rubric = rubrics[case.suite.name, case.conversation.language]
    request = judge_request(case.suite, rubric, case.conversation, (Turn("", ""),), "")
    return sum(tokens(message.content) for message in request.messages) + MARKS * MARK_TOKENS


def bytes_per_token(cases: Sequence[Case]) -> dict[str, float]:
    """Bytes of UTF-8 a token in the users' turns, by language."""
    turns: dict[str, list[str]] = {}
    for talk in {case.conversation.id: case.conversation for case in cases}.values():
        turns.setdefault(talk.language, []).extend(talk.turns)
    return {
        language: len("".join(said).encode()) / tokens("".join(said))
        for language, said in sorted(turns.items())
    }


def load(endpoint: Endpoint, calls: int, asked: float, answered: int) -> Load:
    """The load with its price."""
    usd = endpoint.price.usd(round(asked), 0, answered) if endpoint.price else None
    free = 0.0 if endpoint.provider == "demo" else None
    return Load(endpoint.name, calls, round(asked), answered, free if usd is None else usd)


def plan_lines(found: Forecast) -> Iterator[str]:
    """The forecast in words, with what it supposes."""
    yield f"{found.cases} test cases in {found.cells} cells (guideline x strategy x language)"
    for part in found.loads:
        price = "no price set" if part.usd is None else f"{part.usd:.2f} USD"
        size = f"{part.input_tokens:,} tokens in, {part.output_tokens:,} out"
        yield f"{part.name}: {part.calls:,} calls, {size}, {price}"
    total = "unknown: set price for every endpoint" if found.usd is None else f"{found.usd:.2f} USD"
    yield f"price: {total}"
    yield f"time: about {found.seconds / 60:.0f} min at {SECONDS_PER_CALL:g} s a call"
    yield f"smallest mean drop it can detect (80 % power): {found.smallest_drop:.2f} points"
    ratios = ", ".join(f"{ratio:.1f} in {language}" for language, ratio in found.ratios.items())
    yield f"tokens: by the ratios of {TOKENIZER}, in bytes of UTF-8 a token: {ratios}"
    yield (
        f"supposed: {ANSWER_TOKENS} tokens an answer or max_tokens, {VERDICT_TOKENS} a verdict, "
        f"nothing cached; drops with standard deviation {DROP_SD} and correlation "
        f"{GUIDELINE_CORRELATION} within a guideline"
    )
