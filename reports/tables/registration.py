"""The register of the analysis plan, and what was done otherwise than planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurotrial.registration import plan_differences, reason_of
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.number_format import whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.registration import Difference
    from neurotrial.reports.cited import CitedResults

__all__ = ["deviation_table", "differences_from_plan", "register_table", "registrations"]

NO_REASON = "NO REASON GIVEN"
_AS_PLANNED = "every analysis was fitted as planned"
_TIMING = {True: "before unblinding", False: "after unblinding", None: "timing not stated"}


def registrations(data: CitedResults) -> list[dict[str, Any]]:
    """Return the registrations that the fit found, first things first."""
    return list(data.results.provenance.get("registered", []))


def register_table(data: CitedResults) -> Tabulation | None:
    """Return when which plan was registered, and what was known by then; None if none was."""
    found = registrations(data)
    if not found:
        return None
    rows = [
        {
            "number": whole(one["number"]),
            "when": str(one["registered"]),
            "known": _known(one),
            "hash": str(one["study_file"]),
            "note": str(one.get("note") or "–"),
        }
        for one in found
    ]
    heads = {
        "number": "No.",
        "when": "Registered (UTC)",
        "known": "Data at that time",
        "hash": "Study file, BLAKE2b",
        "note": "Note",
    }
    table = make_table("sap-register", rows, heads, centre=False)
    return Tabulation("sap-register", table, Markdown("Register of the statistical analysis plan."))


def _known(one: dict[str, Any]) -> str:
    if one["results"]:
        return "results had been computed"
    tables = one["outcome_tables"]
    return f"outcomes were in the tables ({', '.join(tables)})" if tables else "no outcome table, no results"


def differences_from_plan(data: CitedResults) -> list[Difference]:
    """Return where the executed plan differs from the one that was registered first."""
    found = registrations(data)
    return plan_differences(found[0]["plan"], data.results.study) if found else []


def deviation_table(data: CitedResults) -> Tabulation | None:
    """Return planned against executed with the stated reasons, and what the run decided; None if nothing differs."""
    plans = registrations(data)
    rows = []
    for difference in differences_from_plan(data):
        reason = reason_of(difference, data.study.deviations)
        rows.append(
            {
                "kind": "Changes of the plan",
                "what": difference.path.replace(".", " › ").replace("_", " "),
                "planned": difference.planned,
                "executed": difference.executed,
                "reason": NO_REASON if reason is None else reason.reason,
                "when": _when(plans, difference, reason),
            }
        )
    rows += [
        {
            "kind": "Decisions of the run",
            "what": "run",
            "planned": "–",
            "executed": str(decision),
            "reason": "by rule of the software",
            "when": str(data.results.provenance.get("created", "–")),
        }
        for decision in data.results.provenance.get("decisions", [])
        if decision != _AS_PLANNED
    ]
    if not rows:
        return None
    heads = {
        "what": "Where",
        "planned": "Planned",
        "executed": "Executed",
        "reason": "Reason",
        "when": "When",
    }
    table = make_table("deviations", rows, heads, row_label="what", group="kind", centre=False)
    return Tabulation("deviations", table, Markdown("Planned against executed."))


def _when(plans: list[dict[str, Any]], difference: Difference, reason: Any) -> str:
    words = (
        [] if reason is None else [*([reason.date] if reason.date else []), _TIMING[reason.before_unblinding]]
    )
    for one in plans[1:]:
        if any(
            d.path == difference.path and d.executed == difference.executed
            for d in plan_differences(plans[0]["plan"], one["plan"])
        ):
            words.append(f"amendment {one['number']} of {one['registered'][:10]}")
            break
    return ", ".join(words) or "not registered"
