"""The parts of a manuscript that journals count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from neurotrial.reports.preflight.placeholders import is_placeholder
from neurotrial.reports.preflight.tree import Node, find, identifier_of, text_of

__all__ = [
    "FLOATS",
    "Manuscript",
    "Section",
    "abstract_heads",
    "headed_paragraphs",
    "read_manuscript",
    "sentences",
]

FLOATS = frozenset({"Figure", "Table"})
ABSTRACTS = ("abstract", "summary")
END_MATTER = (
    *("statement", "declaration", "reproducibility", "reference", "bibliography", "acknowledg", "appendix"),
    *("supplement", "checklist", "data availability", "data sharing", "funding", "conflict", "competing"),
    *("author contribution", "contributors", "abbreviations"),
)
"""How the headings of sections begin that are no main text."""

_HEADED = frozenset({"Header", "Para", "Plain"})
_HEAD_END = re.compile(r"[.:]\s*$")


@dataclass(frozen=True, slots=True)
class Section:
    """A section with a heading of level 1; the blocks do not hold that heading."""

    heading: str
    blocks: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Manuscript:
    """What a manuscript is made of.

    Attributes
    ----------
    title_page : str
        Title, subtitle, authors and affiliations.
    abstract : tuple of dict
        Blocks of the abstract; empty if there is none.
    main : tuple of Section
        The sections of the main text.
    end : tuple of Section
        Statements, references and the like.
    floats : tuple of dict
        Figures and tables of the whole document.
    references : tuple of str
        The list of references.
    """

    title_page: str
    abstract: tuple[Node, ...]
    main: tuple[Section, ...]
    end: tuple[Section, ...]
    floats: tuple[Node, ...]
    references: tuple[str, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Main text and end matter."""
        return self.main + self.end


def read_manuscript(tree: Node) -> Manuscript:
    """Sort the blocks of pandoc's tree.

    Parameters
    ----------
    tree : dict
        As `read_tree` gives it.

    Returns
    -------
    Manuscript
    """
    sections = list(_sections(tree["blocks"]))
    abstracts = [section for section in sections if section.heading.casefold() in ABSTRACTS]
    rest = [section for section in sections if section not in abstracts]
    ends = [section for section in rest if section.heading.casefold().startswith(END_MATTER)]
    return Manuscript(
        title_page=_title_page(tree["meta"]),
        abstract=abstracts[0].blocks if abstracts else tuple(_meta_blocks(tree["meta"].get("abstract"))),
        main=tuple(section for section in rest if section not in ends),
        end=tuple(ends),
        floats=tuple(find(tree["blocks"], FLOATS)),
        references=tuple(_references(tree["blocks"])),
    )


def _sections(blocks: Sequence[Node]) -> Iterator[Section]:
    """Yield the sections; what stands before the first heading has an empty one."""
    heading, own = "", list[Node]()
    for block in blocks:
        if block["t"] == "Header" and block["c"][0] == 1:
            if heading or own:
                yield Section(heading, tuple(own))
            heading, own = text_of(block).strip(), []
        else:
            own.append(block)
    if heading or own:
        yield Section(heading, tuple(own))


def _meta_blocks(value: Node | None) -> list[Node]:
    if value is None:
        return []
    content: list[Node] = value["c"]
    return content if value["t"] == "MetaBlocks" else [{"t": "Para", "c": content}]


def _title_page(meta: dict[str, Any]) -> str:
    keys = ("title", "subtitle", "authors", "affiliation", "correspondence", "keywords")
    return "\n".join(text_of(meta[key]) if "c" in meta[key] else "" for key in keys if key in meta)


def _references(blocks: Sequence[Node]) -> Iterator[str]:
    for div in find(blocks, {"Div"}):
        if identifier_of(div) == "refs":
            yield from (text_of(entry).strip() for entry in find(div["c"][1], {"Div"}))
        else:
            yield from _references(div["c"][1])


def sentences(blocks: Sequence[Node], *more: str) -> str:
    """Return the words of blocks without figures, tables and what stands for the authors' words.

    Parameters
    ----------
    blocks : sequence of dict
        Of pandoc's tree.
    more : str
        Further kinds of nodes that are left out, e.g. ``Cite``.

    Returns
    -------
    str
        One line a paragraph.
    """
    return text_of(_without_placeholders(list(blocks)), FLOATS | {"Image", "RawBlock", "RawInline", *more})


def _without_placeholders(node: Any) -> Any:
    if isinstance(node, list):
        kept = [item for item in node if not (isinstance(item, dict) and is_placeholder(item))]
        return [_without_placeholders(item) for item in kept]
    if isinstance(node, dict) and "c" in node:
        return {**node, "c": _without_placeholders(node["c"])}
    return node


def abstract_heads(blocks: Sequence[Node]) -> list[str]:
    """Return the heads of an abstract: headings, and bold words at the beginning of a paragraph."""
    return [head for block in find(blocks, _HEADED, FLOATS) if (head := head_of(block))]


def headed_paragraphs(blocks: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Yield head and further words of each paragraph that begins with bold words, in divs too."""
    for block in find(blocks, _HEADED - {"Header"}, FLOATS):
        head = head_of(block)
        if head:
            yield head, text_of(block)[len(head) :].lstrip(".: ")


def head_of(block: Node) -> str:
    """Return the head of a heading or paragraph, or an empty string."""
    if block["t"] == "Header":
        return text_of(block).strip()
    first = block["c"][0] if block["c"] else None
    while first and first["t"] == "Span" and first["c"][1]:
        first = first["c"][1][0]
    if not first or first["t"] != "Strong":
        return ""
    return _HEAD_END.sub("", text_of(first)).strip()
