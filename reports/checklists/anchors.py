"""What a manuscript can be pointed to by: its sections, figures, tables and labelled passages, and what stands there."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from neurotrial.reports.rendering.pandoc import run_pandoc
from neurotrial.reports.rendering.render_builtin import READER

__all__ = ["TITLE", "Anchor", "State", "document_anchors"]

TITLE = "title-randomised"
"""The anchor of a title that says that the trial was randomised."""

State = Literal["written", "placeholder", "empty"]
Kind = Literal["title", "section", "passage", "figure", "table"]

_FLOATS: dict[str, Kind] = {"fig": "figure", "tbl": "table"}
_PREFIXES = ("sec-", *(f"{prefix}-" for prefix in _FLOATS))
_PLACEHOLDER = re.compile(r"For the authors to write|\[Authors:|(?:^|[.:] )Replace by \w|\bNCT0{8}\b")
"""What documents and study files hold until authors replace it."""

_RANDOMISED = re.compile(r"randomi[sz](ed|ation)\b", re.IGNORECASE)
_SPACES = ("Space", "SoftBreak", "LineBreak")
_CODE = ("Code", "Math", "RawInline")
_NO_WORDS = ("Cite", "Note", "Image")
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in a document.

    Attributes
    ----------
    name : str
        Its label, e.g. ``"sec-design"``.
    kind : {"title", "section", "passage", "figure", "table"}
        What it is; a passage is a labelled paragraph, or words within one.
    number : str
        As the document prints it, e.g. ``"2.1"``; empty where sections have none.
    path : tuple of str
        The headings above it, and its own: of a section its heading, of a passage the bold words that it begins with.
    state : {"written", "placeholder", "empty"}
        Whether text stands there, something that authors must replace, or nothing.
    """

    name: str
    kind: Kind
    number: str
    path: tuple[str, ...]
    state: State

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.state not in get_args(State):
            message = f"no anchor: {self.kind}, {self.state}"
            raise ValueError(message)

    @property
    def words(self) -> str:
        """The place as readers find it, e.g. ``"Methods, Design (2.1)"`` or ``"Table 1"``."""
        if self.kind in _FLOATS.values():
            return f"{self.kind.capitalize()} {self.number}"
        return ", ".join(self.path) + (f" ({self.number})" if self.number else "")


def document_anchors(markdown: str, title: str, *, numbered: bool = False) -> list[Anchor]:
    """Collect the anchors of a document.

    Parameters
    ----------
    markdown : str
        The document with the output of its cells in place; what only some formats show counts as shown.
    title : str
        Its title.
    numbered : bool
        Whether its sections have numbers.

    Returns
    -------
    list of Anchor
        In document order; a title that says "randomised" comes first, as `TITLE`.
    """
    walk = _Walk(numbered=numbered)
    for block in _blocks(markdown):
        walk.block(block)
    first = [Anchor(TITLE, "title", "", ("Title",), "written")] if _RANDOMISED.search(title) else []
    return first + [entry.anchor() for entry in walk.entries if entry.name.startswith(_PREFIXES)]


@dataclass(slots=True)
class _Entry:
    """An anchor in the making; level is that of a heading, 0 else."""

    name: str
    kind: Kind
    number: str
    path: tuple[str, ...]
    level: int = 0
    texts: list[str] = field(default_factory=list)

    def anchor(self) -> Anchor:
        return Anchor(self.name, self.kind, self.number, self.path, self._state())

    def _state(self) -> State:
        if any(_PLACEHOLDER.search(text) for text in self.texts):
            return "placeholder"
        return "written" if any(self.texts) or self.kind in _FLOATS.values() else "empty"


