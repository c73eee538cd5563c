"""What a server repeats of what it was sent, taken out of its words.

Error messages go to terminals, JUnit files and logs that many people read, and a conversation does not
belong there; a server that rejects a prompt likes to quote it.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

PIECE, WIDE_PIECE = 12, 6
"""Letters that make a repetition: of any text, and of one in a script such as Japanese."""

SHORTEST, SHORTEST_WIDE = 6, 2
"""Letters from which a whole message is looked for that is shorter than a piece."""

ESCAPE = re.compile(
    r"(?:\\{1,8}u[0-9a-fA-F]{4})+|\\{1,8}U[0-9a-fA-F]{8}|\\{1,8}x[0-9a-fA-F]{2}|\\{1,8}[nrtbfv]"
    r"|&#?\w{2,8};|(?:%[0-9a-fA-F]{2})+"
)
"""A sign as JSON, Python, HTML or an address spells it."""

SIGN = re.compile(rf"{ESCAPE.pattern}|[^\W_]")


def without_echoes(said: str, sent: Iterable[str], own: Iterable[str] = ()) -> str:
    """What was said, with ``…`` in the place of every piece of what was sent.

    Letters alone are compared, without case, and however they are escaped. ``own``: names that may be
    shown although they were sent as well (a model that is told how it is called). Time
    and memory are linear in both texts.
    """
    places = [(letter, found) for found in SIGN.finditer(said) for letter in letters(found[0])]
    heard = "".join(letter for letter, _ in places)
    marked = repeated(heard, pieces_of(map(letters, sent)))
    for name in map(letters, own):
        for at in found_at(name, heard) if len(name) >= PIECE else ():
            marked[at : at + len(name)] = bytes(len(name))
    if not any(marked):
        return said
    return "".join(
        shown(said, [(mark, *found.span()) for mark, (_, found) in zip(marked, places, strict=True)])
    )


def found_at(name: str, text: str) -> Iterator[int]:
    """Where a name stands in a text."""
    return (found.start() for found in re.finditer(re.escape(name), text))


def shown(said: str, places: Iterable[tuple[int, int, int]]) -> Iterator[str]:
    """The parts of a text that stay: of each letter, whether it goes, and where it begins and ends."""
    at, hidden = 0, False
    for goes, start, end in places:
        if goes:
            if not hidden:
                yield f"{said[at:start]}…"
            hidden, at = True, end
        else:
            hidden = hidden and start < at  # the rest of an escape that went
    yield said[at:]


def letters(text: str) -> str:
    """The letters and digits of a text, without case and escapes."""
    if "\\" in text or "&" in text or "%" in text:
        text = ESCAPE.sub(lambda found: meant(found[0]), text)
    return "".join(filter(str.isalnum, text.casefold()))


def meant(escape: str) -> str:
    """The signs that an escape stands for."""
    if escape.startswith("&"):
        return html.unescape(escape)
    if escape.startswith("%"):
        return unquote(escape)
    code = escape.lstrip("\\")
    if code[0] == "u":
        return bytes.fromhex(re.sub(r"\\*u", "", escape)).decode("utf-16-be", "replace")
    return chr(min(int(code[1:], 16), sys.maxunicode)) if code[0] in "xU" else ""


def pieces_of(texts: Iterable[str]) -> dict[int, set[str]]:
    """The pieces by which a repetition of the texts is known, by their length."""
    found: dict[int, set[str]] = {PIECE: set(), WIDE_PIECE: set()}
    for text in texts:
        found[PIECE].update(text[at : at + PIECE] for at in range(len(text) - PIECE + 1))
        if not text.isascii():
            wide = (text[at : at + WIDE_PIECE] for at in range(len(text) - WIDE_PIECE + 1))
            found[WIDE_PIECE].update(filter(is_wide, wide))
        if len(text) < PIECE and len(text) >= (SHORTEST_WIDE if is_wide(text) else SHORTEST):
            found.setdefault(len(text), set()).add(text)
    return found


def is_wide(text: str) -> bool:
    """Whether no letter of the text is ASCII."""
    return not any(map(str.isascii, text))


def repeated(heard: str, pieces: dict[int, set[str]]) -> bytearray:
    """For each letter, 1 where it is part of such a piece."""
    marked = bytearray(len(heard))
    for size, known in pieces.items():
        if not known:
            continue
        for at in range(len(heard) - size + 1):
            if heard[at : at + size] in known:
                marked[at : at + size] = b"\1" * size
    return marked
