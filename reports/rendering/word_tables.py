"""Tables of a Word file, finished: rows that stay whole, repeated headers, readable widths, numbers below each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurotrial.reports.rendering.word_numbers import align_numbers
from neurotrial.reports.rendering.word_sections import text_width, turn_pages
from neurotrial.reports.rendering.word_widths import CHARACTERS_ACROSS, column_widths, is_wide

__all__ = ["finish_tables"]

FULL_WIDTH = 5000
"""The whole text width in fiftieths of a percent, as Word counts."""

ROOM_BELOW = 10
"""Points."""

CELL_MARGINS = 120
"""Left and right margin of a cell together in twips, as the reference document sets them."""

LETTERS = 9.0
"""Size of the letters of a table in points where no style says another."""

SHORT = 12
"""Rows of a table that is kept on one page."""


def finish_tables(document: Any) -> None:
    """Finish the tables of a Word file that pandoc wrote, in place.

    Parameters
    ----------
    document : docx.Document
        The file.
    """
    from docx.oxml.ns import qn

    body = document.element.body
    tables = [table for table in body.iter(qn("w:tbl")) if len(table.find(qn("w:tblGrid")))]
    wide = [table for table in tables if table.getparent() is body and is_wide(_grid_rows(table))]
    room = text_width(body.sectPr)
    broad = turn_pages(body, wide) if wide else None
    style = next((style for style in document.styles if style.name == "Table Text"), None)
    for table in tables:
        _finish(table, broad if broad and table in wide else room, room, style)


def _finish(table: Any, room: int | None, portrait: int | None, style: Any) -> None:
    """Finish a table on a page whose text is ``room`` twips wide."""
    from docx.oxml.ns import qn

    widths = column_widths(
        _grid_rows(table), CHARACTERS_ACROSS * (room / portrait if room and portrait else 1)
    )
    _set_widths(table, widths, room)
    rows = table.findall(qn("w:tr"))
    headers = [row for row in rows if row.find(qn("w:trPr") + "/" + qn("w:tblHeader")) is not None]
    for row in rows:
        _keep_whole(row)
    for row in headers:
        _rule_below(row, spanners_only=row is not headers[-1])
    _keep_together(table, rows, headers)
    _room_below(table)
    if style is not None:
        _restyle(table, style.style_id)
    if room:
        size = style.font.size.pt if style is not None and style.font.size else LETTERS
        _align_columns([row for row in rows if row not in headers], widths, room, size)


def _align_columns(rows: Sequence[Any], widths: Sequence[float], room: int, size: float) -> None:
    from docx.oxml.ns import qn

    cells = [row.findall(qn("w:tc")) for row in rows]
    whole = [row for row in cells if len(row) == len(widths)]
    for column, width in enumerate(widths):
        if column:
            align_numbers([row[column] for row in whole], width * room - CELL_MARGINS, size)


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


def _set_widths(table: Any, widths: Sequence[float], room: int | None) -> None:
    from docx.oxml.ns import qn

    grid = table.find(qn("w:tblGrid"))
    total = room or sum(int(column.get(qn("w:w"))) for column in grid)
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


def _keep_together(table: Any, rows: Sequence[Any], headers: Sequence[Any]) -> None:
    """Keep headings with what they head, the last row with the notes below it, and a short table on one page."""
    from docx.oxml.ns import qn

    notes = _notes(table)
    kept = [row for row in rows if row in headers or _is_group(row)]
    if len(rows) <= SHORT:
        kept = list(rows[:-1])
    for part in [*kept, *(rows[-1:] if notes else []), *notes[:-1]]:
        for paragraph in part.iter(qn("w:p")):
            paragraph.get_or_add_pPr().get_or_add_keepNext()


def _is_group(row: Any) -> bool:
    from docx.oxml.ns import qn

    cells = row.findall(qn("w:tc"))
    return len(cells) == 1 and cells[0].grid_span > 1


def _notes(table: Any) -> list[Any]:
    from docx.oxml.ns import qn

    notes = []
    for item in table.itersiblings(qn("w:p"), qn("w:tbl"), qn("w:sectPr")):
        if item.tag != qn("w:p") or item.style != "TableNote":
            break
        notes.append(item)
    return notes


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
