"""Every hook, in the order in which pytest calls them; each only delegates."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from jmeb_plugin.arguments import refuse_strayed_root
from jmeb_plugin.errors import UserMistake
from jmeb_plugin.fixtures import jmeb_chat, jmeb_result
from jmeb_plugin.items import ConversationItem
from jmeb_plugin.options import add_options, read_settings
from jmeb_plugin.session import STATE, JmebSession, open_session
from jmeb_plugin.transcript import printable

__all__ = ["jmeb_chat", "jmeb_result"]
MARKER = "jmeb(language, principle, guideline, strategy): a conversation of a pytest-jmeb suite"


class Watch:
    """The hooks that need the run's state; registered where the run has its controller."""

    def __init__(self, state: JmebSession) -> None:
        self.state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        return self.state.plan(session)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        self.state.see(report)
        yield
        self.state.stop_on_failure()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.state.own_failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        return self.state.shorten(report, (yield))

    @pytest.hookimpl(wrapper=True, trylast=True)  # inside the terminal's, which prints the summary after it
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        try:
            yield
        except OSError as error:
            self.state.lost(session, error)


def state_of(config: pytest.Config) -> JmebSession | None:
    """The run, where a model was named."""
    return config.stash.get(STATE, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    try:
        if not hasattr(config, "workerinput"):
            refuse_strayed_root(config)
        settings = read_settings(config)
        if settings is not None:
            state = config.stash[STATE] = open_session(config, settings)
            if state.controller:
                config.pluginmanager.register(Watch(state), "jmeb-watch")
    except UserMistake as mistake:
        raise pytest.UsageError(printable(str(mistake))) from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    state = state_of(node.config)
    if state:
        state.tell_worker(node.workerinput)


def pytest_sessionstart(session: pytest.Session) -> None:
    state = state_of(session.config)
    if state:
        state.open(session)


def pytest_report_header(config: pytest.Config) -> Sequence[str]:
    state = state_of(config)
    return state.header() if state else ()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    state = state_of(collector.config)
    if state and isinstance(collector, pytest.Session):
        report.result.extend(state.collectors(collector))
    return report


def pytest_collection_finish(session: pytest.Session) -> None:
    state = state_of(session.config)
    if state:
        state.collected(item.nodeid for item in session.items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    state = state_of(node.config)
    if state:
        state.collected(ids)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    state = state_of(session.config)
    try:
        result = yield
    except KeyboardInterrupt as stop:
        if state is None:
            raise
        state.stopped(session, stop)
        return True
    if state:
        state.ended(session)
    return result


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item) -> bool | None:
    return True if isinstance(item, ConversationItem) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    state = state_of(item.config)
    return state.fetch(item) if state and isinstance(item, ConversationItem) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if isinstance(item, ConversationItem):
        item.complete(report)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    state = state_of(sched.config)
    if state:
        state.crashed(crashitem, report, sched)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
    state = state_of(session.config)
    if state:
        state.finish(session, exitstatus)
    yield
    if state:
        state.insist(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    state = state_of(config)
    if state:
        state.summarise(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    state = state_of(config)
    if state and state.controller:
        state.controller.close("the run has ended")
        state.house.end()
        state.termination.give_back()
