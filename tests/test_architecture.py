"""The arrows of the house: which room may know which, and how large a room may be."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

import jmeb_plugin

ROOT = Path(jmeb_plugin.__file__).parent
FLOORS = {
    "errors": ("errors",),
    "nouns": ("figures", "user_file", "yaml_file", "shape", "written", "exam", "transcript", "scores", "suite", "anchors", "foreign", "sampling", "thresholds", "verdict", "standards", "selection", "table", "steering", "baseline", "subjects", "paper"),
    "arithmetic": ("stats", "units", "regression", "gates", "ending", "summary", "calibration", "comparison"),
    "talking": (
        "keys", "price", "providers", "endpoints", "hosting", "prompts", "structured", "attackers", "clients", "tokenizer", "folder", "journal_file", "journal", "budget", "pace", "limits", "converse", "judges", "measure", "archive", "progress",
        "runner", "relay", "jobs", "helpfulness", "forecast", "provenance", "preflight",
    ),
    "showing": ("report",),
    "pytest": ("options", "arguments", "manifest", "items", "junit", "terminal", "gatecases", "signals", "housekeeping", "controller", "session", "fixtures", "plugin"),
    "beside": ("decide", "shards", "dataset", "review", "cli"),
}  # fmt: skip
MAY_KNOW = {
    "errors": set(),
    "nouns": {"errors"},
    "arithmetic": {"errors", "nouns"},
    "talking": {"errors", "nouns", "arithmetic"},
    "showing": {"errors", "nouns", "arithmetic"},
    "pytest": {"errors", "nouns", "arithmetic", "talking", "showing"},
    "beside": {"errors", "nouns", "arithmetic", "talking", "showing"},
}
ONE_PLACE = {
    "pytest": FLOORS["pytest"],
    "openai": ("clients.azure",),
    "anthropic": ("clients.anthropic_sdk",),
    "scipy": ("stats",),
    "numpy": ("stats",),
    "aiohttp": ("clients", "demo"),
    "orjson": ("clients.encoding",),
    "sqlite3": ("journal", "journal_file", "archive"),
    "yaml": ("yaml_file", "dataset.build", "dataset.importing.importing"),
    "pyarrow": ("dataset.importing.sources",),
    "huggingface_hub": ("dataset.importing.hub",),
    "argparse": ("cli",),
    "openpyxl": ("review.sheets",),
    "jinja2": ("report.as_html",),
    "markupsafe": ("report",),
    "matplotlib": ("report.plots",),
}

KNOW_LANGUAGES = {
    "dataset.scripts": "the table of scripts, by language",
    "demo": "a model that speaks two languages",
    "exam": "the columns of IgakuQA, which stands in two languages",
    "helpfulness": "what is said before a question of that examination",
    "paper": "the languages of the paper's own tables",
    "prompts": "whose texts a language gets that has none of its own",
    "report.bilingual": "the page's own strings, which stand in two languages",
}
"""Where a language may be known by its name, and why; a suite in any other is as good."""


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name below it."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports(tree: ast.Module) -> set[str]:
    """Everything a module imports, wherever in it, but not for types alone."""
    found: set[str] = set()
    for node in runtime_nodes(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update({node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


def runtime_nodes(node: ast.AST):
    """The nodes below, without the blocks that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        yield child
        yield from runtime_nodes(child)


def ours(tree: ast.Module) -> set[str]:
    """The modules of the package that a module imports."""
    named = {name.removeprefix("jmeb_plugin.") for name in imports(tree) if name.startswith("jmeb_plugin.")}
    return {name for name in named if name in MODULES}


def floor_of(name: str) -> str | None:
    """The floor a module stands on; `None` for the package itself and the demo."""
    room = name.split(".", maxsplit=1)[0]
    return next((floor for floor, rooms in FLOORS.items() if room in rooms), None)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_has_a_floor(name):
    """A new room is given its place before it is moved into."""
    assert floor_of(name) or name.split(".")[0] in ("demo", "__init__", "")


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if floor_of(name)])
def test_arrows_only_go_down(name):
    """Talking and showing do not know each other; nobody knows the pytest layer."""
    floor = floor_of(name)
    wrong = {
        other
        for other in ours(MODULES[name])
        if floor_of(other) not in {floor, *MAY_KNOW[floor]} and not other.startswith("demo")
    }
    assert not wrong


def test_no_cycles():
    """No module needs itself, by whatever way round."""
    rooms = {name: ours(tree) - {name} for name, tree in MODULES.items()}
    packages = {name for name in rooms if any(other.startswith(f"{name}.") for other in rooms)}
    graph = {name: others - packages for name, others in rooms.items()}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if name.startswith("demo")])
def test_the_demo_knows_nothing_of_ours(name):
    """It could be anybody's server."""
    assert all(other.startswith("demo") for other in ours(MODULES[name]))


def test_only_hosting_and_endpoints_know_the_demo():
    """Its names are checked in one place, its server is started in another."""
    knowing = {name for name, tree in MODULES.items() if any(o.startswith("demo") for o in ours(tree))}
    assert {name for name in knowing if not name.startswith("demo")} == {"hosting", "endpoints"}


@pytest.mark.parametrize("library", sorted(ONE_PLACE))
def test_each_library_has_one_place(library):
    """Pytest in its layer, each SDK in its client file, numbers in stats."""
    users = {name for name, tree in MODULES.items() if any(i.split(".")[0] == library for i in imports(tree))}
    places = ONE_PLACE[library]
    assert users
    assert not {user for user in users if not any(user == p or user.startswith(f"{p}.") for p in places)}


def test_one_place_reads_the_environment():
    """Precedence is decided in one function; keys have one door."""
    readers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == {"endpoints"}


def test_no_language_is_known_by_name():
    """Nothing but the listed rooms has a language's name in its code."""
    knowing = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("ja", "en", "Japanese", "English")
    }
    assert {name.split(".")[0] if name.startswith("demo") else name for name in knowing} == set(
        KNOW_LANGUAGES
    )


@pytest.mark.parametrize("name", sorted(MODULES))
def test_rooms_and_functions_stay_small(name):
    """No module over 350 lines, no function over 60, hooks that only delegate."""
    path = ROOT / (name.replace(".", "/") + ".py")
    path = path if path.is_file() else ROOT / name.replace(".", "/") / "__init__.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    most = 12 if name == "plugin" else 60
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= most, f"{name}.{node.name}"


def test_public_names_are_complete_and_sorted():
    """What the package exports is what it lists."""
    assert jmeb_plugin.__all__ == sorted(jmeb_plugin.__all__)
    assert all(hasattr(jmeb_plugin, name) for name in jmeb_plugin.__all__)
