"""A filled checklist in a document: counts in a sentence, and a table."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.reports.checklists.anchor_file import read_anchors
from neurotrial.reports.checklists.filled import STATUSES, FilledRow, fill
from neurotrial.reports.checklists.items import read_checklist
from neurotrial.reports.cited import derived
from neurotrial.reports.floats import Tabulation, table_float
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from great_tables import GT

    from neurotrial.reports.checklists.items import Checklist
    from neurotrial.reports.cited import CitedResults

__all__ = ["checklist_section", "checklist_table", "checklist_text"]

_LABELS = {
    "number": "No.",
    "item": "What is to be reported",
    "status": "Status",
    "where": "Where in the manuscript; what is left to do",
}
_LABEL = re.compile(r"\{#sec-[a-z0-9-]+\}")
_ALARMING = ("partly", "to be written", "missing")


def checklist_section(data: CitedResults, folder: Path | None, name: str) -> Markdown:
    """Return a checklist with its counts.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    folder : Path or None
        The study folder, in which the anchors of the manuscript are.
    name : str
        Name of the checklist.

    Returns
    -------
    Markdown

    Raises
    ------
    InputError
        If there is no such checklist, or the anchors are missing or out of date.
    """
    checklist = read_checklist(name)
    if folder is None:
        raise refuse("checklist", "needs the study folder", "open the report with open_report")
    rows = fill(checklist, read_anchors(folder, data.results), data)
    table = checklist_table(checklist, rows)
    return paragraphs(checklist_text(checklist, rows), table_float(table))


def checklist_text(checklist: Checklist, rows: Sequence[FilledRow]) -> Markdown:
    """Return how many rows have each status, what the statuses mean, and where the rows come from."""
    counts = Counter(row.status for row in rows)
    for n in (len(rows), *counts.values()):
        derived("number of rows", n)
    counted = listing(f"{counts[status]} {status}" for status in STATUSES)
    head = f"{checklist.title} [@{checklist.citation}] for {escape(checklist.subject)}: {len(rows)} rows, {counted}"
    meaning = (
        "Found means that the manuscript has the place, with text and without a placeholder; whether the text suffices is for a "
        "reader to judge. Text of your own counts once its heading or its words carry the label that the row names: "
    )
    examples = "`## Blinding {#sec-blinding}` or `[Assessors were blinded.]{#sec-blinding}`"
    silent = "Where a row does not apply, say so there."
    source = f"{checklist.note} Source: {checklist.source}, compared on {checklist.checked}."
    return paragraphs(f"{head}.", f"{escape(meaning)} {examples}. {escape(silent)}", escape(source))


def checklist_table(checklist: Checklist, rows: Sequence[FilledRow]) -> Tabulation:
    """Return the rows of a checklist under their sections; what is not found stands out in bold.

    Parameters
    ----------
    checklist : Checklist
        The checklist.
    rows : sequence of FilledRow
        As `fill` gives them.

    Returns
    -------
    Tabulation
    """
    cells = [
        {
            "section": row.item.section,
            "number": derived("number of an item", row.item.number),
            "item": f"{row.item.topic}. {row.item.text}",
            "status": row.status.capitalize(),
            "where": _where(row),
        }
        for row in rows
    ]
    name = f"checklist-{checklist.name}"
    table = make_table(name, cells, _LABELS, row_label="number", group="section", centre=False)
    caption = f"{checklist.title}, filled from the manuscript."
    return Tabulation(name, _emphasised(table, rows), Markdown(escape(caption)))


def _where(row: FilledRow) -> str:
    places, remarks = "; ".join(row.places), "; ".join(row.remarks)
    if row.status == "not applicable":
        return f"{remarks[:1].upper()}{remarks[1:]}."
    todo = f"To do: {remarks}." if remarks else ""
    return ". ".join(part for part in (places, todo) if part)


def _literal(text: str) -> str:
    """Return words as HTML, labels as code, which is not hyphenated."""
    return _LABEL.sub(r"<code>\g<0></code>", html.escape(text))


def _emphasised(table: GT, rows: Sequence[FilledRow]) -> GT:
    from great_tables import loc, style

    table = table.fmt(_literal, columns=["where"])
    alarming = [index for index, row in enumerate(rows) if row.status in _ALARMING]
    if not alarming:
        return table
    return table.tab_style(style.text(weight="bold"), loc.body(columns=["status"], rows=alarming))
