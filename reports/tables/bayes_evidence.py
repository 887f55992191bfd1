"""The evidence of every Bayesian fit on one page: a row a fit, under the main prior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.reports.cited import derived
from neurotrial.reports.effects import BAYES_LABELS, model_label
from neurotrial.reports.fit_evidence import fits_of
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, number, p_cell, percent, plain, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.fit_evidence import FitEvidence
    from neurotrial.study import Analysis

__all__ = ["evidence_table"]

Row = dict[str, str]
_MAIN = "neutral"
# non-breaking hyphens, so that narrow headings keep their names whole
_SAMPLER = {"rhat": "R\u2011hat, ESS", "chains": "Div., BFMI, depth"}
_LOO = {"elpd": "elpd (SE)", "k": "k (refits)", "pit": "PIT p"}
_POWER = {"prior": "prior", "likelihood": "likeli\u00adhood", "power_k": "k\u2011hat"}
_LEVEL = 0.05


def evidence_table(data: CitedResults, analysis: Analysis) -> Tabulation | None:
    """Return a row for each fit of an analysis under the main prior; faults under the others stand in the notes.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Tabulation or None
        None if the store knows no fit of the analysis.
    """
    fits = fits_of(data, analysis, _MAIN)
    if not fits:
        return None
    others = [fit for prior in PRIOR_SETS if prior != _MAIN for fit in fits_of(data, analysis, prior)]
    labels = {"fit": "Model"} | _SAMPLER | _LOO | _POWER
    labels |= {"overlap": "Over\u00adlap", "missed": "Missed", "verdict": "Verdict"}
    name = f"evidence-{analysis.name}".replace("_", "-")
    table = make_table(
        name,
        [_row(fit) for fit in fits],
        labels,
        spanners=[
            ("Sampler", list(_SAMPLER)),
            ("Leave-one-out", list(_LOO)),
            ("Sensitivity of the effect", list(_POWER)),
        ],
        row_label="fit",
        group="outcome",
        notes=[*_meanings(data, fits), *_told(fits), *_faults_elsewhere(others)],
    )
    caption = f"{escape(analysis.label)}: evidence of every Bayesian fit, {_MAIN} prior."
    return Tabulation(name, table, Markdown(caption))


def _row(fit: FitEvidence) -> Row:
    missed, checked = fit.checks
    return {
        "outcome": fit.outcome.label,
        "fit": model_label(fit.kind),
        "rhat": f"{_shown(fit, 'worst R-hat', 3)}, {_shown(fit, 'least ESS', 0)}",
        "chains": f"{_shown(fit, 'divergences', 0)}, {_shown(fit, 'E-BFMI', 2)}, {percent(fit.value('tree depth reached'))}",
        "elpd": f"{_shown(fit, 'elpd_loo', 1)} ({_shown(fit, 'SE of elpd_loo', 1)})",
        "k": f"{_shown(fit, 'worst Pareto k', 2)} ({_shown(fit, 'participants refitted without', 0)})",
        "pit": p_cell(min(_all(fit, "LOO-PIT uniformity p"), default=None)),
        "prior": number(max(fit.of_effects("sensitivity: prior"), default=None), 2),
        "likelihood": number(min(fit.of_effects("sensitivity: likelihood"), default=None), 2),
        "power_k": number(max(_power_k(fit), default=None), 2),
        "overlap": number(max(fit.of_effects("overlap of prior and posterior"), default=None), 2),
        "missed": f"{whole(derived('features missed', missed))} of {whole(derived('features checked', checked))}"
        if checked
        else MISSING,
        "verdict": _verdict(fit),
    }


def _shown(fit: FitEvidence, measure: str, digits: int) -> str:
    return number(fit.value(measure), digits)


def _all(fit: FitEvidence, measure: str) -> list[float]:
    return [float(row["value"]) for row in fit.find(measure)]


def _power_k(fit: FitEvidence) -> list[float]:
    return [
        value for part in ("prior", "likelihood") for value in _all(fit, f"Pareto k of power-scaling: {part}")
    ]


def _verdict(fit: FitEvidence) -> str:
    if fit.failure:
        return "failed"
    if not fit.rows:
        return MISSING
    if faults := fit.told("fault"):
        return f"fault ({len(faults)})"
    warnings = fit.told("warning")
    return f"warning ({len(warnings)})" if warnings else "ok"


def _meanings(data: CitedResults, fits: list[FitEvidence]) -> Iterator[str]:
    plan = data.study.bayes
    if plan is not None:
        accept = plan.accept
        yield (
            f"R-hat, largest of any parameter (at most {plain(accept.rhat)}); ESS, fewest effective draws (at least {whole(accept.ess)}); "
            f"Div., divergent transitions (none); BFMI, E-BFMI of the worst chain (at least {plain(accept.bfmi)}); depth, transitions cut off "
            "at the largest tree (at most 1 %)."
        )
    limits = [found for fit in fits if (found := fit.limit("worst Pareto k")) is not None]
    yield (
        "elpd, expected log predictive density of participants left out; k, largest Pareto k of their weights"
        f"{f' (reliable up to {plain(round(min(limits), 2))})' if limits else ''}, in brackets how many were left out by a fit of their own; "
        f"PIT p, smallest test of uniformity of where they lie in what is predicted for them (warning below {plain(_LEVEL)} over the tests of a fit)."
    )
    yield (
        f"Sensitivity to raising prior and likelihood to a power (moved from {plain(_LEVEL)} on: prior and likelihood moved, possible conflict; prior "
        "alone, strong prior or weak likelihood); largest (likelihood: smallest) of the effects; k-hat, Pareto k of these weights."
    )
    yield (
        "Overlap, area that prior and posterior of an effect share (1: nothing learnt); missed, features of the data in the tails of "
        "posterior predictive replicates. A fault forbids to show a fit, a warning is told with it."
    )


def _told(fits: list[FitEvidence]) -> Iterator[str]:
    """Yield what goes wrong under the main prior, a line for each fit."""
    for fit in fits:
        words = [fit.failure] if fit.failure else [*fit.told("fault"), *fit.told("warning")]
        if words:
            yield f"{_name(fit)}: {'; '.join(words).rstrip('.')}."


def _faults_elsewhere(fits: list[FitEvidence]) -> Iterator[str]:
    """Yield the faults under the other priors."""
    lines = []
    for fit in fits:
        words = [fit.failure] if fit.failure else fit.told("fault")
        if words:
            lines.append(f"{_name(fit)}, {fit.prior}: {'; '.join(words).rstrip('.')}")
    yield f"Faults under the other priors: {'. '.join(lines) or 'none'}."


def _name(fit: FitEvidence) -> str:
    return f"{fit.outcome.label}, {BAYES_LABELS[fit.kind]}"
