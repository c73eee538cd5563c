"""Stage 7: medical professionals accept or strike conversations, in a sheet that comes back.

What nobody accepted is left out, and one strike is enough: silence passes nothing.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.dataset.build import head_text
from jmeb_plugin.errors import SheetError, SuiteError, plain
from jmeb_plugin.figures import counted
from jmeb_plugin.judges import in_language
from jmeb_plugin.review.sheets import Filled, Sheet, check_new, filled, read_sheet, write_sheet
from jmeb_plugin.suite import Conversation, Suite, load_suite
from jmeb_plugin.user_file import CANARY, own_file, read_lines
from jmeb_plugin.yaml_file import read_yaml

SHOWN = 20
"""How many bad cells one message lists."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one conversation: ``accepted``, ``struck`` or ``undecided``."""

    id: str
    outcome: str
    comments: tuple[str, ...]


@functools.cache
def words() -> Mapping[str, Any]:
    """The words of the sheet by language, and how accept and strike may be written."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("sheet.json").read_text("utf-8"))
    return found


def words_for(language: str | None) -> Mapping[str, str]:
    """The words of a language, or the first there are."""
    found: Mapping[str, str] = words().get(language or "") or next(iter(words().values()))
    return found


# -- the sheet that goes out ----------------------------------------------------------------------


def export_sheet(folder: Path, to: Path, language: str | None) -> Iterator[str]:
    """Write the suite's conversations (of one language) as a sheet; the lines of the report."""
    check_new(to)
    suite = load_suite(folder)
    if language is not None and language not in suite.languages:
        raise SuiteError(f"{folder}: no language {language!r}; it has {', '.join(suite.languages)}")
    talks = [talk for talk in suite.conversations if language in (None, talk.language)]
    files = write_sheet(to, make_sheet(suite, talks, language))
    yield f"{counted(len(talks), 'conversation')} to accept or strike"
    yield f"written: {', '.join(map(str, files))}; send it to reviewers alone"


def make_sheet(suite: Suite, talks: Sequence[Conversation], language: str | None) -> Sheet:
    """One conversation a row: guideline, strategy, request, the user's turns, and two cells to fill in."""
    said = words_for(language)
    most = max((len(talk.turns) for talk in talks), default=0)
    columns = [(said["id"], "narrow"), (said["guideline"], "wide"), (said["strategy"], "narrow")]
    columns += [(said["request"], "wide"), *((said["turn"].format(k=k), "wide") for k in range(1, most + 1))]
    columns += [(said["decision"], "narrow"), (said["comment"], "wide")]
    return Sheet(
        title=said["sheet"],
        columns=tuple(columns),
        rows=tuple(
            (*shown(suite, talk), *talk.turns, *[""] * (most - len(talk.turns) + 2)) for talk in talks
        ),
        second=(said["guide"], (said["lead"],)),
        cut=said["cut"],
    )


def shown(suite: Suite, talk: Conversation) -> tuple[str, ...]:
    """What stands before a conversation's turns."""
    guideline = suite.guidelines[talk.guideline]
    title, duty = (in_language(t, talk.language) for t in (guideline.titles, guideline.duty))
    about = "\n".join(filter(None, (f"{guideline.id} {title}", duty, guideline.bound)))
    return talk.id, about, suite.strategies[talk.strategy].name, talk.seed


# -- what comes back ------------------------------------------------------------------------------


def import_sheets(folder: Path, sheets: Sequence[Path], to: Path) -> Iterator[str]:
    """Write the suite of what was accepted into a new private folder; the lines of the report."""
    if to.exists():
        raise SuiteError(f"{to}: is there already; expected another --to FOLDER")
    suite = load_suite(folder)
    decisions = decide(suite, [read_sheet(path) for path in sheets])
    counts = Counter(decision.outcome for decision in decisions)
    if not counts["accepted"]:
        raise SheetError(f"{', '.join(map(str, sheets))}: nothing was accepted; expected at least one row")
    write_reviewed(suite, decisions, to)
    yield (
        f"{counts['accepted']} of {counted(len(decisions), 'conversation')} accepted, "
        f"{counts['struck']} struck, {counts['undecided']} without a decision and left out"
    )
    for decision in decisions:
        if decision.outcome == "struck":
            yield f"  struck {decision.id}: {'; '.join(decision.comments) or 'no reason given'}"
    yield f"suite: {to}"