@dataclass(slots=True)
class _Walk:
    """A walk through the blocks of a document that counts sections and floats."""

    numbered: bool
    entries: list[_Entry] = field(default_factory=list)
    headings: list[_Entry] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FLOATS, 0))

    def block(self, node: Node, lead: tuple[str, ...] = ()) -> None:
        """Take in a block: a heading opens a section, everything else is text of the sections that are open.

        ``lead`` are the bold words at the beginning of the passages around it.
        """
        name, classes = _attributes(node)
        if node["t"] == "Header":
            self._heading(node, name, classes)
            return
        if node["t"] == "Div" and not (
            _is_float(name) or any(item.startswith("callout") for item in classes)
        ):
            inside = (*lead, *_lead(node)) if name else lead
            if name:
                self._passage(name, inside, list(_texts(node)))
            for inner in node["c"][1]:
                self.block(inner, inside)
            return
        self._text(node, name, lead)

    def _heading(self, node: Node, name: str, classes: list[str]) -> None:
        level = node["c"][0]
        self.headings = [entry for entry in self.headings if entry.level < level]
        words = _words(node["c"][2])
        path = (*(entry.path[-1] for entry in self.headings), words)
        number = "" if "unnumbered" in classes else self._section_number(level)
        entry = _Entry(name, "section", number, path, level)
        self.headings.append(entry)
        self.entries.append(entry)

    def _section_number(self, level: int) -> str:
        self.levels = (self.levels + [0] * level)[:level]
        self.levels[-1] += 1
        return ".".join(map(str, self.levels)) if self.numbered else ""

    def _text(self, node: Node, name: str, lead: tuple[str, ...]) -> None:
        texts = list(_texts(node))
        for entry in self.headings:
            entry.texts += texts
        if _is_float(name):
            self._float(name, texts)
            return
        for inner in _labelled(node):
            inner_name, _ = _attributes(inner)
            if _is_float(inner_name):
                self._float(inner_name, list(_texts(inner)))
            elif inner["t"] == "Span":
                self._passage(inner_name, lead, [_words(inner["c"][1])])

    def _float(self, name: str, texts: list[str]) -> None:
        prefix = name.partition("-")[0]
        self.counts[prefix] += 1
        self.entries.append(_Entry(name, _FLOATS[prefix], str(self.counts[prefix]), (), texts=texts))

    def _passage(self, name: str, lead: tuple[str, ...], texts: list[str]) -> None:
        above = self.headings[-1] if self.headings else _Entry("", "section", "", ())
        path = (*above.path, *lead) or ("Beginning",)
        self.entries.append(_Entry(name, "passage", above.number, path, texts=texts))


def _blocks(markdown: str) -> list[Node]:
    """Return pandoc's tree of a document; its cross-references and citations stay unresolved."""
    with tempfile.TemporaryDirectory(prefix="neurotrial-anchors-") as folder:
        (Path(folder) / "document.md").write_text(markdown, "utf-8")
        run_pandoc(
            ["document.md", f"--from={READER}", "--to=json", "--output=tree.json"], Path(folder), "document"
        )
        blocks: list[Node] = json.loads((Path(folder) / "tree.json").read_text("utf-8"))["blocks"]
        return blocks


def _attributes(node: Node) -> tuple[str, list[str]]:
    """Return label and classes of a node; empty for those that have none."""
    kind, content = node["t"], node.get("c")
    place = 1 if kind == "Header" else 0
    if kind not in {"Header", "Div", "Span", "Figure", "Table", "CodeBlock", "Image"} or not content:
        return "", []
    return content[place][0], content[place][1]


def _is_float(name: str) -> bool:
    return name.partition("-")[0] in _FLOATS and "-" in name


def _lead(node: Node) -> tuple[str, ...]:
    """Return the bold words at the beginning of a div, without their full stop."""
    first = node["c"][1][0] if node["c"][1] else {}
    inlines = first.get("c") if first.get("t") in {"Para", "Plain"} else None
    if not inlines or inlines[0]["t"] != "Strong":
        return ()
    return (_words(inlines[0]["c"]).rstrip(".: "),)


def _nodes(value: Any) -> Iterator[Node]:
    """Yield every node of a part of the tree, outer ones first."""
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, dict):
        if "t" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)


def _labelled(block: Node) -> Iterator[Node]:
    """Yield floats with a label, else the labelled words of a block."""
    yield from (
        node for node in _nodes(block) if node["t"] in {"Figure", "Table", "Span"} and _attributes(node)[0]
    )


def _texts(block: Node) -> Iterator[str]:
    """Yield the words of each paragraph within a block, headings of notes too."""
    for node in _nodes(block):
        if node["t"] == "Header":
            yield _words(node["c"][2])
        elif node["t"] in {"Plain", "Para"}:
            yield _words(node["c"])
        elif node["t"] in {"CodeBlock", "RawBlock"}:
            yield str(node["c"][1])


def _words(inlines: list[Node]) -> str:
    """Return inlines as plain words on one line."""
    return " ".join("".join(_pieces(inlines)).split())


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _pieces(item)
    elif isinstance(value, dict):
        kind, content = value.get("t"), value.get("c")
        if kind in _SPACES:
            yield " "
        elif isinstance(content, str):
            yield content
        elif kind in _CODE and content:
            yield str(content[-1])
        elif kind not in _NO_WORDS:
            yield from _pieces(content)
