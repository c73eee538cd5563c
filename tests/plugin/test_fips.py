"""Hosts under FIPS 140 that know neither MD5 nor SHA-1: simulated; docs/testing.md has the real provider."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.loopback import LoopbackServer

from .conftest import QUIET
from .test_networks import answer

FIPS = """
import hashlib, os, _hashlib
open(os.path.join(os.path.dirname(__file__), f"pid-{os.getpid()}"), "w").close()
WEAK = {"md5", "sha1"}

def refusing(old, named=None):
    def new(*args, **options):
        name = named or str(args[0] if args else options.get("name", "")).lower().replace("-", "")
        if name in WEAK and options.get("usedforsecurity", True):
            raise ValueError("[digital envelope routines] unsupported")
        return old(*args, **options)
    return new

def refusing_hmac(old):
    def new(*args, **options):
        digest = str(options.get("digestmod", options.get("digest", args[2] if len(args) > 2 else "")))
        if "md5" in digest.lower():
            raise ValueError("[digital envelope routines] unsupported")
        return old(*args, **options)
    return new

for name in WEAK:
    setattr(hashlib, name, refusing(getattr(hashlib, name), name))
    setattr(_hashlib, f"openssl_{name}", refusing(getattr(_hashlib, f"openssl_{name}"), name))
hashlib.new = refusing(hashlib.new)
_hashlib.new = refusing(_hashlib.new)
_hashlib.hmac_new = refusing_hmac(_hashlib.hmac_new)
_hashlib.hmac_digest = refusing_hmac(_hashlib.hmac_digest)
"""
TOML = """
[tool.jmeb]
judges = ["claude", "demo/judge-a"]
[tool.jmeb.endpoints.lean]
provider = "openai"
model = "target"
base_url = "{url}/v1"
[tool.jmeb.endpoints.azure]
provider = "azure-openai"
model = "target"
base_url = "{url}"
api_version = "v1"
api_key_env = "A_KEY"
[tool.jmeb.endpoints.claude]
provider = "anthropic"
model = "judge-2"
base_url = "{url}"
"""


@pytest.fixture
def fips(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A project whose every process refuses MD5 and SHA-1, and a server that speaks all protocols."""
    folder = project.mkdir("site")
    folder.joinpath("sitecustomize.py").write_text(FIPS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("A_KEY", "a-key-of-a-test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LoopbackServer() as server:
        server.rule = answer
        project.path.joinpath("pyproject.toml").write_text(TOML.format(url=server.url), encoding="utf-8")
        yield project


def test_the_simulation_refuses_what_openssl_would(fips: pytest.Pytester) -> None:
    """Else the test below would show nothing."""
    code = (
        "import hashlib, hmac\n"
        "for weak in (lambda: hashlib.md5(b''), lambda: hashlib.new('MD5'), lambda: hashlib.sha1(b''),\n"
        "             lambda: hmac.new(b'k', b'm', 'md5').digest(), lambda: hmac.digest(b'k', b'm', 'md5')):\n"
        "    try:\n        weak()\n    except ValueError as error:\n        print(error)\n"
        "print(hmac.digest(b'k', b'm', 'sha256') and hashlib.md5(b'', usedforsecurity=False).hexdigest())\n"
    )
    said = fips.run(sys.executable, "-c", code).outlines
    assert said == ["[digital envelope routines] unsupported"] * 5 + ["d41d8cd98f00b204e9800998ecf8427e"]


def test_a_run_needs_neither(fips: pytest.Pytester, both: Any) -> None:
    """Clients by SDK and our own, journal, relay, JUnit, reports and the demo's server: all do without."""
    models = ("--jmeb-model=lean", "--jmeb-model=azure", "--jmeb-model=demo", "--jmeb-gate=cases")
    words = (*QUIET, *models, "--jmeb-suite=toy", "--junitxml=junit.xml", "--jmeb-run=one", *both)
    result = fips.runpytest_subprocess(*words, timeout=120)
    assert result.ret == 0, result.stdout.str()
    result.assert_outcomes(passed=36)
    assert {path.name for path in fips.path.glob(".jmeb/one/*.*")} >= {"report.html", "results.json"}
    assert fips.path.joinpath("junit.xml").stat().st_size
    processes = len(list(fips.path.glob("site/pid-*")))
    assert processes == (3 if "-n2" in both else 1)


def test_the_commands_need_neither(fips: pytest.Pytester) -> None:
    """Deciding anew, comparing, accepting and scoring anew hash as well."""
    words = (*QUIET, "--jmeb-model=demo", "--jmeb-suite=toy", "--jmeb-run=one", "-p", "no:xdist")
    assert fips.runpytest_subprocess(*words, timeout=120).ret == 0
    for command in (
        ("gate", "one", "--write"),
        ("baseline", "accept", "one"),
        ("rejudge", "one", "--judge", "claude", "--judge", "demo/judge-b"),
        ("compare", "one", "--to", "compared"),
        ("review", "export", "one", "--to", "sheet.xlsx"),
    ):
        result = fips.run(sys.executable, "-mjmeb_plugin.cli", *command, timeout=120)
        assert result.ret == 0, result.stderr.str()
