"""Limits: who may ask when, who tries again, and who holds what while waiting."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jmeb_plugin.budget import Budget
from jmeb_plugin.clients.base import Reply, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent, KeyRefused, Outage, Rejected, Transient
from jmeb_plugin.limits import Lane, Slots
from jmeb_plugin.pace import FIRST_WINDOW, TRIES, Hold, Minute, Pace, Tries, Window, pauses
from jmeb_plugin.price import Price

QUICK = Pace(first_pause=0.001, longest_pause=0.002, dead_after=0.05, minute=0.2)
GOOD = Reply("はい", usage=Usage(30, 0, 20))
BUSY = Transient("it: 500: busy")
GONE = Transient("it: no connection", answered=False)


def lane(slots: int = 8, budget: float | None = None, pace: Pace = QUICK, **limits: Any) -> Lane:
    """A lane of its own; call it on the running loop."""
    made = Endpoint("it", "openai", base_url="http://h.test/v1", **limits)
    return Lane(made, Slots(slots), Budget(budget), pace)


def script(*outcomes: Reply | Exception) -> Callable[[], Awaitable[Reply]]:
    """A request that ends in one outcome after another, the last one for ever."""
    left = list(outcomes)

    async def ask() -> Reply:
        await asyncio.sleep(0)
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask


def counted(ask: Callable[[], Awaitable[Reply]], tries: list[float]) -> Callable[[], Awaitable[Reply]]:
    """The same request, with the time of every try noted."""

    async def asked() -> Reply:
        tries.append(time.monotonic())
        return await ask()

    return asked


def paid(at: Lane) -> Callable[[Reply, float], None]:
    """What pays for a lane's answers."""

    def keep(reply: Reply, seconds: float) -> None:
        assert seconds >= 0
        at.budget.pay(at.endpoint, reply.usage)

    return keep


class Crowd:
    """A request that stays in flight for a moment, and remembers how many were there at most."""

    def __init__(self) -> None:
        self.here = self.most = 0

    async def ask(self) -> Reply:
        """Come, look round, go."""
        self.here += 1
        self.most = max(self.most, self.here)
        await asyncio.sleep(0.002)
        self.here -= 1
        return GOOD


