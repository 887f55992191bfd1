"""Sentences of results: each claim from a contrast between arms with its interval, each count from the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import adjusted_p, procedure_name
from neurotrial.reports.effects import is_adjusted, method_label
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.number_format import is_missing, number, p_value

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Family, Outcome

__all__ = [
    "agreement_text",
    "effect_sentence",
    "effects_text",
    "family_text",
    "requested_text",
    "undefined_ratios_text",
]

_RATIOS = {
    "improvement_ratio": ("baseline", "improvement ratio", "a baseline of 0"),
    "share_of_potential": (
        "potential",
        "share of recovery potential",
        "a baseline at the upper end of the scale",
    ),
}
"""Method of the study file: definition in the store, its name, and what leaves it undefined."""


def effects_text(data: CitedResults, analysis: Analysis) -> Markdown:
    """Return one paragraph for each outcome of an analysis: its main contrasts with their intervals.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        An analysis of the study file.

    Returns
    -------
    Markdown
    """
    return paragraphs(*(_outcome_text(data, analysis, outcome) for outcome in data.outcomes_of(analysis)))


def _outcome_text(data: CitedResults, analysis: Analysis, outcome: Outcome) -> str:
    _, visit = data.estimand_visit(analysis)
    effects = data.effects(analysis.name, outcome.name, analysis.main_method)
    if not effects:
        return escape(
            f"{outcome.label}: no contrast between arms was estimated by {method_label(analysis.main_method)}."
        )
    sentences = (
        part for effect in effects for part in (effect_sentence(effect, visit), *_adjusted(data, effect))
    )
    return " ".join(map(escape, sentences))


def _adjusted(data: CitedResults, effect: Effect) -> Iterator[str]:
    """Yield what multiplicity leaves of a p-value, right where the raw one stands."""
    families = {family.name: family for family in data.study.families}
    for row in adjusted_p(data, effect):
        family = families[str(row["family"])]
        adjusted = p_value(row["p_adjusted"], "p")
        yield f"Adjusted over the family {family.label} ({procedure_name(family.procedure)}), {adjusted}."


def effect_sentence(effect: Effect, visit: str) -> str:
    """Return what a contrast between arms shows: the estimate, what its interval excludes, and the MCID if declared.

    Parameters
    ----------
    effect : Effect
        A contrast between arms.
    visit : str
        Label of the visit.

    Returns
    -------
    str
        Plain words.
    """
    what = f"the difference in {effect.outcome.label} ({effect.comparison}; {method_label(effect.method)})"
    if effect.failure:
        return f"At {visit}, {what} could not be estimated: {effect.failure.rstrip('.')}."
    return " ".join([f"At {visit}, {what} was {effect.text}.", _verdict(effect), *_importance(effect)])


def _verdict(effect: Effect) -> str:
    if effect.excludes_null is None:
        return "Without an interval its precision is unknown."
    if effect.excludes_null:
        side = "higher" if (effect.estimate or 0) > 0 else "lower"
        better = (
            "better" if (side == "higher") == (effect.outcome.direction == "higher_is_better") else "worse"
        )
        first = effect.comparison.partition(" minus ")[0]
        return f"The interval excludes 0: values were {side}, which is {better}, with {first}."
    return "The interval includes 0, so that it does not tell which arm fared better."


def _importance(effect: Effect) -> Iterator[str]:
    """Yield how the interval stands to the minimal clinically important difference, in the direction of benefit."""
    mcid, outcome = effect.outcome.mcid, effect.outcome
    if mcid is None or effect.low is None or effect.high is None or effect.unit != outcome.unit:
        return
    sign = 1 if outcome.direction == "higher_is_better" else -1
    low, high = sorted((sign * effect.low, sign * effect.high))
    size = f"the declared minimal clinically important difference of {number(mcid.value, outcome.digits)} {outcome.unit}"
    if low >= mcid.value:
        relation = "lies wholly at or beyond"
    elif high < mcid.value:
        relation = "excludes a benefit as large as"
    else:
        relation = "includes benefits as large as, and smaller than,"
    yield f"The interval {relation} {size} ({mcid.source})."


def agreement_text(data: CitedResults, analysis: Analysis, outcome: Outcome) -> str | None:
    """Return the models' sentence on the agreement of the estimators, or None if there is none."""
    population = data.study.population_of(analysis).name
    row = data.row("statements", f"{analysis.name}/{outcome.name}/{population}/agreement")
    return None if row is None else escape(str(row["statement"]))


