"""Tables of a Word file, finished: rows that stay whole, repeated headers, readable widths."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurotrial.reports.rendering.word_zip import repack

__all__ = ["column_widths", "finish_tables"]

FULL_WIDTH = 5000
"""The whole text width in fiftieths of a percent, as Word counts."""

ROOM_BELOW = 10
"""Points."""

PADDING = 3
"""Characters that the margins of a cell, and bold letters, take."""

SMALLEST_WIDTH = 0.4
CHARACTERS_ACROSS = 100
"""How many characters of a table's text fit on the width of the page, about."""

_WORD = re.compile(r"[^ -]+-?")

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


def column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Share the width of the page out among the columns of a table.

    Parameters
    ----------
    rows : sequence of sequence of str
        The text of each cell, by row; the rows have equal lengths.

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
    columns = list(zip(*rows, strict=True))
    words = [
        max((len(word) for cell in column for word in _WORD.findall(cell)), default=0) for column in columns
    ]
    cells = [min(max(map(len, column)), LONGEST_CELL) for column in columns]
    needed = [word + PADDING for word in words]
    wished = [max(0, cell - word) for cell, word in zip(cells, words, strict=True)]
    left = max(0, CHARACTERS_ACROSS - sum(needed))
    granted = min(1.0, left / max(1, sum(wished)))
    widths = [need + granted * wish for need, wish in zip(needed, wished, strict=True)]
    total = min(1.0, max(SMALLEST_WIDTH, sum(widths) / CHARACTERS_ACROSS))
    return [total * width / sum(widths) for width in widths]


def _grid_rows(table: Any) -> list[list[str]]:
    """Return the text of each cell by row and column of the grid; merged columns ask for no room."""
    from docx.oxml.ns import qn

    count = len(table.find(qn("w:tblGrid")))
    rows = [
        [text for cell in row.findall(qn("w:tc")) for text in _spread(cell)]
        for row in table.findall(qn("w:tr"))
    ]
    whole = [row for row in rows if len(row) == count]
    return whole or [[""] * count]


def _spread(cell: Any) -> list[str]:
    """Return the text of a cell of one column, or an empty one for each column that it spans."""
    return [_text(cell)] if cell.grid_span == 1 else [""] * cell.grid_span


def _text(cell: Any) -> str:
    from docx.oxml.ns import qn

    return "".join(text.text or "" for text in cell.iter(qn("w:t")))


def _widths(table: Any) -> None:
    from docx.oxml.ns import qn

    grid = table.find(qn("w:tblGrid"))
    if grid is None or not len(grid):
        return
    total = sum(int(column.get(qn("w:w"))) for column in grid)
    widths = column_widths(_grid_rows(table))
    for column, width in zip(grid, widths, strict=True):
        column.set(qn("w:w"), str(round(width * total)))
    whole = table.tblPr.find(qn("w:tblW"))
    whole.set(qn("w:type"), "pct")
    whole.set(qn("w:w"), str(round(sum(widths) * FULL_WIDTH)))
    for row in table.findall(qn("w:tr")):
        _cell_widths(row, widths)


def _cell_widths(row: Any, widths: Sequence[float]) -> None:
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
        width.set(qn("w:w"), str(round(sum(widths[at : at + count]) * FULL_WIDTH)))
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

    for item in table.itersiblings(qn("w:p"), qn("w:tbl"), qn("w:sectPr")):
        if item.tag != qn("w:p"):
            return
        properties = item.get_or_add_pPr()
        if properties.style != "TableNote":
            properties.spacing_before = properties.spacing_before or Pt(ROOM_BELOW)
            return


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
