"""Words that stand where the authors' own are still to come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from neurotrial.reports.preflight.tree import Node, text_of

__all__ = ["MARKS", "is_placeholder", "placeholders_in", "still_placeholder"]

NOTE = "For the authors to write"
"""Title of the notes in the documents that ship."""

MARKS = re.compile(
    r"\[Authors:[^\]]*\]|\bReplace by \w[^.\n]*|" + NOTE + r"|\bNCT0{8}\b|\b(First|Second) Author\b"
    r"|\bInstitution of the (first|second) author\b|\S+@example\.org"
)
"""What the documents and the study file that ship hold for authors to replace."""


def is_placeholder(node: Node) -> bool:
    """Tell whether a node of pandoc's tree is wholly a placeholder: a note, or emphasised words in brackets."""
    if node.get("t") == "Div" and "callout" in node["c"][0][1]:
        return text_of(node).strip().startswith(NOTE)
    return node.get("t") == "Emph" and text_of(node).startswith("[Authors:")


def still_placeholder(text: str) -> bool:
    """Tell whether a text is still, at least in part, what shipped."""
    return MARKS.search(text) is not None


def placeholders_in(text: str) -> Iterator[str]:
    """Yield the placeholders of a text."""
    for match in MARKS.finditer(text):
        yield match[0]