def requested_text(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Markdown:
    """Return the requested and the main analysis beside each other, with the sentence on their agreement.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis; without a requested method only the agreement of its estimators is stated.
    outcome : Outcome
        One of its outcomes.

    Returns
    -------
    Markdown
    """
    agreement = agreement_text(data, analysis, outcome)
    requested = analysis.requested_method
    if requested is None or requested == analysis.main_method:
        return paragraphs(agreement)
    mains = {
        effect.comparison: effect
        for effect in data.effects(analysis.name, outcome.name, analysis.main_method)
    }
    sentences = [
        escape(_side_by_side(effect, mains[effect.comparison]))
        for effect in data.effects(analysis.name, outcome.name, requested)
        if effect.comparison in mains
    ]
    caution = "Percentage change from baseline depends on baseline and has low power [@vickers2001]."
    ratio = caution if requested.startswith("ratio_baseline") else None
    return paragraphs(" ".join([*sentences, *([agreement] if agreement else [])]), ratio)


def _side_by_side(requested: Effect, main: Effect) -> str:
    kind = "baseline-adjusted" if is_adjusted(main.method) else "main"
    return (
        f"The requested analysis ({method_label(requested.method)}) of {requested.outcome.label} gave, for "
        f"{requested.comparison}, {requested.text}; the {kind} analysis ({method_label(main.method)}) gave {main.text}."
    )


def undefined_ratios_text(data: CitedResults, analysis: Analysis) -> Markdown:
    """Return how many ratios are undefined by arm; nothing for an analysis without ratios.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        An analysis of the study file.

    Returns
    -------
    Markdown
    """
    sentences = [
        sentence
        for outcome in data.outcomes_of(analysis)
        for method, words in _RATIOS.items()
        if method in analysis.methods
        for sentence in _undefined(data, analysis, outcome, words)
    ]
    return Markdown(" ".join(sentences))


def _undefined(
    data: CitedResults, analysis: Analysis, outcome: Outcome, words: tuple[str, str, str]
) -> Iterator[str]:
    definition, name, cause = words
    visit = data.study.estimand_of(analysis).visit
    counts = []
    for arm in data.study.arms:
        population = data.study.population_of(analysis).name
        row = data.row("descriptives", f"ratio/{population}/{outcome.name}/{visit}/{definition}/{arm.name}")
        if row is not None and not is_missing(row["n_undefined"]):
            undefined = int(row["n_undefined"])
            counts.append(f"{undefined} of {undefined + int(row['n'])} ({arm.label})")
    if counts:
        yield escape(
            f"The {name} of {outcome.label} is undefined for {listing(counts)} ({cause}); the others are in its estimates."
        )


def family_text(data: CitedResults, family: Family) -> Markdown:
    """Return which contrasts of a family keep an adjusted p-value below the level, each with its interval.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    family : Family
        A family of the study file.

    Returns
    -------
    Markdown
        One paragraph; nothing if no p-value of the family was adjusted.
    """
    rows = data.rows("adjusted", family=family.name)
    if not rows:
        return Markdown("")
    level = round(1 - data.study.conf_level, 12)  # 1 - 0.95 is a little more than 0.05
    kept = [row for row in rows if not is_missing(row["p_adjusted"]) and row["p_adjusted"] <= level]
    without = sum(is_missing(row["p_adjusted"]) for row in rows)
    head = f"{family.label}: {len(rows)} contrasts, p-values adjusted by {procedure_name(family.procedure)}."
    found = [
        f"{effect.outcome.label} ({effect.comparison}): {effect.text}, {p_value(row['p_adjusted'], 'adjusted p')}."
        for row in kept
        for effect in [data.effect(row.key)]
    ]
    count = f"The adjusted p-value is at most {level:.3g} for {len(kept)} of them" + (
        " (intervals are not adjusted):" if found else "."
    )
    missing = [f"{without} of them have no p-value."] if without else []
    return Markdown(escape(" ".join([head, count, *found, *missing])))
