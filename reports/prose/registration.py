"""Sentences on the register of the analysis plan and on deviations from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.registration import reason_of
from neurotrial.reports.floats import table_float
from neurotrial.reports.markdown_text import Markdown, escape, labelled, paragraphs
from neurotrial.reports.number_format import whole
from neurotrial.reports.tables.registration import (
    deviation_table,
    differences_from_plan,
    register_table,
    registrations,
)

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["deviations_section", "register_section", "registration_text"]

_TIMES = {1: "once", 2: "twice"}
_NOTHING = "No analysis plan was registered with the software, so that planned and executed analyses cannot be compared here."


def registration_text(data: CitedResults) -> Markdown:
    """Return, for the methods, when the plan was registered and whether the executed one differs.

    With a registration the paragraph has the label that the checklist of CONSORT 2025 looks for in item 10.
    """
    found = registrations(data)
    if not found:
        return Markdown(_NOTHING)
    first = found[0]
    known = (
        " when results had been computed"
        if first["results"]
        else (
            " when outcomes were in the tables"
            if first["outcome_tables"]
            else " before any outcome was in the tables"
        )
    )
    differences = differences_from_plan(data)
    lacking = sum(reason_of(one, data.study.deviations) is None for one in differences)
    if not differences:
        changed = "The executed plan is the registered one."
    else:
        changed = f"The executed plan differs from it in {whole(len(differences))} places, which the supplement lists with their reasons."
        if lacking:
            changed += f" **No reason is given for {whole(lacking)} of them.**"
    text = (
        f"The analysis plan was registered on {escape(str(first['registered'])[:10])}{known}"
        + (f", and amended {_TIMES.get(len(found) - 1, f'{len(found) - 1} times')}" if len(found) > 1 else "")
        + f". {changed}"
    )
    return labelled("sec-changes", text)


def register_section(data: CitedResults) -> Markdown:
    """Return the register as a table; that nothing was registered, if so."""
    table = register_table(data)
    if table is None:
        return Markdown(f"{_NOTHING} `neurotrial register` puts a plan on the register.")
    return paragraphs("What was registered is in @tbl-sap-register.", table_float(table))


def deviations_section(data: CitedResults) -> Markdown | None:
    """Return planned against executed; None where nothing was registered and the run decided nothing."""
    table = deviation_table(data)
    if table is None:
        return Markdown("Nothing was done otherwise than planned.") if registrations(data) else None
    return paragraphs("Where planned and executed analyses differ is in @tbl-deviations.", table_float(table))
