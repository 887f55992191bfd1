"""How wide the columns of a Word table are, and whether it needs a page in landscape."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["CHARACTERS_ACROSS", "SMALLEST_WIDTH", "column_widths", "is_wide"]

PADDING = 3
"""Characters that the margins of a cell, and bold letters, take."""

SMALLEST_WIDTH = 0.4
CHARACTERS_ACROSS = 100
"""How many characters of a table's text fit on the width of a page in portrait, about."""

MOST_ACROSS = 110
"""How many fit at the utmost."""

LONGEST_CELL = 40
"""A cell or word longer than this (in characters) is broken anyway and asks for no more room."""

LONGEST_NUMBER = 32
"""Characters of a number with interval and unit, at most."""

_WORD = re.compile(r"[^ -]+-?")
_NUMBER = re.compile(r"[<>≤≥]?[−-]?\d")


def column_widths(rows: Sequence[Sequence[str]], across: float = CHARACTERS_ACROSS) -> list[float]:
    """Share the width of the page out among the columns of a table.

    Parameters
    ----------
    rows : sequence of sequence of str
        The text of each cell, by row; the rows have equal lengths.
    across : float
        Characters that fit on the width of the page.

    Returns
    -------
    list of float
        Parts of the text width, together between `SMALLEST_WIDTH` and 1. Every column has room for its longest word;
        what is left goes to the columns whose cells are longer than that.

    Examples
    --------
    >>> [round(width, 2) for width in column_widths([["Visit", "Week"], ["V1", "0"]])]
    [0.21, 0.19]
    """
    widths: list[float] = list(_needed(rows))
    lines = [max(map(len, column)) + PADDING for column in zip(*rows, strict=True)]
    numbers = [_longest_number(column) + PADDING for column in zip(*rows, strict=True)]
    # first numbers with their intervals get a line, all or none, then short cells, then long ones
    if sum(map(max, widths, numbers)) <= across:
        widths = list(map(max, widths, numbers))
    for longest in (LONGEST_CELL + PADDING, across):
        widths = _granted(widths, [min(line, longest) for line in lines], across)
    total = min(1.0, max(SMALLEST_WIDTH, sum(widths) / across))
    return [total * width / sum(widths) for width in widths]


def _granted(widths: Sequence[float], wishes: Sequence[float], across: float) -> list[float]:
    """Share out what is left of the page in proportion to what each column lacks of its wish."""
    lacking = [max(0.0, wish - width) for width, wish in zip(widths, wishes, strict=True)]
    share = min(1.0, max(0.0, across - sum(widths)) / max(1.0, sum(lacking)))
    return [width + share * lack for width, lack in zip(widths, lacking, strict=True)]


def _longest_number(column: Sequence[str]) -> int:
    return max(
        (len(cell) for cell in column if _NUMBER.match(cell) and len(cell) <= LONGEST_NUMBER), default=0
    )


def is_wide(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the longest words of the columns do not fit beside each other on a page in portrait.

    Examples
    --------
    >>> is_wide([["0.071 (-0.040 to 0.181)"] * 9]), is_wide([["(−0.040\u00a0to\u00a00.181)"] * 9])
    (False, True)
    """
    return sum(_needed(rows)) > MOST_ACROSS


def _needed(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the characters without which a column would break words."""
    words = (
        max((len(word) for cell in column for word in _WORD.findall(cell)), default=0)
        for column in zip(*rows, strict=True)
    )
    return [min(word, LONGEST_CELL) + PADDING for word in words]
