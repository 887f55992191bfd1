"""Sections of a Word file: pages in landscape for tables that need them, with the foot and line numbers of the others."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

__all__ = ["text_width", "turn_pages"]

CAPTION, NOTE, HEADING = "TableCaption", "TableNote", "Heading"
LEAD = 200
"""Characters of a paragraph that goes with the table below it."""

_MARKS = ("bookmarkStart", "bookmarkEnd")
_ONCE = ("titlePg", "pgNumType")
"""What only the first section may say: another title page, and page numbers that start anew."""


def text_width(properties: Any) -> int | None:
    """Return the width of the text of a section in twips, None where it does not say."""
    size, margins = (_child(properties, name) for name in ("pgSz", "pgMar"))
    if size is None or margins is None:
        return None
    return _twips(size, "w") - _twips(margins, "left") - _twips(margins, "right")


def turn_pages(body: Any, tables: Iterable[Any]) -> int | None:
    """Put tables, with their captions, notes and the headings above them, on pages in landscape.

    Parameters
    ----------
    body : lxml element
        The ``w:body``.
    tables : iterable of lxml element
        Those that need it, in document order.

    Returns
    -------
    int or None
        The width of the text on such pages in twips; None, and nothing changed, where the document does not tell the
        size of its page or where that lies in landscape already.
    """
    final = body.sectPr
    if text_width(final) is None or _twips(_child(final, "pgSz"), "w") > _twips(_child(final, "pgSz"), "h"):
        return None
    portrait, landscape = _two_kinds(final)
    first_break = True
    for start, end in _runs(list(tables)):
        before = _neighbour(start, preceding=True)
        if before is not None:
            _end_section(before, _plainer(portrait, keep=first_break))
            first_break = False
        after = _neighbour(end)
        if after is None or after is final:
            body.replace(final, _plainer(landscape, keep=first_break))
            return text_width(landscape)
        _end_section(end, _plainer(landscape, keep=first_break))
        first_break = False
    body.replace(final, _plainer(portrait, keep=first_break))
    return text_width(landscape)


def _two_kinds(final: Any) -> tuple[Any, Any]:
    """Return the properties of sections in portrait and landscape; notes are numbered through all sections."""
    portrait = copy.deepcopy(final)
    for name in ("footnotePr", "endnotePr"):
        notes = _child(portrait, name)
        if notes is not None:
            portrait.remove(notes)
    landscape = copy.deepcopy(portrait)
    size = _child(landscape, "pgSz")
    width, height = size.get(_name("w")), size.get(_name("h"))
    size.set(_name("w"), height)
    size.set(_name("h"), width)
    size.set(_name("orient"), "landscape")
    return portrait, landscape


def _plainer(properties: Any, *, keep: bool) -> Any:
    made = copy.deepcopy(properties)
    for name in () if keep else _ONCE:
        found = _child(made, name)
        if found is not None:
            made.remove(found)
    return made


def _runs(tables: list[Any]) -> list[tuple[Any, Any]]:
    """Return the first and last element of each run of tables without other text between them."""
    runs: list[tuple[Any, Any]] = []
    for table in tables:
        start, end = _first(table), _last(table)
        if runs and _neighbour(start, preceding=True) is runs[-1][1]:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _first(table: Any) -> Any:
    """Return the heading, lead or caption with which the block of a table begins, or the table itself."""
    start = table
    above = _neighbour(start, preceding=True)
    if _style(above) == CAPTION:
        start = above
        above = _neighbour(start, preceding=True)
    if _is_lead(above):
        above = _neighbour(above, preceding=True)
    while _style(above).startswith(HEADING):
        start = above
        above = _neighbour(start, preceding=True)
    return start


def _is_lead(element: Any) -> bool:
    """Tell whether an element is all that stands between a heading and a table, and short: alone on a page it would look lost."""
    if not _style(element) or len(element.text) > LEAD:
        return False
    return _style(_neighbour(element, preceding=True)).startswith(HEADING)


def _last(table: Any) -> Any:
    end = table
    below = _neighbour(end)
    while _style(below) == NOTE:
        end = below
        below = _neighbour(end)
    return end


def _end_section(element: Any, properties: Any) -> None:
    """Let a section end with an element: a paragraph of text holds its properties, else a new one without height."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    # LibreOffice loses the number of a caption that ends a section
    if element.tag != _name("p") or element.find(_name("bookmarkStart")) is not None:
        paragraph = parse_xml(
            f"<w:p {nsdecls('w')}><w:pPr><w:suppressLineNumbers/>"
            '<w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>'
            '<w:rPr><w:sz w:val="2"/></w:rPr></w:pPr></w:p>'
        )
        element.addnext(paragraph)
        element = paragraph
    element.get_or_add_pPr().append(properties)


def _neighbour(element: Any, *, preceding: bool = False) -> Any:
    """Return the next sibling that is more than a bookmark or an empty paragraph, None if there is none."""
    siblings = element.itersiblings(preceding=preceding)
    return next((item for item in siblings if not _is_nothing(item)), None)


def _is_nothing(element: Any) -> bool:
    # pandoc sets tables off from each other by an empty paragraph
    return element.tag in {_name(mark) for mark in _MARKS} or (element.tag == _name("p") and not len(element))


def _style(element: Any) -> str:
    return str(element.style or "") if element is not None and element.tag == _name("p") else ""


def _child(element: Any, name: str) -> Any:
    return element.find(_name(name))


def _twips(element: Any, name: str) -> int:
    return int(element.get(_name(name)))


def _name(tag: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{tag}"))