async def settled(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not condition():  # noqa: ASYNC110 - any state of a lane will do
        await asyncio.sleep(0.001)


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run on a fresh loop; nothing here may take ten seconds."""

    async def timed() -> Any:
        async with asyncio.timeout(10):
            return await work()

    return asyncio.run(timed())


# -- tries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [0, 1, TRIES - 1])
def test_a_transient_failure_is_tried_again(failures: int) -> None:
    """An answer within eight tries is the answer, and the trouble is over."""
    tries: list[float] = []

    async def work() -> Lane:
        at = lane()
        reply, seconds = await at.call(counted(script(*[BUSY] * failures, GOOD), tries), 10, "a")
        assert reply is GOOD
        assert seconds >= 0
        return at

    at = run(work)
    assert (len(tries), at.retries, at.trouble) == (failures + 1, failures, "")


def test_one_request_that_always_fails_is_given_up_after_eight_retries() -> None:
    """While others are answered, the failure itself is raised."""
    tries: list[float] = []

    async def work() -> None:
        at = lane()
        failing = asyncio.ensure_future(at.call(counted(script(BUSY), tries), 10, "a"))
        await asyncio.sleep(0.001)
        await at.call(script(GOOD), 10, "b")
        await failing

    with pytest.raises(Transient, match="500: busy"):
        run(work)
    assert len(tries) == TRIES == 9


@pytest.mark.parametrize("error", [BUSY, GONE])
def test_an_endpoint_that_answers_nobody_is_an_outage(error: Transient) -> None:
    """It had answered before; now eight retries pass without an answer to anybody."""
    tries: list[float] = []

    async def work() -> None:
        at = lane(pace=replace(QUICK, dead_after=0))
        await at.call(script(GOOD), 10, "a")
        ends = await asyncio.gather(
            *(at.call(counted(script(error), tries), 10, name) for name in "bc"), return_exceptions=True
        )
        raise next(end for end in ends if isinstance(end, Outage))

    with pytest.raises(Outage, match=r"has answered nobody for \d s \(it: "):
        run(work)
    assert TRIES <= len(tries) <= 2 * TRIES


def test_one_request_alone_does_not_make_an_outage() -> None:
    """It is given up, and the next one is tried; only where that fails too the endpoint is blamed."""

    async def work() -> list[Any]:
        at = lane()
        asked = [("a", GOOD), ("b", BUSY), ("c", GOOD), ("d", BUSY), ("e", BUSY)]
        return [
            await asyncio.gather(at.call(script(said), 10, name), return_exceptions=True)
            for name, said in asked
        ]

    (a,), (b,), (c,), (d,), (e,) = run(work)
    assert a[0] is c[0] is GOOD
    assert b is d is BUSY
    assert isinstance(e, Outage)


@pytest.mark.parametrize("error", [Rejected("no"), KeyRefused("no key")])
def test_what_cannot_get_better_is_not_tried_again(error: Exception) -> None:
    """A rejection or a mistake is raised at once."""
    tries: list[float] = []
    with pytest.raises(type(error)):
        run(lambda: lane().call(counted(script(error), tries), 10, "a"))
    assert len(tries) == 1


@pytest.mark.parametrize("throttled", [True, False])
def test_the_servers_hint_is_honoured(throttled: bool) -> None:
    """The next try comes no sooner than the server asked for."""
    tries: list[float] = []
    slow = Transient("it: 429", retry_after=0.1, throttled=throttled)
    run(lambda: lane().call(counted(script(slow, GOOD), tries), 10, "a"))
    assert tries[1] - tries[0] >= 0.1


def limited(most: int, seconds: float, hint: float, tries: list[float]) -> Callable[[], Awaitable[Reply]]:
    """A request to a server that takes so many in a span of time, and says when to come again."""
    taken: list[float] = []

    async def ask() -> Reply:
        await asyncio.sleep(0)
        now = time.monotonic()
        tries.append(now)
        if len([t for t in taken if t > now - seconds]) >= most:
            raise Transient("it: 429", retry_after=hint, throttled=True)
        taken.append(now)
        return GOOD

    return ask


def test_a_429_is_no_failed_try_while_others_are_answered() -> None:
    """A server that keeps a rate refuses some far more often than eight times; all are answered."""
    tries: list[float] = []

    async def work() -> list[Any]:
        at = lane(slots=64)
        ask = limited(1, 0.02, 0.02, tries)
        return await asyncio.gather(*(at.call(ask, 1, str(n)) for n in range(60)))

    assert all(reply is GOOD for reply, _ in run(work))
    assert len(tries) > 60


def test_a_429_without_a_hint_is_given_up_by_no_count_either() -> None:
    """While others are answered: the pauses begin anew."""
    told: list[float] = []

    async def work() -> Reply:
        at = lane()
        slow = Transient("it: 429", throttled=True)
        waiting = asyncio.create_task(at.call(counted(script(*[slow] * 30, GOOD), told), 1, "a"))
        while not waiting.done():
            await at.call(script(GOOD), 1, "b")
            await asyncio.sleep(0.001)
        return (await waiting)[0]

    assert run(work) is GOOD
    assert len(told) == 31


@pytest.mark.parametrize("throttled", [True, False])
@pytest.mark.parametrize("requests", [1, 2, 40])
def test_a_short_hint_does_not_use_up_the_tries(requests: int, throttled: bool) -> None:
    """An outage as long as the pauses between eight tries is waited out, however soon the server says.

    It is asked by one after the other meanwhile, not by all.
    """
    pace = replace(QUICK, first_pause=0.002, longest_pause=0.2, longest_hold=0.02)
    tries: list[float] = []

    async def work() -> tuple[list[Any], int]:
        at = lane(slots=64, pace=pace)
        await at.call(script(GOOD), 1, "first")
        over = time.monotonic() + 0.8 * pace.patience
        refused = 0

        async def ask() -> Reply:
            nonlocal refused
            tries.append(time.monotonic())
            await asyncio.sleep(0)
            if time.monotonic() < over:
                refused += 1
                raise Transient("it: busy", retry_after=0.001, throttled=throttled)
            return GOOD

        return await asyncio.gather(*(at.call(ask, 1, str(n)) for n in range(requests))), refused

    replies, refused = run(work)
    assert [reply for reply, _ in replies] == [GOOD] * requests
    assert refused <= 2 * requests + 0.8 * pace.patience / pace.longest_hold


def test_an_outage_with_hints_ends_the_run_though_none_comes_to_its_last_try() -> None:
    """Many that take turns after a hint are no reason to wait for many times as long."""
    pace = replace(QUICK, longest_hold=0.002)
    tries: list[float] = []
    busy = Transient("it: 503", retry_after=0.001)

    async def work() -> None:
        at = lane(slots=64, pace=pace)
        await at.call(script(GOOD), 1, "first")
        asking = [asyncio.create_task(at.call(counted(script(busy), tries), 1, str(n))) for n in range(64)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        raise next(iter(done)).exception() or AssertionError

    with pytest.raises(Outage, match=r"has answered nobody for \d+ s \(it: 503\)"):
        run(work)
    assert len(tries) < 64 * TRIES


def test_a_hint_is_doubled_while_nobody_is_answered() -> None:
    """From round to round, up to the longest; a longer hint stands; an answer ends that."""
    hold = Hold(replace(QUICK, longest_hold=5.0))
    found = []
    for hint in (1.0, 1.0, 1.0, 1.0, 9.0):
        hold.open_at = 0.0
        hold.begin(hint, time.monotonic())
        found.append(round(hold.wait(0)))
    assert (found, hold.rounds) == ([1, 2, 4, 5, 9], 5)
    hold.begin(1.0, hold.set_at - 1)
    assert hold.rounds == 5
    hold.heard(hold.set_at - 1)
    assert (hold.rounds, hold.on) == (0, True)
    hold.heard(hold.set_at)
    assert hold.on is False


def test_after_a_hint_one_goes_and_then_twice_as_many() -> None:
    """As often as a refusal would take to come back; an answer lets all go."""
    hold = Hold(QUICK)
    assert hold.wait(50) <= 0
    hold.begin(10.0, time.monotonic() - 1.0)
    after = hold.wait(0)
    assert 9 < after <= 10
    assert [round(hold.wait(n) - after) for n in (1, 3, 7)] == [2, 4, 6]
    hold.heard(hold.set_at)
    assert hold.wait(50) == pytest.approx(after, abs=1)


@given(st.text(max_size=5), st.floats(0, 1000))
def test_a_hint_is_the_least_pause(label: str, hint: float) -> None:
    """Not less, and not the same for all."""
    tries = Tries(Pace(), label)
    for n in range(TRIES):
        assert hint <= (pause := tries.pause(hint)) <= max(1.25 * hint, 66.0)
        assert pause >= 0.9 * min(0.6 * 2**n, 60.0)
    assert tries.over


def test_a_rejection_is_an_answer() -> None:
    """An endpoint that refuses a request is there: it is in no trouble, and no outage begins."""

    async def work() -> Lane:
        at = lane()
        with pytest.raises(Rejected):
            await at.call(script(BUSY, Rejected("no")), 10, "a")
        return at

    at = run(work)
    assert (at.trouble, at.answered, at.good_at > 0) == ("", True, True)


def test_a_hint_of_hours_ends_the_run() -> None:
    """A server that asks for more than an hour is not slept through: the run says so and can be resumed."""
    tomorrow = Transient("it: 429: later", retry_after=86400.0, throttled=True)
    with pytest.raises(Outage, match=r"^endpoint 'it': .* to be left alone for 24\.0 h \(it: 429: later\)$"):
        run(lambda: lane().call(script(tomorrow, GOOD), 10, "a"))


def test_a_429_holds_the_whole_endpoint() -> None:
    """While one request waits out a 429, no other one of that endpoint goes."""
    first: list[float] = []
    second: list[float] = []
    slow = Transient("it: 429", retry_after=0.1, throttled=True)

    async def work() -> None:
        at = lane()
        one = asyncio.create_task(at.call(counted(script(slow, GOOD), first), 10, "a"))
        await settled(lambda: at.retries == 1)
        await at.call(counted(script(GOOD), second), 10, "b")
        await one

    run(work)
    assert second[0] - first[0] >= 0.1


def test_an_address_that_never_answers_is_an_outage() -> None:
    """It is asked on, past the eighth try, until the time is over; the message names the address."""
    tries: list[float] = []
    pace = replace(QUICK, dead_after=0.3)
    message = r"endpoint 'it': http://h.test/v1 has not answered once in 0.3 s \(it: no connection\)"
    with pytest.raises(Outage, match=message):
        run(lambda: lane(pace=pace).call(counted(script(GONE), tries), 10, "a"))
    assert len(tries) > TRIES


def test_an_address_that_comes_up_late_is_asked_on() -> None:
    """More than eight refused connections are forgiven while the time lasts."""
    patient = Pace(first_pause=0.001, longest_pause=0.001, dead_after=60)
    reply, _ = run(lambda: lane(pace=patient).call(script(*[GONE] * 20, GOOD), 10, "a"))
    assert reply is GOOD


@given(st.text(max_size=5))
def test_pauses_double_up_to_the_longest(label: str) -> None:
    """Each within a tenth of twice the last; after nine short ones again, for an address that never answered."""
    pace = Pace(first_pause=1.0, longest_pause=100.0)
    found = list(itertools.islice(pauses(pace, label), 12))
    for pause, due in zip(found, [1, 2, 4, 8, 16, 32, 64, 100, 100, 1, 1, 1], strict=True):
        assert 0.9 * due <= pause <= 1.1 * due
    assert found == list(itertools.islice(pauses(pace, label), 12))


@given(st.text(max_size=5))
def test_an_outage_of_two_minutes_is_waited_out(label: str) -> None:
    """The eight pauses between nine tries take longer."""
    assert sum(itertools.islice(pauses(Pace(), label), TRIES - 1)) > 120


def test_trouble_says_what_failed_and_since_when() -> None:
    """From the first failure after an answer on, whatever fails after it; an answer ends it."""

    async def work() -> None:
        at = lane()
        assert at.waiting == 0.0
        at.first_try = time.monotonic()
        at.note(GONE, "a")
        since = at.trouble_since
        assert (at.trouble, at.answered) == ("it: no connection", False)
        await asyncio.sleep(0.002)
        at.note(BUSY, "b")
        assert (at.trouble, at.answered, at.trouble_since) == ("it: 500: busy", True, since)
        assert 0.002 <= at.waiting < 10
        _, seconds = await at.call(script(GOOD), 10, "a")
        assert (at.trouble, at.waiting) == ("", 0.0)
        assert 0 <= seconds < 10

    run(work)


def test_silence_is_counted_from_the_oldest_request_or_the_last_answer() -> None:
    """Whatever was asked before or failed; where nothing is in flight there is none."""

    async def work() -> None:
        at, silence = lane(), Silence()
        assert at.quiet == 0.0
        asking = [asyncio.create_task(at.call(silence.ask, 1, "a"))]
        await settled(lambda: at.quiet > 0.05)
        asking.append(asyncio.create_task(at.call(silence.ask, 1, "b")))
        await settled(lambda: at.in_flight == 2)
        assert at.quiet > 0.05
        assert (at.trouble, at.waiting) == ("", 0.0)
        before = time.monotonic()
        await at.call(script(GOOD), 1, "d")
        assert at.quiet <= time.monotonic() - before
        silence.over.set()
        await asyncio.gather(*asking)
        assert (at.quiet, at.flights) == (0.0, {})
        assert at.longest > 0.05
        at.flights[Tries(QUICK, "e")] = at.good_at
        at.longest = 60.0
        assert at.quiet == 0.0  # its answers take as long

    run(work)


def test_a_hint_of_an_hour_is_waited_for() -> None:
    """The longest that is; a second more ends the run."""

    async def work() -> None:
        at = lane()
        at.note(Transient("it: 429", retry_after=3600.0, throttled=True), "a")
        with pytest.raises(Outage, match=r"left alone for 1\.0 h"):
            at.note(Transient("it: 429", retry_after=3601.0, throttled=True), "a")

    run(work)


# -- places ----------------------------------------------------------------------------------------


@given(slots=st.integers(1, 6), own=st.none() | st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_concurrency(slots: int, own: int | None) -> None:
    """No more are in flight than the run allows, nor than the endpoint does; but as many as both do."""
    crowd = Crowd()

    async def work() -> None:
        at = lane(slots, max_concurrency=own)
        await asyncio.gather(*(at.call(crowd.ask, 1, str(n)) for n in range(12)))

    run(work)
    assert crowd.most == min(slots, own or slots)


def test_who_waits_holds_no_slot() -> None:
    """While one endpoint waits out a 429, another one has all slots of the run."""

    async def work() -> bool:
        slots, budget = Slots(1), Budget(None)
        stuck = Lane(Endpoint("stuck", "openai", max_concurrency=1), slots, budget, QUICK)
        free = Lane(Endpoint("free", "openai"), slots, budget, QUICK)
        slow = Transient("429", retry_after=60, throttled=True)
        waiting = [asyncio.create_task(stuck.call(script(slow, GOOD), 1, str(n))) for n in range(3)]
        await settled(lambda: stuck.retries == 1)
        await free.call(script(GOOD), 1, "x")
        held = slots.free != 1 or bool(stuck.in_flight)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return held

    assert run(work) is False


@pytest.mark.parametrize("limits", [{}, {"max_concurrency": 1}, {"requests_per_minute": 1}])
def test_cancelling_leaves_no_place_taken(limits: dict[str, int]) -> None:
    """Requests cancelled in flight, in the queue or in a pause give everything back."""

    async def work() -> tuple[int, bool]:
        at = lane(slots=1, **limits)
        flying, never = asyncio.Event(), asyncio.Event()

        async def hang() -> Reply:
            flying.set()
            await never.wait()
            return GOOD

        tasks = [asyncio.create_task(at.call(hang, 1, str(n))) for n in range(4)]
        await flying.wait()
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        free = at.slots.free == 1
        await at.call(script(GOOD), 1, "after")
        return at.in_flight + at.budget.flying, free

    assert run(work) == (0, True)


def test_an_answer_is_kept_before_its_place_is_given_away_and_the_place_before_it_is_worked_on() -> None:
    """Kept, then the next request, then whatever comes of the answer: nothing is lost, nothing waits."""
    seen: list[str] = []

    async def work() -> None:
        at = lane(slots=1)

        async def one(name: str) -> None:
            async def ask() -> Reply:
                seen.append(f"{name} asks")
                await asyncio.sleep(0.001)
                return GOOD

            await at.call(ask, 1, name, lambda reply, seconds: seen.append(f"{name} is kept"))
            seen.append(f"{name} goes on")

        await asyncio.gather(one("a"), one("b"))

    run(work)
    assert seen == ["a asks", "a is kept", "b asks", "a goes on", "b is kept", "b goes on"]


def test_who_waits_for_a_place_is_held_by_the_429_that_frees_it() -> None:
    """The place that a throttled request leaves is not given on before its hint has passed."""
    first: list[float] = []
    second: list[float] = []
    slow = Transient("it: 429", retry_after=0.1, throttled=True)

    async def work() -> None:
        at = lane(slots=1)
        await asyncio.gather(
            at.call(counted(script(slow, GOOD), first), 1, "a"),
            at.call(counted(script(GOOD), second), 1, "b"),
        )

    run(work)
    assert second[0] - first[0] >= 0.1


@pytest.mark.parametrize("error", [Rejected("no"), KeyRefused("no key"), BUSY])
def test_a_failure_frees_its_place(error: Exception) -> None:
    """Whoever waits goes on when another one has failed."""

    async def work() -> Any:
        at = lane(slots=1)
        ends = await asyncio.gather(
            at.call(script(error), 1, "a"), at.call(script(GOOD), 1, "b"), return_exceptions=True
        )
        assert (at.in_flight, at.slots.free, at.budget.flying) == (0, 1, 0)
        return ends

    first, second = run(work)
    assert first is error
    assert second[0] is GOOD


def test_places_that_nobody_wants_are_not_given() -> None:
    """And say so, since whoever gave one steps back for it."""

    async def work() -> tuple[bool, bool]:
        at = lane(slots=2)
        idle = at.slots.give()
        await at.call(script(GOOD), 1, "a")
        return idle, at.slots.give()

    assert run(work) == (False, False)


def test_where_no_place_is_given_any_more_what_is_in_flight_ends() -> None:
    """And who waits does so until cancelled."""

    async def work() -> tuple[bool, int]:
        at, silence = lane(slots=1), Silence()
        flying, waiting, late = (asyncio.create_task(at.call(silence.ask, 1, name)) for name in "abc")
        await settled(lambda: len(at.queue) == 2)
        draining = asyncio.create_task(at.slots.drain(60))
        await asyncio.sleep(0)
        silence.over.set()
        assert (await flying)[0] is GOOD
        await draining
        late.cancel()
        await asyncio.wait([waiting], timeout=0.02)
        unasked = not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, late, return_exceptions=True)
        return unasked, at.in_flight

    assert run(work) == (True, 0)


@pytest.mark.parametrize("trouble", ["", "it: 429"])
def test_what_is_under_way_is_waited_for_but_not_for_ever(trouble: str) -> None:
    """Whatever failed before: one refusal says nothing of the answers that are still to come."""

    async def work(seconds: float, *, comes: bool) -> int:
        at, silence = lane(), Silence()
        asking = asyncio.create_task(at.call(silence.ask, 1, "a"))
        await settled(lambda: at.in_flight == 1)
        at.trouble = trouble
        if comes:
            asyncio.get_running_loop().call_later(0.05, silence.over.set)
        await at.slots.drain(seconds)
        left = at.in_flight
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return left

    assert run(lambda: work(9.0, comes=True)) == 0
    assert run(lambda: work(0.05, comes=False)) == 1


def test_the_next_look_is_at_the_earliest_moment() -> None:
    """A later moment that was noted before does not put it off."""

    async def work() -> float:
        at = lane()
        at.wake_after(60.0)
        at.wake_after(0.5)
        at.wake_after(30.0)
        assert at.alarm is not None
        left = at.alarm.when() - asyncio.get_running_loop().time()
        at.alarm.cancel()
        return left

    assert run(work) <= 0.5


def test_two_requests_that_are_always_refused_are_no_outage() -> None:
    """They failed all their tries while others were answered; now that nobody else asks, they are given up."""

    async def work() -> list[type[BaseException]]:
        at, others = lane(), asyncio.Event()

        async def refused() -> Reply:
            raise Transient("it: 429: too large", throttled=True)

        async def good() -> None:
            while not others.is_set():
                await at.call(script(GOOD), 1, "good")
                await asyncio.sleep(0.001)

        crowd = asyncio.create_task(good())
        asking = [asyncio.create_task(at.call(refused, 1, name)) for name in "ab"]
        await settled(lambda: at.retries >= 3 * TRIES)
        others.set()
        await crowd
        return [type(error) for error in await asyncio.gather(*asking, return_exceptions=True)]

    assert run(work) == [Transient, Transient]


def test_endpoints_take_turns() -> None:
    """Places that come free are given to each endpoint in turn, and within one in the order of asking."""
    order: list[str] = []

    async def work() -> None:
        slots, budget = Slots(1), Budget(None)
        lanes = {name: Lane(Endpoint(name, "openai"), slots, budget, QUICK) for name in "ab"}

        async def ask(name: str) -> Reply:
            order.append(name)
            await asyncio.sleep(0)
            return GOOD

        names = [f"{name}{n}" for name in "ab" for n in range(3)]
        await asyncio.gather(*(lanes[name[0]].call(lambda name=name: ask(name), 1, name) for name in names))

    run(work)
    assert order == ["a0", *("a1", "b0", "a2", "b1", "b2")]  # the first went at once


def test_a_place_given_to_one_who_was_cancelled_comes_back() -> None:
    """Told that it may go and cancelled in the same moment, a request takes nothing with it."""

    async def work() -> tuple[int, int]:
        at = lane(slots=1)
        place = await at.enter((1, 0.0))
        waiting = asyncio.create_task(at.enter((1, 0.0)))
        await settled(lambda: len(at.queue) == 1)
        at.leave(place)
        assert at.slots.give()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return at.in_flight, at.slots.free

    assert run(work) == (0, 1)


def test_the_window_grows_until_the_endpoint_pushes_back() -> None:
    """It doubles with each round of answers, halves once for a burst of 429s, then grows by one a round."""
    window = Window(None)
    first = window.size
    for _ in range(int(first)):
        window.widen()
    assert window.size == 2 * first
    sent = time.monotonic()
    for _ in range(10):
        window.narrow(sent)
    assert window.size == first
    for _ in range(int(first)):
        window.widen()
    assert window.size == pytest.approx(first + 1, abs=0.1)
    window.narrow(time.monotonic())
    assert window.size == pytest.approx((first + 1) / 2, abs=0.1)


@given(st.lists(st.booleans(), max_size=200), st.none() | st.integers(1, 50))
def test_the_window_never_closes_nor_passes_the_endpoints_own_limit(
    good: list[bool], most: int | None
) -> None:
    """Whatever comes back, one request may always go."""
    window = Window(most)
    for answered in good:
        if answered:
            window.widen()
        else:
            window.narrow(time.monotonic())
        assert window.free(0)
        assert most is None or not window.free(most)


EARLY = replace(QUICK, unrefused=0.002)


class Silence:
    """A request that is not answered before it is told to be."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def ask(self) -> Reply:
        """Wait."""
        await self.over.wait()
        return GOOD


def test_an_endpoint_that_has_neither_answered_nor_refused_is_sent_more_and_more() -> None:
    """A model takes seconds to answer, a server refuses at once: concurrency need not wait for answers."""

    async def work() -> tuple[int, int]:
        at, silence = lane(slots=300, pace=EARLY), Silence()
        asking = [asyncio.create_task(at.call(silence.ask, 1, str(n))) for n in range(400)]
        await asyncio.sleep(0)
        first = at.in_flight
        await settled(lambda: at.in_flight > 256)
        silence.over.set()
        await asyncio.gather(*asking)
        return first, int(at.window.size)

    first, last = run(work)
    assert first == FIRST_WINDOW
    assert last == FIRST_WINDOW * 8 + 400  # doubled until all slots were taken, then a place for each answer


@pytest.mark.parametrize("outcome", [GOOD, Rejected("it: 400"), GONE, BUSY, Transient("429", throttled=True)])
def test_once_anything_came_back_only_answers_widen_the_window(outcome: Reply | Exception) -> None:
    """The rest of a crowd may be silent: it is not sent more for that."""

    async def work() -> float:
        at, silence = lane(slots=300, pace=replace(EARLY, first_pause=9.0, longest_pause=9.0)), Silence()
        asking = [asyncio.create_task(at.call(script(outcome), 1, "first"))]
        asking += [asyncio.create_task(at.call(silence.ask, 1, str(n))) for n in range(200)]
        await asyncio.sleep(0.03)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return at.window.size

    assert run(work) <= FIRST_WINDOW + 1


def test_the_window_does_not_double_for_nobody() -> None:
    """Where none waits, or for something else than the window, there is nothing to double it for."""

    async def work(waiting: int, slots: int = 300, reaches: float = FIRST_WINDOW, **limits: int) -> float:
        at, silence = lane(slots=slots, pace=EARLY, **limits), Silence()
        asking = [asyncio.create_task(at.call(silence.ask, 1, str(n))) for n in range(waiting)]
        await settled(lambda: at.window.size == reaches)
        await asyncio.sleep(0.03)
        silence.over.set()
        size = at.window.size
        await asyncio.gather(*asking)
        return size

    assert run(lambda: work(3)) == run(lambda: work(64)) == FIRST_WINDOW
    assert run(lambda: work(70, slots=64)) == FIRST_WINDOW
    assert run(lambda: work(70, reaches=65, max_concurrency=65)) == 65
    assert run(lambda: work(5, requests_per_minute=4)) == FIRST_WINDOW
    assert run(lambda: work(5, tokens_per_minute=4)) == FIRST_WINDOW


def test_the_window_does_not_double_for_what_was_only_just_sent() -> None:
    """It may yet be refused: the time runs from the last request."""

    async def work() -> tuple[float, float]:
        at, silence = lane(slots=300, pace=replace(EARLY, unrefused=9.0)), Silence()
        asking = [asyncio.create_task(at.call(silence.ask, 1, str(n))) for n in range(100)]
        await settled(lambda: len(at.queue) == 100 - FIRST_WINDOW)
        at.open_up()
        early = at.window.size
        at.last_try -= 9.0
        at.open_up()
        late = at.window.size
        silence.over.set()
        await asyncio.gather(*asking)
        return early, late

    assert run(work) == (FIRST_WINDOW, 2 * FIRST_WINDOW)


def test_on_a_budget_the_window_does_not_double_before_a_price_is_known() -> None:
    """What is in flight is all that can pass the budget, so there is no more of it than need be."""

    async def work(budget: float | None, seen: float | None = None, most: int = 200) -> int:
        at, silence = lane(slots=300, pace=EARLY, budget=budget), Silence()
        if seen is not None:
            at.budget.dearest["it"] = seen
        asking = [asyncio.create_task(at.call(silence.ask, 1, str(n))) for n in range(200)]
        await settled(lambda: at.in_flight >= most)
        await asyncio.sleep(0.03)
        reached = at.in_flight
        silence.over.set()
        await asyncio.gather(*asking)
        return reached

    assert run(lambda: work(None)) == 200
    assert run(lambda: work(1.0, most=int(FIRST_WINDOW))) == FIRST_WINDOW
    assert run(lambda: work(1.0, seen=0.001)) == 200


def test_concurrency_settles_at_what_a_server_takes() -> None:
    """A server of eight places is sent few requests too many, and none is lost."""
    here, refused = 0, 0

    async def ask() -> Reply:
        nonlocal here, refused
        if here >= 8:
            refused += 1
            raise Transient("it: 429", throttled=True)
        here += 1
        try:
            await asyncio.sleep(0.002)
        finally:
            here -= 1
        return GOOD

    async def work() -> int:
        at = lane(slots=64)
        replies = await asyncio.gather(*(at.call(ask, 1, str(n)) for n in range(400)))
        return sum(reply is GOOD for reply, _ in replies)

    assert run(work) == 400
    assert refused < 100


# -- a minute --------------------------------------------------------------------------------------


def most_within(times: Iterable[float], seconds: float) -> int:
    """The most of these times that lie within any such span."""
    sorted_times = sorted(times)
    return max(sum(1 for t in sorted_times if start <= t < start + seconds) for start in sorted_times)


def test_requests_a_minute() -> None:
    """In no minute do more requests go than allowed, however slots come free; tries count."""
    tries: list[float] = []

    async def work() -> None:
        at = lane(slots=2, requests_per_minute=4)
        asks = [counted(script(BUSY, GOOD), tries) for _ in range(6)]
        await asyncio.gather(*(at.call(ask, 1, str(n)) for n, ask in enumerate(asks)))

    run(work)
    assert len(tries) == 12
    assert most_within(tries, 0.9 * QUICK.minute) <= 4


def test_tokens_a_minute() -> None:
    """In no minute do more guessed tokens go than allowed."""
    tries: list[float] = []

    async def work() -> None:
        at = lane(tokens_per_minute=100)
        await asyncio.gather(*(at.call(counted(script(GOOD), tries), 50, str(n)) for n in range(6)))

    run(work)
    assert most_within(tries, 0.9 * QUICK.minute) <= 2


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=8),
)
def test_a_minute_counts_what_was_really_used(limit: int, uses: list[tuple[int, int]]) -> None:
    """The guess is replaced by what an answer used; only an empty minute takes more than the limit."""
    minute = Minute(limit, 1000)
    used = 0
    for guess, real in uses:
        fits = not minute.spent or used + guess <= limit
        assert (minute.wait(guess) == 0) is fits
        minute.settle(minute.take(guess), real)
        used += real
        assert minute.total == used


