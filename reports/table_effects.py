"""Tables of effects: outcomes of an analysis, estimators side by side, changes within the arms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effects import capitalised, is_adjusted, method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, interval, mean_sd, number, p_cell, whole
from neurotrial.reports.table_style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Arm, Outcome

__all__ = ["estimator_table", "outcome_table", "within_arm_table"]

Row = dict[str, str]
WITHIN = "paired_t"
CHANGE = "change_welch"


def effect_cell(effect: Effect) -> str:
    """Return estimate and interval for a column that is headed by both; a failure says why."""
    if effect.failure:
        return f"not estimable: {effect.failure}"
    limits = interval(effect.low, effect.high, effect.digits) if effect.has_interval else "no interval"
    return f"{number(effect.estimate, effect.digits)} ({limits})"


def interval_notes(effects: Iterable[Effect]) -> list[str]:
    """Return one line for each kind of interval, with the estimators that it belongs to."""
    kinds: dict[str, dict[str, None]] = {}
    for effect in effects:
        if effect.has_interval:
            kinds.setdefault(effect.interval_name, {})[method_label(effect.method)] = None
    return [f"{kind}: {'; '.join(methods)}." for kind, methods in kinds.items()]


def _counts(effect: Effect, arms: Iterable[Arm]) -> str:
    return " / ".join(whole(effect.n_per_arm.get(arm.name)) for arm in arms)


def adjusted_p(data: CitedResults, effect: Effect) -> list[CitedRow]:
    """Return the rows of `adjusted` for an estimate: one for each family that it is in."""
    return data.rows("adjusted", key=effect.key)


def outcome_table(data: CitedResults, analysis: Analysis) -> Tabulation:
    """Return the outcomes of an analysis: means by arm, and the effect of the main method, in one row each.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        An analysis of the study file.

    Returns
    -------
    Tabulation
        One row for each outcome and contrast; adjusted p-values if an outcome belongs to a family.
    """
    estimand, visit = data.estimand_visit(analysis)
    effects = [e for outcome in data.outcomes_of(analysis) for e in data.effects(analysis.name, outcome.name, analysis.main_method)]
    families = any(adjusted_p(data, effect) for effect in effects)
    several = len({effect.comparison for effect in effects}) > 1
    baseline = data.study.baseline_visit
    labels = {"outcome": "Outcome"}
    spanners = {}
    for arm in data.study.arms:
        columns = {f"{arm.name}_n": "n", f"{arm.name}_before": baseline.label, f"{arm.name}_after": visit}
        labels |= columns
        spanners[arm.label] = list(columns)
    labels |= {"effect": "Difference (interval)", "p": "p"} | ({"adjusted": "p, adjusted"} if families else {})
    rows = [
        {"outcome": _outcome_label(effect, several=several)}
        | _arm_cells(data, analysis, effect, (baseline.name, estimand.visit))
        | {"effect": effect_cell(effect), "p": p_cell(effect.p), "adjusted": _adjusted_cell(data, effect)}
        for effect in effects
    ]
    name = f"outcomes-{analysis.name.replace('_', '-')}"
    table = make_table(
        name, rows, labels, spanners=spanners, row_label="outcome", notes=_outcome_notes(data, analysis, effects, families=families)
    )
    population = escape(data.study.population_of(analysis).label)
    caption = f"{escape(analysis.label)}: outcomes at {escape(visit)} and differences between arms. Population: {population}."
    return Tabulation(name, table, Markdown(caption))


def _outcome_label(effect: Effect, *, several: bool) -> str:
    label = f"{effect.outcome.label}, {effect.outcome.unit}"
    return f"{label}: {effect.comparison}" if several else label


def _arm_cells(data: CitedResults, analysis: Analysis, effect: Effect, visits: tuple[str, str]) -> Row:
    outcome = effect.outcome
    cells = {f"{arm.name}_n": whole(effect.n_per_arm.get(arm.name)) for arm in data.study.arms}
    for visit, when in zip(visits, ("before", "after"), strict=True):
        rows = data.described("outcome", analysis, outcome.name, visit)
        for arm, row in zip(data.study.arms, rows, strict=True):
            cells[f"{arm.name}_{when}"] = MISSING if row is None else mean_sd(row["mean"], row["sd"], outcome.digits)
    return cells


def _adjusted_cell(data: CitedResults, effect: Effect) -> str:
    return "; ".join(p_cell(row["p_adjusted"]) for row in adjusted_p(data, effect)) or MISSING


def _outcome_notes(data: CitedResults, analysis: Analysis, effects: list[Effect], *, families: bool) -> Iterator[str]:
    comparisons = dict.fromkeys(effect.comparison for effect in effects)
    yield f"Difference: {'; '.join(comparisons)}. Estimator: {method_label(analysis.main_method)}."
    yield from interval_notes(effects)
    yield "Columns by visit: mean (SD) of all participants with a value; n: participants in the estimate."
    yield _directions({effect.outcome.name: effect.outcome for effect in effects}.values())
    if families:
        named = {row.values["family"]: row.values["procedure"] for effect in effects for row in adjusted_p(data, effect)}
        labels = {family.name: family.label for family in data.study.families}
        words = [f"{labels.get(name, name)} ({procedure_name(procedure)})" for name, procedure in named.items()]
        yield f"Adjusted p-values: family {'; '.join(words)}."
    yield "SD, standard deviation; CI, confidence interval."


def procedure_name(procedure: str) -> str:
    """Return the name of a procedure that adjusts p-values."""
    names = {"holm": "Holm", "hommel": "Hommel", "bh": "Benjamini–Hochberg", "by": "Benjamini–Yekutieli"}
    return names.get(procedure, procedure)


def _directions(outcomes: Iterable[Outcome]) -> str:
    words = {"higher_is_better": "Higher is better", "lower_is_better": "Lower is better"}
    named: dict[str, list[str]] = {}
    for outcome in outcomes:
        named.setdefault(words[outcome.direction], []).append(outcome.label)
    if len(named) == 1:
        return f"{next(iter(named))} for every outcome."
    return " ".join(f"{word}: {'; '.join(labels)}." for word, labels in named.items())


def estimator_table(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Tabulation:
    """Return all estimators of one outcome side by side, with the requested and the main one marked.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.
    outcome : Outcome
        One of its outcomes.

    Returns
    -------
    Tabulation
        One row for each estimator and contrast: n by arm, estimate with interval, p-value, favoured arm.
    """
    effects = [
        effect for method in data.methods(analysis.name, outcome.name) for effect in data.effects(analysis.name, outcome.name, method)
    ]
    several = len({effect.comparison for effect in effects if not effect.failure}) > 1
    rows = [_estimator_row(data, analysis, effect) for effect in effects]
    labels = {
        "method": "Estimator",
        "role": "Role",
        **({"comparison": "Comparison"} if several else {}),
        "adjusted": "Baseline-adjusted",
        "n": "n, " + " / ".join(arm.label for arm in data.study.arms),
        "effect": "Estimate (interval)",
        "unit": "Unit",
        "p": "p",
        "favours": "Favours",
    }
    comparisons = dict.fromkeys(effect.comparison for effect in effects if not effect.failure)
    notes = [f"Estimate: {'; '.join(comparisons)}.", *interval_notes(effects), _directions([outcome])]
    name = f"estimators-{analysis.name}-{outcome.name}".replace("_", "-")
    table = make_table(name, rows, labels, row_label="method", notes=notes)
    _, visit = data.estimand_visit(analysis)
    caption = f"{escape(outcome.label)} at {escape(visit)}: every estimator of the analysis {escape(analysis.label)}."
    return Tabulation(name, table, Markdown(caption))


def _estimator_row(data: CitedResults, analysis: Analysis, effect: Effect) -> Row:
    roles = {"main": analysis.main_method, "requested": analysis.requested_method}
    favoured = effect.favoured
    return {
        "method": capitalised(method_label(effect.method)),
        "role": ", ".join(role for role, method in roles.items() if method == effect.method),
        "comparison": effect.comparison,
        "adjusted": "yes" if is_adjusted(effect.method) else "no",
        "n": _counts(effect, data.study.arms),
        "effect": effect_cell(effect),
        "unit": effect.unit,
        "p": p_cell(effect.p),
        "favours": data.arm_label(favoured) if favoured else MISSING,
    }


def within_arm_table(data: CitedResults, analysis: Analysis) -> Tabulation | None:
    """Return the changes within the arms, each outcome with its contrasts between the arms below them.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.

    Returns
    -------
    Tabulation or None
        None if the analysis has no estimates within arms, or none between arms to set beside them.
    """
    outcomes = data.outcomes_of(analysis)
    within = {item.name: data.effects(analysis.name, item.name, WITHIN, "within_arm") for item in outcomes}
    between = {item.name: list(_between(data, analysis, item)) for item in outcomes}
    shown = [item for item in outcomes if within[item.name] and between[item.name]]
    if not shown:
        return None
    rows = [
        row
        for item in shown
        for row in (*map(_within_row, within[item.name]), *map(_between_row, between[item.name]))
    ]
    labels = {"what": "Comparison", "n": "n", "effect": "Estimate (interval)", "p": "p"}
    notes = [
        "Change within an arm describes its course, which includes spontaneous recovery; only the contrast between "
        "the arms compares them.",
        *interval_notes([e for item in shown for e in (*within[item.name], *between[item.name])]),
    ]
    name = f"within-{analysis.name.replace('_', '-')}"
    table = make_table(name, rows, labels, row_label="what", group="outcome", notes=notes)
    caption = f"{escape(analysis.label)}: change within each arm, with the contrast between the arms."
    return Tabulation(name, table, Markdown(caption))


def _between(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Effect]:
    for method in dict.fromkeys((CHANGE, analysis.main_method)):
        yield from data.effects(analysis.name, outcome.name, method)


def _within_row(effect: Effect) -> Row:
    return {
        "outcome": f"{effect.outcome.label}, {effect.outcome.unit}",
        "what": f"Within arm: {effect.comparison}",
        "n": whole(effect.n_per_arm.get(effect.arm)),
        "effect": effect_cell(effect),
        "p": p_cell(effect.p),
    }


def _between_row(effect: Effect) -> Row:
    return {
        "outcome": f"{effect.outcome.label}, {effect.outcome.unit}",
        "what": f"Between arms: {effect.comparison} ({method_label(effect.method)})",
        "n": whole(sum(effect.n_per_arm.values()) if effect.n_per_arm else None),
        "effect": effect_cell(effect),
        "p": p_cell(effect.p),
    }
