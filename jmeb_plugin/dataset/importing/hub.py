"""Data sets of the Hugging Face hub: ``hf://org/name[@revision][/path]``."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from jmeb_plugin.errors import SettingsError

SCHEME = "hf://"
ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([\w.-]+))?(?:/(.+?))?/?")
KINDS = ("json", "jsonl", "ndjson", "csv", "tsv", "parquet")


def fetch(address: str) -> tuple[Path, str]:
    """The folder or file into which the data set was fetched, and its address with the revision.

    Raises `SettingsError` for an address that is none, where huggingface_hub is missing, and where
    the hub has nothing for us.
    """
    found = ADDRESS.fullmatch(address)
    if not found or ".." in PurePosixPath(found[3] or "").parts:
        raise SettingsError(f"{address}: expected {SCHEME}org/name or {SCHEME}org/name/path")
    name, revision, path = found.groups()
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise SettingsError(
            f"{address}: needs huggingface_hub: pip install 'pytest-jmeb[hf]', or download the files "
            f"and name their folder"
        ) from None
    patterns = [path, f"{path}/**"] if path else [f"**.{kind}" for kind in KINDS]
    try:
        folder = snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=patterns)
    except Exception as reason:  # noqa: BLE001 - the hub's client, its HTTP library and the disk: all end here
        raise SettingsError(f"{address}: not to be had: {first_line(reason)}") from None
    label = f"{SCHEME}{name}@{Path(folder).name}"
    return (Path(folder, path), f"{label}/{path}") if path else (Path(folder), label)


def first_line(reason: Exception) -> str:
    """What an error says first, in one line, or its kind."""
    lines = str(reason).strip().splitlines()
    return lines[0] if lines else type(reason).__name__