@pytest.mark.parametrize(("reply", "used"), [(GOOD, 50), (Reply("x"), 10)])
def test_a_request_counts_once_and_its_tokens_as_the_server_counted(reply: Reply, used: int) -> None:
    """Where the server does not count, the guess stands."""

    async def work() -> Lane:
        at = lane(requests_per_minute=9, tokens_per_minute=900)
        await at.call(script(reply), 10, "a")
        return at

    at = run(work)
    assert (at.requests.total, at.tokens.total) == (1, used)


def test_a_minute_is_kept_where_requests_arrive() -> None:
    """A server's own minute begins with a request that came late; the next ones may come in no time."""
    late = 0.9
    assert Pace().minute - late > 60


def test_no_limit_keeps_no_books() -> None:
    """Without a limit nothing waits and nothing is remembered."""
    minute = Minute(None)
    minute.settle(minute.take(10**9), 5)
    assert (minute.wait(10**9), len(minute.spent)) == (0, 0)


def test_a_minute_is_used_to_the_last_unit() -> None:
    """What just fits goes at once; what does not waits until the oldest is a minute old."""
    minute = Minute(4, 1000)
    minute.take(3)
    assert minute.wait(1) == 0
    assert 990 < minute.wait(2) <= 1000


def test_the_last_request_of_a_minute_goes_at_once() -> None:
    """One that is left is left to be used."""
    at = lane(requests_per_minute=2)
    at.requests.take(1)
    assert at.wait(1) <= 0
    at.requests.take(1)
    assert at.wait(1) > 0


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    """A spent minute is free again."""
    minute = Minute(1, 0.0)
    minute.take(1)
    assert (minute.wait(1), minute.total) == (0, 0)