def decide(suite: Suite, sheets: Sequence[Filled]) -> list[Decision]:
    """Each conversation's outcome over all sheets. Raises `SheetError` with every cell that says neither."""
    marks: dict[str, list[str]] = {talk.id: [] for talk in suite.conversations}
    comments: dict[str, list[str]] = {name: [] for name in marks}
    wrong: list[str] = []
    for sheet in sheets:
        places = {name: column(sheet, name) for name in ("id", "decision", "comment")}
        for number, cells in sheet.rows:
            found = {name: str(cell_at(cells, place)).strip() for name, place in places.items()}
            where = f"{sheet.name}: row {number}"
            if found["id"] not in marks:
                wrong.append(f"{where}: {plain(found['id'])!r} is no conversation of {suite.path}")
                continue
            mark = meaning(found["decision"])
            if mark is None:
                wrong.append(f"{where}: {plain(found['decision'])!r}; expected accept or strike, or nothing")
            elif mark:
                marks[found["id"]].append(mark)
            comments[found["id"]] += [found["comment"]] if found["comment"] else []
    if wrong:
        more = f"\n… and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise SheetError("\n".join(wrong[:SHOWN]) + more)
    return [Decision(name, outcome(said), tuple(comments[name])) for name, said in marks.items()]


def outcome(marks: Sequence[str]) -> str:
    """One strike is enough; without any mark nothing is decided."""
    if "strike" in marks:
        return "struck"
    return "accepted" if marks else "undecided"


def meaning(text: str) -> str | None:
    """``accept`` or ``strike``, empty where nothing is written, ``None`` for anything else."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    for mark in ("accept", "strike"):
        if plain in {unicodedata.normalize("NFKC", word).casefold() for word in words()[mark]}:
            return mark
    return None if plain else ""


def column(sheet: Filled, name: str) -> int:
    """Where a column stands, whatever the sheet's language."""
    names = {said[name] for said in words().values() if isinstance(said, dict)}
    for place, heading in enumerate(sheet.headings):
        if heading in names:
            return place
    raise SheetError(f"{sheet.name}: no column {' or '.join(sorted(names))}; expected the sheet as exported")


def cell_at(cells: Sequence[Any], place: int) -> Any:
    """A cell's content; empty where the row is shorter."""
    return cells[place] if place < len(cells) and filled(cells[place]) else ""


def write_reviewed(suite: Suite, decisions: Sequence[Decision], to: Path) -> None:
    """The suite without what was not accepted, what was decided beside it, and a note that says so."""
    to.mkdir(mode=0o700, parents=True)
    kept = {decision.id for decision in decisions if decision.outcome == "accepted"}
    head = read_yaml(suite.path / "suite.yaml", SuiteError).data
    note = f"{len(kept)} of {counted(len(decisions), 'conversation')} accepted in review; {suite.note}"
    head = {**head, "version": f"{suite.version}-reviewed", "note": note}
    for path in suite.path.iterdir():
        if path.is_file() and path.suffix in (".yaml", ".txt"):
            own_file(suite.path, path.name, SuiteError)
            (to / path.name).write_bytes(path.read_bytes())
    (to / "suite.yaml").write_text(head_text(head, "`jmeb dataset review import`"), encoding="utf-8")
    for language in suite.languages:
        name = f"conversations.{language}.jsonl"
        head_lines: list[bytes] = []
        rows = [line for _, line in read_lines(suite.path / name, SuiteError, head_lines.append)]
        own = [line for line in head_lines if line.startswith(CANARY)]
        own += [line for line in rows if json.loads(line)["id"] in kept]
        (to / name).write_bytes(b"".join(line.rstrip(b"\r\n") + b"\n" for line in own))
    text = json.dumps([asdict(decision) for decision in decisions], ensure_ascii=False, indent=1)
    (to / "review.json").write_text(text + "\n", encoding="utf-8")
