"""Housekeeping: a run changes how Python keeps house, and leaves it as it was."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from jmeb_plugin import housekeeping
from jmeb_plugin.housekeeping import SELDOM, Housekeeping
from jmeb_plugin.signals import Termination, held_back


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Whatever fails here, the tests after it have the collector that they began with."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_a_session_looks_for_garbage_seldom_and_then_as_before() -> None:
    """An end without a beginning changes nothing."""
    before = gc.get_threshold()
    house = Housekeeping()
    house.end()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
    house.open()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (SELDOM, 0)
    house.end()
    assert gc.get_threshold() == before


def test_what_was_collected_is_looked_through_no_more() -> None:
    """Only what was there at the beginning, which xdist's every worker tells of anew."""
    house = Housekeeping()
    house.open()
    house.begin()
    kept = gc.get_freeze_count()
    assert kept > 0
    more = [[] for _ in range(100)]
    house.begin()
    assert gc.get_freeze_count() == kept
    house.end()
    assert gc.get_freeze_count() >= kept + len(more)


def test_what_tests_of_the_users_own_left_is_looked_for_once_more() -> None:
    """Pytest warns of coroutines and files that were thrown away, once they are found to be garbage."""
    gone: list[str] = []

    class Left:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            gone.append("gone")

    for look in (False, True):
        house = Housekeeping()
        house.open()
        house.begin()
        Left()
        house.end(look=look)
        assert bool(gone) is look


def test_the_next_session_gives_back_what_the_last_one_kept() -> None:
    """What a run left alone is looked through again."""
    house = Housekeeping()
    house.open()
    house.begin()
    house.end()
    Housekeeping().open()
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("compared", [False, True])
def test_what_the_end_needs_is_loaded_and_threads_take_turns_as_before(compared: bool) -> None:
    """Short turns are for the loading alone; in a process that has loaded nothing yet."""
    code = (
        "import sys\n"
        "from jmeb_plugin.housekeeping import Housekeeping\n"
        "wanted, before = {'scipy.special', 'matplotlib.figure', 'jmeb_plugin.gates'}, sys.getswitchinterval()\n"
        "assert not wanted & sys.modules.keys()\n"
        "house = Housekeeping()\n"
        f"house.prepare(compared={compared})\n"
        f"house.prepare(compared={compared})\n"
        "assert sys.getswitchinterval() == before\n"
        "assert wanted <= sys.modules.keys()\n"
        f"assert ('scipy.stats' in sys.modules) is {compared}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_ctrl_c_waits_until_what_the_end_needs_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that was half imported would break the ending, which needs it."""
    loaded: list[str] = []

    def load(*, compared: bool) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        loaded.append("whole")

    monkeypatch.setattr(housekeeping, "load", load)
    with pytest.raises(KeyboardInterrupt):
        Housekeeping().prepare(compared=False)
    assert loaded == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_held_back_and_told_of(number: signal.Signals) -> None:
    """On the main thread; elsewhere none arrives."""
    before = signal.getsignal(number)
    with held_back() as came:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert came == [number, number]
    assert signal.getsignal(number) is before
    thread = threading.Thread(target=lambda: came.append(held_back().__enter__() == []))
    thread.start()
    thread.join()
    assert came[2:] == [True]


def test_a_request_to_end_is_taken_where_nobody_else_listens() -> None:
    """And given back as it was found."""
    own: list[int] = []
    taken = Termination()
    taken.take()
    try:
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        taken.give_back()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, lambda number, _: own.append(number))
    try:
        taken.take()
        os.kill(os.getpid(), signal.SIGTERM)
        taken.give_back()
        assert own == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        taken.take()
        signal.signal(signal.SIGTERM, own.append)
        taken.give_back()
        assert signal.getsignal(signal.SIGTERM) == own.append
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with held_back() as came:
            os.kill(os.getpid(), signal.SIGTERM)
        assert came == []
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
