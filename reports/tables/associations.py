"""Tables of associations of changes, and of the power of declared designs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import interval, is_missing, number, p_cell, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["association_table", "planning_table"]

_LABELS = {
    "partial_correlation": "Partial correlation",
    "change_slope": "Slope",
    "change_slope_difference": "Difference of slopes between the arms",
    "mediation_indirect": "Mediation: with the mediator (exploratory)",
    "mediation_direct": "Mediation: without it (exploratory)",
    "mediation_total": "Mediation: total (exploratory)",
    "bayes_joint_correlation": "Partial correlation, Bayesian joint model",
    "bayes_joint_slope": "Slope, Bayesian joint model",
}
_CREDIBLE = {"eti": "equal-tailed credible", "hdi": "highest-density credible"}
_QUANTITIES = {"power": "Power", "detectable_effect": "Detectable effect", "assurance": "Assurance"}
_METHODS = {
    "ancova_ols": "ANCOVA",
    "ancova_hc3": "ANCOVA, HC3",
    "change_welch": "Change, Welch t",
    "follow_up_welch": "Follow-up only, Welch t",
}


def association_table(data: CitedResults) -> Tabulation | None:
    """Return the associations of changes, or None if none was declared.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        A group of rows for each association.
    """
    study = data.study
    labels = {outcome.name: outcome.label for outcome in study.outcomes}
    heads = {
        part.name: f"{part.label}: {labels[part.y]} with {labels[part.x]}" for part in study.associations
    }
    rows = [
        {
            "group": heads[row.values["association"]],
            "what": _LABELS.get(row.values["method"], row.values["method"]),
            "n": whole(row["n_participants"]),
            "effect": _effect(row),
            "p": p_cell(None if is_missing(row["p_value"]) else float(row["p_value"])),
        }
        for row in data.rows("associations")
    ]
    if not rows:
        return None
    columns = {"what": "Estimate", "n": "n", "effect": "Value (interval)", "p": "p"}
    notes = list(_notes(data))
    table = make_table("associations", rows, columns, row_label="what", group="group", notes=notes)
    return Tabulation("associations", table, Markdown("Association of changes."))


def _notes(data: CitedResults) -> Iterator[str]:
    level = f"{100 * data.study.conf_level:.4g} %"
    yield "Adjusted for arm and both baselines. p of correlations: permuted residuals; of slopes: HC3."
    yield f"{level} intervals: Fisher's z (correlations), t (slopes), bootstrap percentiles (mediation)."
    if any(part.mediation for part in data.study.associations):
        yield "Mediation generates hypotheses only: it assumes that nothing unmeasured drives mediator and outcome alike."
    posteriors = [row for row in data.rows("associations") if row.values["method"].startswith("bayes_")]
    kinds = dict.fromkeys(_CREDIBLE.get(row.values["interval_kind"], "") for row in posteriors)
    if named := [kind for kind in kinds if kind]:
        yield (
            f"Bayesian joint model: posterior mean and {level} {' or '.join(named)} interval, both outcomes at both visits together; "
            "it has no p."
        )


def _effect(row: CitedRow) -> str:
    if row.values["status"] == "failed":
        return f"not estimable: {row.values['reason']}"
    limits = interval(float(row["conf_low"]), float(row["conf_high"]), 2)
    bare = row.values["unit"] == "correlation" or row.values["method"].endswith("correlation")
    unit = "" if bare else f" {row.values['unit'].partition(' per ')[0]}"
    return f"{number(float(row['estimate']), 2)}{unit} ({limits})"


def planning_table(data: CitedResults) -> Tabulation | None:
    """Return power, detectable effect and assurance of the declared designs, or None if none was declared.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        A group of rows for each design, its assumptions in the notes.
    """
    plans = {plan.name: plan for plan in data.study.power}
    rows = [
        {
            "group": plans[row.values["plan"]].label,
            "what": f"{_QUANTITIES[row.values['quantity']]}, {_METHODS[row.values['method']]}",
            "value": _planned(data, row),
        }
        for row in data.rows("planning")
    ]
    if not rows:
        return None
    said = {f"{plans[row.values['plan']].label}: {row['assumptions']}." for row in data.rows("planning")}
    columns = {"what": "Quantity", "value": "Value (Monte Carlo interval)"}
    table = make_table("planning", rows, columns, row_label="what", group="group", notes=sorted(said))
    return Tabulation("planning", table, Markdown(escape("Power of the declared designs, by simulation.")))


def _planned(data: CitedResults, row: CitedRow) -> str:
    values = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    if row.values["quantity"] != "detectable_effect":
        shown = [number(derived(f"{row.key} in percent", 100 * value), 1) for value in values]
        return f"{shown[0]} % ({shown[1]} to {shown[2]})"
    outcome = data.study.outcome(row.values["outcome"])
    digits = outcome.digits + 1
    return f"{number(values[0], digits)} {outcome.unit} ({interval(values[1], values[2], digits)})"
