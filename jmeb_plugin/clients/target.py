"""The callable that a ``python`` endpoint names: imported, and looked at before anything is asked."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.masking import masked
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, closest, plain

EXPECTED = "expected async def chat(messages) -> str"
MOST = 200
"""Signs that are shown of what an import says."""


def check_targets(endpoints: Iterable[Endpoint]) -> None:
    """Raise `EndpointError` for the first ``target`` that can never be asked.

    Imports the user's code: only for a run that will ask, and only in the process that does.
    """
    for endpoint in endpoints:
        if endpoint.provider == "python":
            load(endpoint)


def load(endpoint: Endpoint) -> Any:
    """The callable that ``target`` names. Raises `EndpointError` for one that is none or is not async."""
    module_name, colon, attribute = endpoint.target.partition(":")
    place = f"endpoint {endpoint.name!r}: target {endpoint.target!r}"
    if not colon:
        raise EndpointError(f"{place}: expected package.module:callable")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - importing runs the user's code
        why = f"{type(error).__name__}: {masked(plain(str(error), MOST), endpoint)}"
        raise EndpointError(f"{place}: {plain(module_name)} cannot be imported ({why})") from None
    if not hasattr(module, attribute):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise EndpointError(f"{place}: {module_name} has no {attribute!r}{closest(attribute, known)}")
    found = getattr(module, attribute)
    if problem := misfit(found):
        raise EndpointError(f"{place} {problem}; {EXPECTED}")
    return found


def misfit(found: Any) -> str:
    """Why it cannot be asked, as far as can be told without a call; empty where nothing speaks against it."""
    if not callable(found) or inspect.isclass(found):
        return "is a class" if callable(found) else "is not callable"
    function = written(found)
    if inspect.isasyncgenfunction(function):
        return "gives pieces (yield), not a text"
    if inspect.isfunction(function) and not inspect.iscoroutinefunction(function):
        return "is not async"
    try:
        inspect.signature(found).bind([])
    except TypeError:
        return "does not take the messages alone"
    except ValueError:  # nobody can say what it takes
        pass
    return ""


def written(found: Any) -> Any:
    """The function behind a callable: of a partial, a decorated one, a method, an object that is called."""
    while isinstance(found, functools.partial):
        found = found.func
    if not inspect.isroutine(found):
        found = type(found).__call__
    return inspect.unwrap(getattr(found, "__func__", found))