# -- money -----------------------------------------------------------------------------------------


@given(
    usd=st.floats(0.5, 30),
    slots=st.integers(1, 5),
    outputs=st.lists(st.integers(1, 5), min_size=1, max_size=25),
)
@settings(max_examples=40, deadline=None)
def test_the_budget_is_passed_by_no_more_than_was_in_flight(
    usd: float, slots: int, outputs: list[int]
) -> None:
    """What is spent stays below the budget and the dearest answers that were in flight at once."""

    def lasting(output: int) -> Callable[[], Awaitable[Reply]]:
        async def ask() -> Reply:
            for _ in range(output):
                await asyncio.sleep(0)
            return Reply("x", usage=Usage(0, 0, output))

        return ask

    async def work() -> tuple[float, int]:
        at = lane(slots, usd, price=Price(0, 1e6))
        refused = 0

        async def one(n: int, output: int) -> None:
            nonlocal refused
            try:
                await at.call(lasting(output), 1, str(n), paid(at))
            except BudgetSpent:
                refused += 1

        await asyncio.gather(*(one(n, output) for n, output in enumerate(outputs)))
        return at.budget.spent, refused

    spent, refused = run(work)
    assert spent <= usd + slots * max(outputs)
    assert refused or spent == sum(outputs)
    assert not refused or spent > usd - max(outputs)


