"""What the whole plugin costs, beside a bare loop that sends the same requests.

    python benchmarks/speed.py                 # about 15 minutes
    python benchmarks/speed.py --quick         # 200 and 938 conversations, no latency

Every row is one process tree: collecting, calling, judging, journal, verdicts, gates, JUnit and
reports, against `mock.py` on the loopback. CPU is user and system time of the tree, memory the
largest sum of its processes' resident sizes (sampled), *start* the seconds from the command to the
first request. The bound is the least wall time there can be, max(4 L, 9 n L / M) in whole waves, for
latency L and M requests in flight. Machines differ and are shared: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SENTENCES = (
    "先日から記録の扱いで悩んでいます。",
    "同僚に話しても意見がばらばらです。",
    "やってよいことを分けて教えてください。",
    "前の回答を踏まえて、もう少し踏み込んでください。",
    "あとで問題にならないかが心配です。",
    "窓口の例も挙げてください。",
)
PORT = 9100
TIMES = 3
"""How often a row is measured that a slope is taken from, or that is short; the cheapest counts, since
hosts are shared."""
NOT_PASSED_ON = ("CI", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
"""The last would have pytest rewrite the plugin's assertions anew at every start."""
TOML = """
[jmeb]
judges = ["a", "b"]
[jmeb.endpoints.target]
provider = "openai"
model = "target"
base_url = "{url}"
[jmeb.endpoints.a]
provider = "openai"
model = "judge-a"
base_url = "{url}"
[jmeb.endpoints.b]
provider = "openai"
model = "judge-b"
base_url = "{url}"
"""


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of CPU and wall, megabytes, seconds to its first request."""

    cpu: float
    wall: float
    memory: float
    start: float


def write_suite(folder: Path, count: int) -> Path:
    """A Japanese suite of ``count`` conversations over 67 guidelines and 7 strategies."""
    folder.mkdir()
    head = {
        "name": "w", "version": "1", "kind": "harmful", "rubric": "safety", "languages": ["ja"],
        "principles": [{"id": "p", "titles": {"ja": "原則"}}],
        "guidelines": [
            {"id": f"G-{g}", "principle": "p", "titles": {"ja": "指針"}, "duty": {"ja": "守る。"}}
            for g in range(67)
        ],
        "strategies": [{"id": f"s-{s}", "name": "S"} for s in range(7)],
    }  # fmt: skip
    (folder / "suite.yaml").write_text(json.dumps(head), encoding="utf-8")
    with (folder / "conversations.ja.jsonl").open("w", encoding="utf-8") as stream:
        for k in range(count):
            guideline, strategy, n = f"G-{k % 67}", f"s-{k // 67 % 7}", k // 469
            turns = [
                f"相談{k}-{t}。" + "".join(SENTENCES[(k + t + i) % 6] for i in range(6)) for t in range(3)
            ]
            row = {"id": f"{guideline}/{strategy}/ja/{n}", "guideline": guideline, "strategy": strategy}
            row |= {"language": "ja", "n": n, "seed": "種", "turns": turns}  # type: ignore[dict-item]
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return folder


def tree_memory(pid: int) -> float:
    """Megabytes resident in the process and all below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(path.name))
    total, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        try:
            total += int((Path("/proc") / str(one) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return total * resource.getpagesize() / 1e6


def measure(command: list[str], folder: Path, url: str) -> Cost:
    """Run the command and say what it cost."""
    before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.time(), 0.0
    environment = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON}
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            peak = max(peak, tree_memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    wall = time.time() - began
    done.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, peak, first_request(url) - began if url else 0.0)


def first_request(url: str) -> float:
    """When the mock got its first request, as a time stamp."""
    with urllib.request.urlopen(f"{url}/stats") as answer:
        first: float = json.load(answer)["first"]
    return first


def row(name: str, count: int, latency: float, cap: int, extra: list[str], times: int = 1) -> None:
    """Measure one setting, the cheapest of so many ``times``, and print it."""
    cost = min((once(name, count, latency, cap, extra) for _ in range(times)), key=lambda cost: cost.cpu)
    bound = max(4 * latency, math.ceil(9 * count / cap) * latency)
    ratio = f"{cost.wall / bound:5.2f}" if bound else "    –"
    each = 1000 * cost.cpu / count
    print(
        f"| {name:<14} | {count:>5} | {1000 * latency:>3.0f} | {cap:>3} | {each:>6.1f} | {cost.wall:>6.1f} "
        f"| {ratio} | {cost.memory:>5.0f} | {cost.start:>5.1f} |",
        flush=True,
    )
    SEEN[name, count, latency, cap] = cost


def once(name: str, count: int, latency: float, cap: int, extra: list[str]) -> Cost:
    """What one setting costs against a mock of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_suite(folder / "w", count)
        url = f"http://127.0.0.1:{PORT}/v1"
        words = [sys.executable, str(HERE / "mock.py"), "--port", str(PORT), "--latency", str(latency)]
        server = subprocess.Popen([*words, "--slots", str(cap)], stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        (folder / "jmeb.toml").write_text(TOML.format(url=url), encoding="utf-8")
        if name == "bare aiohttp":
            command = [sys.executable, str(HERE / "bare.py"), "--url", url, "--suite", "w", "--cap", str(cap)]
        else:
            command = [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--jmeb-model=target",
                "--jmeb-suite=w", "--jmeb-config=jmeb.toml", "--jmeb-gate=release", "--junitxml=junit.xml",
                f"--jmeb-concurrency={cap}", *extra,
            ]  # fmt: skip
        try:
            return measure(command, folder, f"http://127.0.0.1:{PORT}")
        finally:
            server.kill()
            server.wait()


def collect(name: str, count: int, extra: list[str]) -> None:
    """Measure collecting a suite, from a cold start, nothing asked, and print it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_suite(folder / "w", count)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--jmeb-model=demo"]
        cost = measure([*command, "--jmeb-suite=w", *extra], folder, "")
    each = 1000 * cost.cpu / count
    print(
        f"| {name:<14} | {count:>5} |   – |   – | {each:>6.2f} | {cost.wall:>6.1f} |     – "
        f"| {cost.memory:>5.0f} |     – |",
        flush=True,
    )


SEEN: dict[tuple[str, int, float, int], Cost] = {}


def slope(name: str, small: int, large: int) -> float:
    """Milliseconds of CPU for each further conversation."""
    low, high = SEEN[name, small, 0.0, 64], SEEN[name, large, 0.0, 64]
    return 1000 * (high.cpu - low.cpu) / (large - small)


def main() -> None:
    """Print the table, then the slopes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print("| what           |     n |  ms | cap | CPU ms | wall s | bound |    MB | start |")
    print("|----------------|------:|----:|----:|-------:|-------:|------:|------:|------:|")
    counts = (200, 938) if quick else (200, 938, 4690)
    for count in counts:
        row("bare aiohttp", count, 0.0, 64, [], TIMES)
        row("plugin -n0", count, 0.0, 64, ["-n0"], TIMES)
    if not quick:
        row("plugin -n2", 938, 0.0, 64, ["-n2"])
        row("plugin -n16", 938, 0.0, 64, ["-n16"])
        for cap, times in ((64, 1), (256, TIMES)):
            row("bare aiohttp", 938, 0.3, cap, [], times)
            row("plugin -n0", 938, 0.3, cap, ["-n0"], times)
        collect("collect", 54_180, ["--collect-only"])
        collect("collect -n2", 54_180, ["-n2", "-k", "nothing has this name"])
    small, large = counts[-2:]
    ours, bare = slope("plugin -n0", small, large), slope("bare aiohttp", small, large)
    print(f"\nslope {small} to {large}: plugin {ours:.1f} ms, bare {bare:.1f} ms, ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
