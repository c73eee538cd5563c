"""Matplotlib's SVG made part of a page: its colours, its languages, and no style of its own."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from jmeb_plugin.report.bilingual import known

NAMES = (
    "ink",
    "grid",
    "line",
    "soft",
    *(f"series-{k}" for k in range(4)),
    *(f"band-{k}" for k in range(1, 6)),
)
COLOURS = {name: f"#0000{index:02x}" for index, name in enumerate(NAMES, 1)}
"""The palette: what is drawn in one of these gets the class ``fill-NAME`` or ``stroke-NAME``."""

CLASSES = {colour: name for name, colour in COLOURS.items()}
KEPT = {
    "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "fill-opacity", "opacity",
    "text-anchor",
}  # fmt: skip
DIGITS = re.compile(r"-?\d+\.\d+")


def tidy(svg: str, name: str) -> str:
    """A figure as the page wants it: classes for colours, texts in both languages, ids with the name.

    Style attributes, which the page's content security policy forbids, become presentation attributes.
    """
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    facts = {"viewBox": root.get("viewBox", ""), "focusable": "false", "aria-hidden": "true"}
    kept = ET.Element("svg", facts)
    kept.extend(child for node in root for child in tidied(node, name))
    return ET.tostring(kept, encoding="unicode")


def tidied(node: ET.Element, name: str) -> list[ET.Element]:
    """A node without what nobody sees; a group that says nothing of its own gives way to its content."""
    tag = node.tag.rpartition("}")[2]
    inner = [child for below in node for child in tidied(below, name)]
    facts = attributes(node, name)
    if tag == "g" and not facts:
        return inner
    unseen = tag == "path" and facts.get("fill") == "none" and "stroke" not in facts.get("class", "")
    if unseen or tag in ("metadata", "style") or (tag == "defs" and not inner):
        return []
    found = ET.Element(tag, facts)
    found.extend(inner)
    if tag == "text":
        say(found, node.text or "")
    return [found]


def say(element: ET.Element, text: str) -> None:
    """Put a text into an element: ``@key`` in both languages, all else as it is."""
    key, _, rest = text.removeprefix("@").partition(" ")
    element.text = text
    if text.startswith("@"):
        both = known(key, key.rpartition(".")[2])
        element.text = f"{both.en} {rest}".strip()
        element.set("data-ja", f"{both.ja} {rest}".strip())


def attributes(node: ET.Element, name: str) -> dict[str, str]:
    """The attributes of a node, its style among them, colours of the palette as classes."""
    facts = {key.rpartition("}")[2]: value for key, value in node.attrib.items() if key != "style"}
    style = dict(part.strip().split(": ", 1) for part in node.get("style", "").split(";") if ": " in part)
    classes = [f"{key}-{CLASSES[style[key]]}" for key in ("fill", "stroke") if style.get(key) in CLASSES]
    facts |= {key: value for key, value in style.items() if key in KEPT and value not in CLASSES}
    if classes:
        facts["class"] = " ".join(classes)
    if node.tag.rpartition("}")[2] in ("g", "text"):
        facts.pop("id", None)
    if facts.get("transform", "").startswith("rotate(-0 "):
        del facts["transform"]
    for key, before in (("id", ""), ("href", "#"), ("clip-path", "url(#")):
        if key in facts:
            facts[key] = facts[key].replace(before, f"{before}{name}-", 1)
    return {key: " ".join(DIGITS.sub(shorter, value).split()) for key, value in facts.items()}


def shorter(number: re.Match[str]) -> str:
    """A number with no more than two decimals."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
