"""Text made small: a code of one or two bytes for each frequent word, then gzip, then base64.

gzip alone learns only what stands within 32 KB, and a block is opened without the others; a code
shared by all blocks knows the words of the whole run. It takes a fifth off the page.
"""

from __future__ import annotations

import base64
import json
import math
import re
import string
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

WORD = re.compile("[\u3041-\u3093]+|[\u4e00-\u9fff]{1,2}|[A-Za-z]+| [A-Za-z]+|[\u30a1-\u30fc]+|(?s:.)")
WORDS, SIGNS = 8_000, 20_000
"""How many words and how many single characters have a code of their own."""

LEARNT = 250_000
"""About how many characters the words are counted in."""

PIECE = 50_000
"""How many characters are taken apart at a time: their words take thirty times the room."""

GZIP = 31
"""What zlib calls a window of 32 KB in gzip's frame."""


def gzipped(raw: bytes) -> str:
    """The bytes as base64 of gzip."""
    packer = zlib.compressobj(9, wbits=GZIP)
    return base64.b64encode(packer.compress(raw) + packer.flush()).decode("ascii")


class Codes(dict[str, bytes]):
    """The bytes of each word. A word that has none is spelt sign by sign when it is first asked for.

    A sign that has none either is escaped, as JSON can escape it.
    """

    def __missing__(self, word: str) -> bytes:
        escaped = (sign if sign in self else json.dumps(sign)[1:-1] for sign in word)
        self[word] = b"".join([self[sign] for signs in escaped for sign in signs])
        return self[word]


@dataclass(frozen=True, slots=True)
class Code:
    """Symbols by rank: the first ``single`` take a byte, the others two.

    The two bytes of rank r are ``single`` + (r - ``single``) // 256 and (r - ``single``) % 256.
    """

    symbols: tuple[str, ...]
    single: int
    codes: Codes = field(compare=False, repr=False)

    def encode(self, text: str) -> bytes:
        """The bytes of a JSON text."""
        pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
        return b"".join([b"".join(map(self.codes.__getitem__, WORD.findall(piece))) for piece in pieces])


def learn(texts: Sequence[str]) -> Code:
    """A code for texts like these. Equal texts give an equal code."""
    seen: Counter[str] = Counter()
    for text in some(texts):
        seen.update(WORD.findall(text))
    gain = {word: count * (len(word) - 1) for word, count in seen.items() if len(word) > 1 and count > 3}
    words = set(sorted(gain, key=lambda word: (-gain[word], word))[:WORDS])
    signs = Counter(string.printable)
    for word in seen.keys() - words:
        for sign in word:
            signs[sign] += seen[word]
    kept = sorted(signs, key=lambda sign: (sign not in string.printable, -signs[sign], sign))[:SIGNS]
    counts = {word: seen[word] for word in words} | {sign: signs[sign] for sign in kept}
    symbols = tuple(sorted(counts, key=lambda symbol: (-counts[symbol], symbol)))
    single = next(s for s in range(256, -1, -1) if (256 - s) * 256 >= len(symbols) - s)
    return Code(symbols, single, Codes(zip(symbols, codes(single), strict=False)))


def some(texts: Sequence[str]) -> Iterator[str]:
    """Of every text as much as makes enough to learn from."""
    share = min(1.0, LEARNT / max(1, sum(map(len, texts))))
    return (text[: math.ceil(share * len(text))] for text in texts)


def codes(single: int) -> Iterator[bytes]:
    """The codes in the order of ranks."""
    yield from (bytes([first]) for first in range(single))
    yield from (bytes([first, second]) for first in range(single, 256) for second in range(256))
