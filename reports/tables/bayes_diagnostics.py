"""What the draws of every Bayesian fit are worth, those that failed or gave no draws included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import failure_notes
from neurotrial.reports.effects import model_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, number, whole
from neurotrial.reports.posteriors import all_posteriors
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis

__all__ = ["diagnostics_table"]

Row = dict[str, str]
# non-breaking hyphens, so that narrow headings keep their names whole
_EFFECT = {"rhat": "R\u2011hat", "ess": "ESS bulk / tail", "mcse": "MCSE"}
_WHOLE = {"worst": "Worst R\u2011hat", "least": "Least ESS", "bfmi": "E\u2011BFMI", "divergences": "Div."}


def diagnostics_table(data: CitedResults, analysis: Analysis) -> Tabulation | None:
    """Return a row for each posterior of an analysis: diagnostics of its effect and of the whole fit, and the verdict.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Tabulation or None
        A fit without draws has its row too; None if the store has no posterior of the analysis.
    """
    effects = all_posteriors(data, analysis)
    if not effects:
        return None
    found = {effect.key: data.row("diagnostics", f"diagnostics/{effect.key}") for effect in effects}
    several = len(data.comparisons) > 1
    name = f"diagnostics-{analysis.name}".replace("_", "-")
    table = make_table(
        name,
        [_row(effect, found[effect.key], several=several) for effect in effects],
        {"fit": "Model, prior"} | _EFFECT | _WHOLE | {"attempts": "Tries", "verdict": "Verdict"},
        spanners=[("Effect of the arm", list(_EFFECT)), ("Whole fit", list(_WHOLE))],
        row_label="fit",
        group="outcome",
        notes=[*_notes(row for row in found.values() if row is not None), *failure_notes(effects)],
    )
    return Tabulation(name, table, Markdown(f"{escape(analysis.label)}: diagnostics of every Bayesian fit."))


def _row(effect: Effect, row: CitedRow | None, *, several: bool) -> Row:
    label = effect.outcome.label
    place = {
        "outcome": f"{label}: {effect.comparison}" if several else label,
        "fit": model_label(effect.method).removesuffix(" prior"),
        "verdict": "failed" if effect.failure else "ok",
    }
    if row is None:
        return place | dict.fromkeys([*_EFFECT, *_WHOLE, "attempts"], MISSING)
    return place | {
        "rhat": number(row["rhat"], 3),
        "ess": f"{whole(row['ess_bulk'])}\u00a0/\u00a0{whole(row['ess_tail'])}",
        "mcse": number(row["mcse_mean"], effect.outcome.digits + 2),
        "worst": number(row["worst_rhat"], 3),
        "least": whole(row["least_ess"]),
        "bfmi": number(row["bfmi"], 2),
        "divergences": whole(row["divergences"]),
        "attempts": whole(row["attempts"]),
    }


def _notes(rows: Iterable[CitedRow]) -> Iterator[str]:
    yield (
        "R-hat, rank-normalised; ESS, effective sample size; MCSE, Monte Carlo standard error of the posterior mean, in the unit "
        "of the outcome; worst and least: of all parameters; E-BFMI, smallest of a chain; Div., divergent transitions."
    )
    draws = dict.fromkeys(
        f"{row['sampler']}, {whole(row['chains'])} chains of {whole(row['draws'])} draws" for row in rows
    )
    yield f"Sampler: {'; '.join(draws) or 'no fit gave draws'}."
