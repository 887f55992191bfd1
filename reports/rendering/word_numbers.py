"""Numbers of a Word table, one below the other by their decimal points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["align_numbers", "decimal_stop"]

POINT = 20
"""Twips."""

_NUMBER = re.compile(r"[<>≤≥]?[ \u00a0]?[−-]?\d+")
_WHOLE = re.compile(rf"{_NUMBER.pattern}$")
_CLASSES = (
    (0.25, ". ,;:\u00a0"),
    (0.33, "()[]-/"),
    (0.28, "ijlt"),
    (0.56, "−<>≤≥=+±×"),
    (0.83, "%mw"),
)
_BROAD = {character: width for width, characters in _CLASSES for character in characters}
_CAPITAL, _OTHER = 0.7, 0.5
"""Widths of characters in ems, as in Times."""


def decimal_stop(texts: Sequence[str], room: float, size: float, align: str) -> int | None:
    """Return where the decimal points of a column stand.

    Parameters
    ----------
    texts : sequence of str
        The cells of the column below its heading.
    room : float
        The width of the column within its margins, in twips.
    size : float
        The size of the letters in points.
    align : {"left", "center", "right"}
        How the column stands in its room.

    Returns
    -------
    int or None
        Twips from the left margin of the cell. None for a column that cannot be aligned: fewer than two numbers,
        numbers without a point that are followed by words (programs differ in where such text stops), or cells that
        need a second line.

    Examples
    --------
    >>> decimal_stop(["9.5", "10.25", "–"], 1000, 10, "left"), decimal_stop(["a", "b"], 1000, 10, "left")
    (200, None)
    """
    parts = [_split(text) for text in texts if _NUMBER.match(text)]
    if len(parts) < 2 or any(part is None for part in parts):  # noqa: PLR2004  one number is aligned with nothing
        return None
    left, right = (max(_width(part[side]) for part in parts if part) * size * POINT for side in (0, 1))
    spare = room - left - right
    if spare < 0:
        return None
    return round(left + spare * {"left": 0.0, "center": 0.5, "right": 1.0}[align])


def _split(text: str) -> tuple[str, str] | None:
    """Return what stands before the decimal point of the number that begins a text, and the rest."""
    found = _NUMBER.match(text)
    if found and (text[found.end() :].startswith(".") or _WHOLE.match(text)):
        return text[: found.end()], text[found.end() :]
    return None


def _width(text: str) -> float:
    return sum(_BROAD.get(letter, _CAPITAL if letter.isupper() else _OTHER) for letter in text)


def align_numbers(cells: Sequence[Any], room: float, size: float) -> None:
    """Set the decimal tab stop of a column, at which Word aligns numbers of cells without a tab character.

    Parameters
    ----------
    cells : sequence of lxml element
        The ``w:tc`` of the column below its heading; none of them spans columns.
    room, size : float
        As in `decimal_stop`.
    """
    from docx.oxml.ns import qn

    paragraphs = [list(cell.iter(qn("w:p"))) for cell in cells]
    if any(len(found) != 1 for found in paragraphs):
        return
    numbers = [paragraph for (paragraph,) in paragraphs if _NUMBER.match(paragraph.text)]
    align = _alignment(numbers)
    if align is None:
        return
    stop = decimal_stop([paragraph.text for paragraph in numbers], room, size, align)
    if stop is not None:
        for paragraph in numbers:
            _set(paragraph, stop)


def _alignment(paragraphs: Sequence[Any]) -> str | None:
    """Return how all paragraphs are aligned, None if there are none or they differ."""
    names = {
        str(paragraph.alignment).split(maxsplit=1)[0].lower() if paragraph.alignment is not None else "left"
        for paragraph in paragraphs
    }
    return names.pop() if len(names) == 1 and names <= {"left", "center", "right"} else None


def _set(paragraph: Any, stop: int) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
    from docx.shared import Twips

    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT
    tabs = paragraph.get_or_add_pPr().get_or_add_tabs()
    tabs.insert_tab_in_order(Twips(stop), WD_TAB_ALIGNMENT.DECIMAL, WD_TAB_LEADER.SPACES)