def test_a_spent_budget_says_so() -> None:
    """The message names the option and what was spent."""
    budget = Budget(0.5)
    made = Endpoint("it", "openai", price=Price(1e6, 1e6))
    assert budget.pay(made, Usage(1, 0, 0)) == 1.0
    with pytest.raises(BudgetSpent, match=r"--jmeb-budget 0.5: 1.0000 USD are spent, and the next"):
        budget.fits("it")


def test_before_the_first_answer_a_guess_refuses_nobody() -> None:
    """Nobody knows what an answer costs, so the first of an endpoint goes, however little there is."""
    budget = Budget(0.01)
    assert budget.fits("it", guess=5.0)
    budget.hold("it", 5.0)
    assert not budget.fits("it", guess=5.0, in_flight=1)
    assert not budget.fits("other", guess=5.0)  # what is held is as good as spent
    budget.free(5.0)
    budget.spent = 0.01
    with pytest.raises(BudgetSpent):
        budget.fits("other", guess=5.0)


def test_what_is_in_flight_is_held_at_its_own_price() -> None:
    """The dearest seen of its endpoint, before that the guess; and given back as it was taken."""
    budget = Budget(1.0)
    budget.dearest["seen"] = 0.25
    assert [budget.hold("seen", 9.0), budget.hold("new", 0.5)] == [0.25, 0.5]
    assert budget.fits("seen")
    assert not budget.fits("new", guess=0.3, in_flight=1)
    budget.dearest["new"] = 0.001
    budget.free(0.5)
    assert budget.held == 0.25
    budget.free(0.25)
    assert (budget.held, budget.flying) == (0.0, 0)


