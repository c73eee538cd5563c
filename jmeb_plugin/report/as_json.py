"""results.json: all verdicts and statistics; also what a baseline is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_text(results: Mapping[str, Any]) -> str:
    """The results as JSON, one verdict a line so that two runs can be compared line by line."""
    head = {name: value for name, value in results.items() if name != "verdicts"}
    text = json.dumps(head, ensure_ascii=False, indent=1, allow_nan=False)
    rows = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in results["verdicts"])
    return text.removesuffix("\n}") + ',\n "verdicts": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"
