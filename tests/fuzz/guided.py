"""Coverage-guided runs over the readers of targets.py, for as long as you like.

    python tests/fuzz/guided.py                       # the names of the targets
    python tests/fuzz/guided.py thresholds --seconds 60
    python tests/fuzz/guided.py all --seconds 60      # each of them so long
    python tests/fuzz/guided.py table --seconds 60 --structured

By bytes, begun from the valid file; with ``--structured`` the bytes decide what is dropped, doubled,
nested or swapped in the valid document, by the same strategies as the tests. It needs atheris
(pip install atheris), which the tests do not. What breaks a reader is written to a file beside the
corpus, with the trace on stderr, and ends the run with 77; so does an input that takes 20 seconds or
2 GiB.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve()
MISSING = "guided.py: atheris is not installed; expected it here: pip install atheris (the tests do without)"


def main() -> int:
    """Run what was asked for; the worst exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="?", help="a target's name, or all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--structured", action="store_true", help="change the valid document, not its bytes")
    parser.add_argument(
        "--corpus", type=Path, help="where what reached something new is kept; default: nowhere"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 4
    sys.path.insert(0, str(HERE.parents[2]))
    if options.here:
        fuzz(options)
    from tests.fuzz.targets import TARGETS

    if options.target not in (*TARGETS, "all"):
        print("\n".join(TARGETS))
        return 4 if options.target else 0
    names = list(TARGETS) if options.target == "all" else [options.target]
    return max(apart(name, options) for name in names)


def apart(name: str, options: argparse.Namespace) -> int:
    """One target in a process of its own, since libFuzzer ends the one it is in."""
    words = [sys.executable, str(HERE), name, "--here", "--seconds", str(options.seconds)]
    words += ["--structured"] if options.structured else []
    words += ["--corpus", str(options.corpus)] if options.corpus else []
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    last = [line for line in done.stderr.splitlines() if line.startswith(("Done", "#"))][-1:]
    print(f"{name}: {'nothing found' if done.returncode == 0 else 'FOUND'}: {' '.join(last)}", flush=True)
    if done.returncode:
        told = (
            line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("INFO", "#"))
        )
        print("\n".join(told)[-8000:], file=sys.stderr)
    return done.returncode


def fuzz(options: argparse.Namespace) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris
    from hypothesis import given

    with atheris.instrument_imports(include=["jmeb_plugin"]):
        from tests.fuzz.mutations import FUZZ, changed
        from tests.fuzz.targets import TARGETS, hold

    target = TARGETS[options.target]
    folder = Path(tempfile.mkdtemp(prefix="guided-"))
    corpus = (options.corpus or folder / "corpus") / f"{options.target}{'-structured' * options.structured}"
    corpus.mkdir(parents=True, exist_ok=True)
    place = folder / "files"
    place.mkdir()
    target.beside(place)

    @FUZZ
    @given(changed(target.valid))
    def structured(data: object) -> None:
        hold(target, place, target.write(data))

    def by_bytes(raw: bytes) -> None:
        hold(target, place, raw)

    if not options.structured:
        (corpus / "valid").write_bytes(target.seed)
    words = [
        sys.argv[0], str(corpus), f"-max_total_time={options.seconds}", "-timeout=20", "-rss_limit_mb=2048",
        f"-artifact_prefix={corpus}/found-", "-max_len=20000",
    ]  # fmt: skip
    atheris.Setup(words, structured.hypothesis.fuzz_one_input if options.structured else by_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
