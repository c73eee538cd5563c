"""The laws of asking outside pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import RunError, SettingsError
from jmeb_plugin.jobs import open_job


async def nothing(item: int) -> int:
    """Work that asks nobody."""
    return item


def test_a_folder_of_another_job_is_refused_and_nobody_waits(tmp_path: Path) -> None:
    """Whatever moment the runner dies at: work that its loop never begins is not waited for."""
    with open_job(tmp_path, "j", (), identity={"exam": 1}) as job:
        assert job.run(nothing, [1, 2]) == [1, 2]
    for _ in range(20):
        with (
            pytest.raises(RunError, match="this run was started with another exam"),
            open_job(tmp_path, "j", (), identity={"exam": 2}) as job,
        ):
            job.run(nothing, [1])


def test_a_budget_needs_prices(tmp_path: Path) -> None:
    """Whatever command asks: what has no price would never spend it. Nothing is begun."""
    asked = [
        Endpoint("it", "openai", "m", base_url="http://127.0.0.1:9/v1"),
        Endpoint("d", "demo", "steadfast"),
    ]
    with pytest.raises(SettingsError, match=r"^--budget: it without price; expected price = "):
        open_job(tmp_path, "j", asked, identity={}, budget=1.0).__enter__()
    assert not (tmp_path / "j").exists()
