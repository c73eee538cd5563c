"""Sheets as files: written so that no spreadsheet computes anything in them, and read back."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import SheetError
from jmeb_plugin.report.as_csv import harmless
from jmeb_plugin.transcript import clean, printable
from jmeb_plugin.user_file import MIB, read_bytes

MOST = 32_000
"""Signs that a cell takes: Excel's limit is 32,767."""

MOST_BYTES, MOST_UNPACKED = 64 * MIB, 256 * MIB
MOST_CELLS = 2_000_000
"""What a sheet that comes back may have: a few bytes of XLSX can claim a million empty rows."""

FORMATS = (".csv", ".xlsx")
WIDTHS = {"narrow": 11, "wide": 60}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be filled in. ``columns``: heading, and whether it is ``narrow``, ``wide`` or a ``score``.

    ``second``: the title and the lines of the sheet beside it.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    second: tuple[str, tuple[str, ...]]
    cut: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A sheet that came back: its name, the headings, and each row with its number in the file."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Any, ...]], ...]


def check_format(path: Path) -> None:
    """Raise for a file that is neither CSV nor XLSX."""
    if path.suffix.lower() not in FORMATS:
        raise SheetError(f"{path}: {path.suffix or 'no ending'} is no sheet; expected {' or '.join(FORMATS)}")


def check_new(path: Path) -> None:
    """Raise for a sheet that is there already, or could not be one."""
    check_format(path)
    if path.exists():
        raise SheetError(f"{path}: is there already, perhaps filled in; expected another --to FILE")


def safe_cell(text: str, cut: str, *, whole: bool = True) -> str:
    """A text that any spreadsheet shows and none computes, refuses or loses the end of unsaid.

    ``whole`` as for `harmless`: a cell of a CSV may be split by whoever opens it.
    """
    text = printable(clean(text).replace("\r\n", "\n").replace("\r", "\n"))
    text = text if len(text) <= MOST else f"{text[:MOST]}\n{cut}"
    return str(harmless(text, whole=whole))


def write_sheet(path: Path, sheet: Sheet) -> list[Path]:
    """The files of a sheet: one workbook, or a CSV and its second sheet as text; for their owner alone."""
    check_format(path)
    second = path.with_name(f"{path.stem}-{sheet.second[0]}.txt")
    files: list[tuple[Path, Callable[[], bytes]]] = (
        [(path, lambda: workbook(sheet))]
        if path.suffix.lower() == ".xlsx"
        else [(path, lambda: csv_bytes(sheet)), (second, lambda: text_bytes(sheet.second[1]))]
    )
    for file, content in files:
        try:
            file.touch(mode=0o600)
            file.write_bytes(content())
        except OSError as error:
            raise SheetError(f"{file}: cannot be written ({error.strerror})") from None
    return [file for file, _ in files]


def csv_bytes(sheet: Sheet) -> bytes:
    """The rows as CSV with a byte order mark, by which Excel knows UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([heading for heading, _ in sheet.columns])
    writer.writerows([safe_cell(cell, sheet.cut, whole=False) for cell in row] for row in sheet.rows)
    return stream.getvalue().encode("utf-8-sig")


def text_bytes(lines: Sequence[str]) -> bytes:
    """Lines as text that every editor reads."""
    return "\r\n".join(lines).encode("utf-8-sig")


def workbook(sheet: Sheet) -> bytes:
    """The rows and the second sheet as a workbook; score cells take numbers from 1 to 10."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    page = book.create_sheet(sheet.title)
    page.append([heading for heading, _ in sheet.columns])
    for row in sheet.rows:
        page.append([safe_cell(cell, sheet.cut) for cell in row])
    top = Alignment(wrap_text=True, vertical="top")
    for number, cells in enumerate(page.iter_rows()):
        for cell in cells:
            cell.alignment = top
            cell.font = Font(bold=number == 0)
    page.freeze_panes = "B2"
    valid = DataValidation(type="decimal", operator="between", formula1="1", formula2="10", allow_blank=True)
    page.add_data_validation(valid)
    for (_, kind), cells in zip(sheet.columns, page.iter_cols(), strict=True):
        letter = cells[0].column_letter
        page.column_dimensions[letter].width = WIDTHS["wide" if kind == "wide" else "narrow"]
        if kind == "score":
            valid.add(f"{letter}2:{letter}{len(sheet.rows) + 1}")
    second = book.create_sheet(sheet.second[0])
    for line in sheet.second[1]:
        second.append([safe_cell(line, sheet.cut)])
        second.cell(second.max_row, 1).alignment = top
    second.column_dimensions["A"].width = 110
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read_sheet(path: Path) -> Filled:
    """The first sheet of a file that came back. Raises `SheetError` for what is no sheet."""
    check_format(path)
    raw = read_bytes(path, SheetError, MOST_BYTES, "a sheet")
    try:
        rows = book_rows(raw, path) if path.suffix.lower() == ".xlsx" else csv_rows(raw)
    except SheetError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises a zoo over a broken workbook
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise SheetError(f"{path}: cannot be read as {path.suffix} ({why})") from None
    if not rows:
        raise SheetError(f"{path}: the sheet is empty; expected the one that `jmeb review export` wrote")
    headings = tuple("" if cell is None else str(cell).strip() for cell in rows[0])
    kept = [
        (number, tuple(row)) for number, row in enumerate(rows[1:], 2) if any(filled(cell) for cell in row)
    ]
    return Filled(str(path), headings, tuple(kept))


def filled(cell: Any) -> bool:
    """Whether there is anything in a cell."""
    return cell is not None and bool(str(cell).strip())


def book_rows(raw: bytes, path: Path) -> list[list[Any]]:
    """The values of a workbook's first sheet; `SheetError` for one that unpacks to more than a sheet is.

    An archive's own list of sizes can be believed: no more than it says is unpacked of any part.
    """
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MOST_UNPACKED:
        raise SheetError(f"{path}: unpacks to more than {MOST_UNPACKED // MIB} MiB; expected a sheet")
    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    found: list[list[Any]] = []
    cells = 0
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            cells += len(row) + 1
            if cells > MOST_CELLS:
                raise SheetError(f"{path}: more than {MOST_CELLS:,} cells; expected the sheet as exported")
            found.append(list(row))
    finally:
        book.close()
    return found


def csv_rows(raw: bytes) -> list[list[Any]]:
    """The rows of a CSV, whatever a spreadsheet made of its encoding and separators."""
    text = decoded(raw)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]


def decoded(raw: bytes) -> str:
    """UTF-8 as it was written, or what a spreadsheet saves instead: UTF-16, or Japanese Windows' own."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp932")
