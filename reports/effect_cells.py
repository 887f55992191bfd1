"""Cells and notes that tables of effects have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurotrial.reports.effects import is_bayesian, method_label
from neurotrial.reports.markdown_text import escape
from neurotrial.reports.number_format import interval, number, whole

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Arm, Outcome

__all__ = [
    "adjusted_p",
    "counts_cell",
    "counts_note",
    "directions",
    "effect_cell",
    "failure_notes",
    "interval_notes",
    "not_drawn",
    "procedure_name",
]


def effect_cell(effect: Effect, *, unit: bool = False) -> str:
    """Return estimate and interval for a column that is headed by both; a failure says why."""
    if effect.failure:
        return f"not estimable: {effect.failure}"
    limits = interval(effect.low, effect.high, effect.digits) if effect.has_interval else "no interval"
    return f"{effect.amount if unit else number(effect.estimate, effect.digits)} ({limits})"


def counts_note(arms: Iterable[Arm]) -> str:
    """Return the note that says which arms a column of `counts_cell` counts."""
    return f"n: participants in the estimate, {' / '.join(arm.label for arm in arms)}."


def counts_cell(effect: Effect, arms: Iterable[Arm]) -> str:
    """Return the participants in an estimate by arm."""
    return "\u00a0/\u00a0".join(whole(effect.n_per_arm.get(arm.name)) for arm in arms)


def interval_notes(effects: Iterable[Effect]) -> list[str]:
    """Return one line for each kind of interval, with the estimators that it belongs to; posteriors share a name."""
    kinds: dict[str, dict[str, None]] = {}
    for effect in effects:
        if effect.has_interval:
            name = "posteriors" if is_bayesian(effect.method) else method_label(effect.method)
            kinds.setdefault(effect.interval_name, {})[name] = None
    return [f"{kind}: {'; '.join(methods)}." for kind, methods in kinds.items()]


def failure_notes(effects: Iterable[Effect]) -> list[str]:
    """Return one line for each estimator of an outcome that failed, with the reason."""
    lines = (
        f"{effect.outcome.label}, {method_label(effect.method)}: {effect.failure.rstrip('.')}."
        for effect in effects
        if effect.failure
    )
    return list(dict.fromkeys(lines))


def not_drawn(effects: Iterable[Effect]) -> str:
    """Return the sentence of a caption that names posteriors without an interval; empty without any."""
    names = dict.fromkeys(
        f"{effect.outcome.label} ({effect.comparison}), {method_label(effect.method)}" for effect in effects
    )
    return escape(f" Not drawn, because the fit failed: {'; '.join(names)}.") if names else ""


def adjusted_p(data: CitedResults, effect: Effect) -> list[CitedRow]:
    """Return the rows of `adjusted` for an estimate: one for each family that it is in."""
    return data.rows("adjusted", key=effect.key)


def procedure_name(procedure: str) -> str:
    """Return the name of a procedure that adjusts p-values."""
    names = {
        "holm": "Holm",
        "hommel": "Hommel",
        "bh": "Benjamini–Hochberg",
        "by": "Benjamini–Yekutieli",
        "fixed_sequence": "a fixed sequence",
        "graphical": "a graphical procedure",
        "maxt": "step-down maxT",
    }
    return names.get(procedure, procedure)


def directions(outcomes: Iterable[Outcome]) -> str:
    """Return which direction is better, for each outcome."""
    words = {"higher_is_better": "Higher is better", "lower_is_better": "Lower is better"}
    named: dict[str, list[str]] = {}
    for outcome in outcomes:
        named.setdefault(words[outcome.direction], []).append(outcome.label)
    if len(named) == 1:
        return f"{next(iter(named))} for every outcome."
    return " ".join(f"{word}: {'; '.join(labels)}." for word, labels in named.items())
