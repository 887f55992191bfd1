"""Tables of a Word file, finished: rows that stay whole, repeated headers, readable widths."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurotrial.reports.word_zip import repack

__all__ = ["column_shares", "finish_tables", "table_width"]

FULL_WIDTH = 5000
"""The whole text width in fiftieths of a percent, as Word counts."""

ROOM_BELOW = 10
"""Points."""

SMALLEST_SHARE = 0.06
SMALLEST_WIDTH = 0.4
CHARACTERS_ACROSS = 100
"""How many characters of a table's text fit on the width of the page, about."""

LONGEST_CELL = 40
"""A cell longer than this (in characters) is wrapped anyway and asks for no more room."""


def finish_tables(path: Path) -> None:
    """Finish the tables of a Word file that pandoc wrote, in place.

    Parameters
    ----------
    path : Path
        The .docx file.
    """
    from docx import Document
    from docx.oxml.ns import qn

    document = Document(str(path))
    text_style = "Table Text" in document.styles
    for table in document.element.body.iter(qn("w:tbl")):
        _widths(table)
        rows = table.findall(qn("w:tr"))
        headers = [row for row in rows if row.find(qn("w:trPr") + "/" + qn("w:tblHeader")) is not None]
        for row in rows:
            _keep_whole(row)
        for row in headers:
            _keep_with_next(row)
            _rule_below(row, spanners_only=row is not headers[-1])
        _room_below(table)
        if text_style:
            _restyle(table, document.styles["Table Text"].style_id)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(repack(buffer.getvalue()))


def column_shares(lengths: Sequence[Sequence[int]]) -> list[float]:
    """Share the width of a table out among its columns.

    Parameters
    ----------
    lengths : sequence of sequence of int
        Characters of each cell, by row; the rows have equal lengths.

    Returns
    -------
    list of float
        Sum to 1. Up to `LONGEST_CELL` characters a column gets room in proportion to its longest cell; beyond, by
        the square root, so that long texts wrap and short numbers do not.

    Examples
    --------
    >>> [round(share, 2) for share in column_shares([[10, 10], [10, 10]])]
    [0.5, 0.5]
    """
    columns = list(zip(*lengths, strict=True))
    wanted = [math.sqrt(max(1, *column) * min(max(1, *column), LONGEST_CELL)) + 2 for column in columns]
    shares = [max(want / sum(wanted), SMALLEST_SHARE) for want in wanted]
    return [share / sum(shares) for share in shares]


def table_width(lengths: Sequence[Sequence[int]]) -> float:
    """Return how much of the text width a table needs, between `SMALLEST_WIDTH` and 1.

    Parameters
    ----------
    lengths : sequence of sequence of int
        As for `column_shares`.

    Examples
    --------
    >>> table_width([[5, 4], [2, 2]]), table_width([[60, 30, 30]])
    (0.4, 1.0)
    """
    longest = [min(max(column), LONGEST_CELL) for column in zip(*lengths, strict=True)]
    asked = (sum(longest) + 4 * len(longest)) / CHARACTERS_ACROSS
    return float(min(1, max(SMALLEST_WIDTH, asked)))


def _grid_rows(table: Any) -> list[list[int]]:
    """Return the text length of each cell by row, only of rows without merged columns."""
    from docx.oxml.ns import qn

    count = len(table.find(qn("w:tblGrid")))
    rows = [[_length(cell) for cell in row.findall(qn("w:tc"))] for row in table.findall(qn("w:tr"))]
    whole = [row for row in rows if len(row) == count]
    return whole or [[1] * count]


def _length(cell: Any) -> int:
    from docx.oxml.ns import qn

    return sum(len(text.text or "") for text in cell.iter(qn("w:t")))


def _widths(table: Any) -> None:
    from docx.oxml.ns import qn

    grid = table.find(qn("w:tblGrid"))
    if grid is None or not len(grid):
        return
    total = sum(int(column.get(qn("w:w"))) for column in grid)
    lengths = _grid_rows(table)
    needed = table_width(lengths)
    shares = [share * needed for share in column_shares(lengths)]
    for column, share in zip(grid, shares, strict=True):
        column.set(qn("w:w"), str(round(share * total)))
    width = table.tblPr.find(qn("w:tblW"))
    width.set(qn("w:type"), "pct")
    width.set(qn("w:w"), str(round(needed * FULL_WIDTH)))
    for row in table.findall(qn("w:tr")):
        _cell_widths(row, shares)


def _cell_widths(row: Any, shares: Sequence[float]) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    at = 0
    for cell in row.findall(qn("w:tc")):
        properties = cell.get_or_add_tcPr()
        span = properties.find(qn("w:gridSpan"))
        count = int(span.get(qn("w:val"))) if span is not None else 1
        for old in properties.findall(qn("w:tcW")):
            properties.remove(old)
        width = OxmlElement("w:tcW")
        width.set(qn("w:type"), "pct")
        width.set(qn("w:w"), str(round(sum(shares[at : at + count]) * FULL_WIDTH)))
        properties.insert(0, width)
        at += count


def _keep_whole(row: Any) -> None:
    """No page break within a row; the element has its place before ``tblHeader``."""
    from docx.oxml import OxmlElement

    row.get_or_add_trPr().insert(0, OxmlElement("w:cantSplit"))


def _keep_with_next(row: Any) -> None:
    from docx.oxml.ns import qn

    for paragraph in row.iter(qn("w:p")):
        paragraph.get_or_add_pPr().get_or_add_keepNext()


def _room_below(table: Any) -> None:
    """Set the text that follows off from the table."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    following = next((item for item in table.itersiblings() if item.tag in {qn("w:p"), qn("w:tbl")}), None)
    if following is not None and following.tag == qn("w:p"):
        properties = following.get_or_add_pPr()
        if not (properties.style or "").startswith("Table"):
            properties.spacing_before = Pt(ROOM_BELOW)


def _rule_below(row: Any, *, spanners_only: bool) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls, qn

    cells = row.findall(qn("w:tc"))
    for cell in [cell for cell in cells if cell.grid_span > 1] if spanners_only else cells:
        borders = parse_xml(
            f'<w:tcBorders {nsdecls("w")}><w:bottom w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
            "</w:tcBorders>"
        )
        properties = cell.get_or_add_tcPr()
        for old in properties.findall(qn("w:tcBorders")):
            properties.remove(old)
        before = [child for child in properties if child.tag in {qn(f"w:{name}") for name in _BEFORE_BORDERS}]
        properties.insert(len(before), borders)


_BEFORE_BORDERS = ("cnfStyle", "tcW", "gridSpan", "hMerge", "vMerge")


def _restyle(table: Any, style: str) -> None:
    """Give the paragraphs that pandoc set in the style of tight lists the table's own."""
    from docx.oxml.ns import qn

    for paragraph in table.iter(qn("w:p")):
        properties = paragraph.get_or_add_pPr()
        if properties.pStyle is None or properties.style == "Compact":
            properties.style = style