def test_an_endpoint_that_is_dearer_than_another_does_not_pass_the_budget() -> None:
    """The price of one says nothing of the other: its first answers are waited for, by a guess of theirs."""
    crowd = Crowd()

    async def work() -> float:
        slots, budget = Slots(64), Budget(1.0)
        cheap, dear = (
            Lane(Endpoint(name, "openai", price=Price(0, price)), slots, budget, QUICK)
            for name, price in (("cheap", 50.0), ("dear", 5000.0))
        )
        await cheap.call(crowd.ask, 1, "first", paid(cheap), 0.001)
        asking = (dear.call(crowd.ask, 1, str(n), paid(dear), 0.1) for n in range(64))
        await asyncio.gather(*asking, return_exceptions=True)
        return budget.spent

    assert run(work) == pytest.approx(0.9, abs=0.11)
    assert crowd.most == 9


def test_near_the_end_requests_wait_for_one_another() -> None:
    """Money in flight is waited for, not counted as spent: the budget is used up to the last request."""
    crowd = Crowd()

    async def work() -> tuple[float, int]:
        at = lane(8, 5.0, price=Price(0, 50_000))

        async def one(n: int) -> None:
            await at.call(crowd.ask, 1, str(n), paid(at))

        await one(0)
        ends = await asyncio.gather(*(one(n) for n in range(1, 10)), return_exceptions=True)
        return at.budget.spent, sum(isinstance(end, BudgetSpent) for end in ends)

    spent, refused = run(work)
    assert spent == pytest.approx(5.0)
    assert refused == 5
    assert crowd.most == 4


def test_an_endpoint_without_a_price_costs_nothing() -> None:
    """What has no price is not counted."""
    budget = Budget(1.0)
    assert budget.pay(Endpoint("it", "openai"), Usage(5, 0, 5)) == 0.0
    assert budget.spent == 0.0


def test_the_dearest_answer_of_an_endpoint_is_remembered() -> None:
    """Whatever came before and after it, from that endpoint or from another."""
    budget = Budget(None)
    it, other = (Endpoint(name, "openai", price=Price(0, 1e5)) for name in ("it", "other"))
    for made, output in ((it, 1), (it, 3), (it, 2), (other, 1)):
        budget.pay(made, Usage(0, 0, output))
    assert budget.dearest == {"it": pytest.approx(0.3), "other": pytest.approx(0.1)}
    assert budget.spent == pytest.approx(0.7)
