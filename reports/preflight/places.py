"""Where a word of the executed manuscript comes from: the line of the document, or of the cell that wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.preflight.manuscript import ABSTRACTS
from neurotrial.reports.rendering.document import Markdown

if TYPE_CHECKING:
    from neurotrial.reports.preflight.checks import Where
    from neurotrial.reports.rendering.render_builtin import Executed

__all__ = ["word_places"]

_FLOAT = re.compile(r"^(:{3,}) \{#(?:fig|tbl)-.*?^\1$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#\s+(.*?)\s*(?:\{[^}]*\})?\s*$")


def word_places(executed: Executed) -> Where:
    """Return a function that tells where a word first stands, ``where(word, in_abstract)``.

    Figures, tables and their captions are not looked at. Where the word is not found, the document is named.
    """
    lines = list(_lines(executed))

    def where(word: str, in_abstract: bool) -> str:
        pattern = re.compile(rf"(?<![\w@/]){re.escape(word)}s?(?![\w@/])")
        places = (place for place, text, inside in lines if inside == in_abstract and pattern.search(text))
        return next(places, executed.document.path.name)

    return where


def _lines(executed: Executed) -> Iterator[tuple[str, str, bool]]:
    """Yield place and text of each line of the Markdown, and whether it belongs to the abstract."""
    inside = False
    for block, shown in zip(executed.document.blocks, executed.shown, strict=True):
        if isinstance(block, Markdown):
            pairs = list(zip((line.where for line in block.lines), shown.split("\n"), strict=False))
        else:
            pairs = [(f"{block.where()}, a cell", line) for line in _FLOAT.sub("", shown).split("\n")]
        for place, text in pairs:
            heading = _HEADING.match(text)
            if heading:
                inside = heading[1].casefold() in ABSTRACTS
            yield place, text, inside
