"""Everything that can go wrong, as one tree: a class for each decision that a caller could take.

::

    JmebError
    ├── UserMistake            exit status 4: one message, found before anything is asked if it can be
    │   ├── SettingsError      an option, an environment variable or the TOML table
    │   ├── EndpointError      an endpoint's table, name or key variable
    │   ├── SuiteError         a file of a suite
    │   ├── ThresholdsError    thresholds.yaml
    │   ├── ExamError          a file of an examination's questions
    │   ├── SheetError         a sheet that people fill in
    │   ├── RunError           a run's folder: locked, damaged, or of another run
    │   ├── KeyRefused         the server does not accept the key
    │   └── ModelUnknown       the server does not know the model
    ├── Inconclusive           exit status 10: nothing was shown to be unsafe, nor to be safe
    │   ├── QuotaSpent         the account has nothing left
    │   ├── BudgetSpent        the next request could pass ``--jmeb-budget``
    │   ├── Outage             an address that never answered, answers nobody any more, or asks for hours
    │   ├── NotWritten         an answer or a report that no file would take: a full disk
    │   └── PanelUnfit         the judges do not score the anchors as they should
    ├── ImportRefused          exit status 1: a source, or one row of it, that is no conversation
    ├── Stopped                the run was ended (Ctrl-C, ``-x``) while somebody still waited
    └── CallFailed             one request got no answer
        ├── Transient          worth another try; carries the server's own hint of when
        └── Rejected           this request will never be taken
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeVar

E = TypeVar("E", bound=BaseException)

MAX_SHOWN = 80
"""Signs of a user's own text that a message shows."""


class JmebError(Exception):
    """Base of every error of this package. ``exit_status`` is how a command ends by it."""

    exit_status = 1


class UserMistake(JmebError):
    """Something that the user can put right; pytest ends with status 4."""

    exit_status = 4


class SettingsError(UserMistake):
    """An option, an environment variable or the TOML table says something impossible."""


class EndpointError(UserMistake):
    """An endpoint is unknown, wrongly described, or its key variable is not set."""


class SuiteError(UserMistake):
    """A suite's file cannot be used as it is."""


class ThresholdsError(UserMistake):
    """thresholds.yaml asks for something unknown or impossible."""


class ExamError(UserMistake):
    """A file of an examination cannot be used as it is."""


class SheetError(UserMistake):
    """A sheet for people cannot be written, or cannot be read as it came back."""


class RunError(UserMistake):
    """A run's folder cannot be used for this run."""


class KeyRefused(UserMistake):
    """The server answered that the key is not accepted (401, 403)."""


class ModelUnknown(UserMistake):
    """The server answered that it has no such model (404)."""


class Inconclusive(JmebError):
    """The run cannot go on, and says nothing about the model; pytest ends with status 10."""

    exit_status = 10


class QuotaSpent(Inconclusive):
    """The account behind the endpoint has no quota or credit left."""


class BudgetSpent(Inconclusive):
    """One more request could cost more than ``--jmeb-budget`` allows."""


class Outage(Inconclusive):
    """The address never answered, answers nobody any more, or asks for hours."""


class NotWritten(Inconclusive):
    """What was answered or found could not be written down, so nothing may rest on it."""


class ImportRefused(JmebError):
    """What a source holds cannot be made into conversations; nothing was written."""


class PanelUnfit(Inconclusive):
    """The panel missed ``min_anchor_agreement``; no target was asked anything."""


class Stopped(JmebError):
    """The runner was closed before the awaited conversation was done."""


class CallFailed(JmebError):
    """One request got no usable answer from its server."""


class Transient(CallFailed):
    """The same request may succeed later.

    ``retry_after``: seconds that the server asked to wait, or ``None``.
    ``answered``: whether a server was there at all (a status, however bad, or a cut answer).
    ``throttled``: whether the server said that it is asked too much (429).
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        answered: bool = True,
        throttled: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answered = answered
        self.throttled = throttled


class Rejected(CallFailed):
    """The server will not take this request, however often it is sent (400, 413, 422).

    ``body``: all that it said, which may quote the request and is shown to nobody.
    """

    def __init__(self, message: str, *, body: str = "") -> None:
        super().__init__(message)
        self.body = body


def bare(error: E) -> E:
    """The error alone, without the frames that it came through: ``--showlocals`` shows what they hold."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def plain(text: str, most: int = MAX_SHOWN) -> str:
    """A user's text in a message: on one line, without control signs, and cut where it is long."""
    shown = repr(text)[1:-1] if not text.isprintable() else text
    return shown if len(shown) <= most else f"{shown[:most]}…"


def closest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word nearest to ``word``, else what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {plain(near[0])!r}?"
    shown = ", ".join(map(plain, known[:12])) + (", …" if len(known) > 12 else "")
    return f" (there is: {shown})" if known else ""
