"""Markdown made by cells: text that renderers insert as it stands, and words that come out literally."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "LEFT_TO_RIGHT",
    "Markdown",
    "closed",
    "escape",
    "for_authors",
    "is_right_to_left",
    "labelled",
    "listing",
    "paragraphs",
    "section",
]

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
"""ASCII punctuation: pandoc lets a backslash stand before any of it."""

LEFT_TO_RIGHT = "\u200e"
"""The mark after which text goes on from left to right; it has no width."""


@dataclass(frozen=True, slots=True)
class Markdown:
    """Markdown that renderers insert unescaped, inline or as the output of a cell.

    Attributes
    ----------
    text : str
        The source.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def escape(text: str) -> str:
    r"""Return words as Markdown that shows exactly these words, on one line.

    Parameters
    ----------
    text : str
        Anything a study file may hold.

    Returns
    -------
    str
        With a backslash before all punctuation, and white space joined to single spaces.

    Examples
    --------
    >>> print(escape("FA <b> $x$ | y"))
    FA \<b\> \$x\$ \| y
    """
    return _MARKS.sub(r"\\\1", closed(" ".join(text.split())))


def is_right_to_left(character: str) -> bool:
    """Tell whether a character is written from right to left."""
    return unicodedata.bidirectional(character) in {"R", "AL"}


def closed(text: str) -> str:
    """Return words after which a number stays at their right, also where they end in letters from right to left.

    Examples
    --------
    >>> closed("FA"), closed("\u05e9\u05dc") == "\u05e9\u05dc" + LEFT_TO_RIGHT
    ('FA', True)
    """
    last = next(
        (letter for letter in reversed(text) if unicodedata.bidirectional(letter) in {"L", "R", "AL"}), ""
    )
    return text + LEFT_TO_RIGHT if last and is_right_to_left(last) else text


def listing(items: Iterable[str], last: str = "and") -> str:
    """Join words: "a", "a and b", "a, b and c"."""
    words = list(items)
    return f" {last} ".join([*([", ".join(words[:-1])] if words[:-1] else []), *words[-1:]])


def paragraphs(*parts: str | Markdown | None) -> Markdown:
    """Join blocks of Markdown with an empty line; parts that are None or empty are left out."""
    return Markdown("\n\n".join(str(part) for part in parts if part is not None and str(part)))


def section(
    heading: str, *parts: str | Markdown | None, level: int = 2, label: str | None = None
) -> Markdown | None:
    """Return a heading, with its label if it has one, and its blocks; None, which prints nothing, if there are no blocks."""
    body = paragraphs(*parts)
    mark = f" {{#{label}}}" if label else ""
    return paragraphs(f"{'#' * level} {heading}{mark}", body) if body.text else None


def labelled(label: str, *parts: str | Markdown | None) -> Markdown:
    """Return blocks in a div with a label, by which checklists find them; nothing if there are no blocks."""
    body = paragraphs(*parts)
    return paragraphs(f"::: {{#{label}}}", body, ":::") if body.text else body


def for_authors(words: str) -> Markdown:
    """Return what authors have to add, in the form that `neurotrial preflight` finds.

    Examples
    --------
    >>> print(for_authors("why the trial was done"))
    *[Authors: why the trial was done.]*
    """
    return Markdown(f"*[Authors: {escape(words)}.]*")
