"""Kill a run with SIGKILL at many moments, resume it, and hold it against an undisturbed one.

    python benchmarks/kills.py [--moments 50]      # about 10 minutes

The moments are spread over the answers received. Afterwards results.json must say what the
undisturbed run's says, and the server must have been asked for nothing twice but for what was in
flight when the process died. Plain and with four workers. It ends with 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from speed import HERE, PORT, TOML, write_suite

COUNT, CAP = 67, 8
STATS = f"http://127.0.0.1:{PORT}/stats"


def stats() -> dict[str, Any]:
    """What the server has seen."""
    with urllib.request.urlopen(STATS) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def serve() -> subprocess.Popen[bytes]:
    """A mock of its own, so that its counts begin at nothing."""
    words = [sys.executable, str(HERE / "mock.py"), "--port", str(PORT), "--latency", "0.01"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert server.stdout is not None
    server.stdout.readline()
    return server


def start(folder: Path, workers: str, run: str) -> subprocess.Popen[bytes]:
    """A run of that name."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--jmeb-model=target",
        "--jmeb-suite=w", "--jmeb-config=jmeb.toml", "--jmeb-gate=release", f"--jmeb-run={run}",
        f"--jmeb-concurrency={CAP}", workers,
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True)


def outcome(folder: Path, run: str) -> Any:
    """What of results.json must be the same."""
    found = json.loads((folder / ".jmeb" / run / "results.json").read_text("utf-8"))
    return found["models"], found["gates"], found["verdicts"]


def kill_and_resume(folder: Path, workers: str, run: str, answers: int) -> tuple[int, Any]:
    """How many requests came twice, and the outcome, of a run killed after so many requests."""
    server = serve()
    try:
        process = start(folder, workers, run)
        while process.poll() is None and stats()["requests"] < answers:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        start(folder, workers, run).wait()
        return stats()["asked_again"], outcome(folder, run)
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Print a line for each way of running; end with 1 where a law was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=50)
    moments = parser.parse_args().moments
    broken = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_suite(folder / "w", COUNT)
        (folder / "jmeb.toml").write_text(TOML.format(url=f"http://127.0.0.1:{PORT}/v1"), encoding="utf-8")
        server = serve()
        start(folder, "-n0", "whole").wait()
        server.kill()
        server.wait()
        expected, total = outcome(folder, "whole"), COUNT * 9
        for workers in ("-n0", "-n4"):
            twice, unlike = [], 0
            for k in range(moments):
                answers = 1 + k * (total - 2) // max(1, moments - 1)
                again, found = kill_and_resume(folder, workers, f"k{k}{workers}", answers)
                twice.append(again)
                unlike += found != expected
            broken += unlike + sum(again > CAP for again in twice)
            print(
                f"{workers}: {moments} kills of {total} requests, {CAP} in flight: asked twice at most "
                f"{max(twice)}, {sum(twice)} in all; {unlike} results unlike the undisturbed run's",
                flush=True,
            )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
