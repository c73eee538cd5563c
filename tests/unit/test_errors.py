"""The laws of `jmeb_plugin.errors`."""

from __future__ import annotations

import inspect

import pytest

from jmeb_plugin import errors
from jmeb_plugin.errors import JmebError, Transient, UserMistake, closest

CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, JmebError)]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_the_drawn_tree_is_the_tree(error: type[JmebError]) -> None:
    """Every error of the package stands in the module's picture, and under its own parent."""
    lines = (errors.__doc__ or "").splitlines()
    depth = {name: line.index(name) for line in lines for name in [line.strip("│├└─ ").split(" ")[0]] if name}
    assert error.__name__ in depth
    parent = error.__mro__[1].__name__
    assert parent == "Exception" or depth[parent] < depth[error.__name__]


@pytest.mark.parametrize("name", ["SettingsError", "SuiteError", "ThresholdsError", "RunError", "KeyRefused"])
def test_mistakes_of_the_user_are_one_family(name: str) -> None:
    """Whatever the user can put right is a `UserMistake`, which ends with 4."""
    assert issubclass(getattr(errors, name), UserMistake)


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("max_decy", ["max_decay", "min_mean_score"], "; did you mean 'max_decay'?"),
        ("zzz", ["ja", "en"], " (there is: en, ja)"),
        ("zzz", [], ""),
        (
            "zzz",
            [f"k{k:02}" for k in range(20)],
            f" (there is: {', '.join(f'k{k:02}' for k in range(12))}, …)",
        ),
    ],
)
def test_closest_names_the_nearest_else_what_there_is(word: str, known: list[str], text: str) -> None:
    """A near word is proposed; without one at most twelve known words are listed."""
    assert closest(word, known) == text


def test_transient_says_what_the_server_hinted() -> None:
    """A transient failure was answered and not throttled unless it says so."""
    plain, told = Transient("503"), Transient("429", retry_after=2.5, answered=False, throttled=True)
    assert (plain.retry_after, plain.answered, plain.throttled) == (None, True, False)
    assert (told.retry_after, told.answered, told.throttled) == (2.5, False, True)


def test_one_is_not_many() -> None:
    """A message counts as a person would."""
    assert [errors.counted(n, "bad row") for n in (0, 1, 2)] == ["0 bad rows", "1 bad row", "2 bad rows"]
