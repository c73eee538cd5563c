"""Housekeeping: a run changes how Python keeps house, and leaves it as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jmeb_plugin.housekeeping import SELDOM, Housekeeping


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
