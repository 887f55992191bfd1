"""The evidence of one Bayesian fit, as the results store has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.reports.family import family_outcome, is_family
from neurotrial.reports.number_format import is_missing
from neurotrial.reports.posteriors import POOLED, bayes_kinds, posterior_outcomes, posteriors_of

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.study import Analysis, Outcome

__all__ = ["FitEvidence", "fits_of"]

_TERMS = ("group_by_time: ", "arm: ")
"""What targets that are effects of arms are called; of a model that has both, the first carries the prior."""

_CHECK = "posterior predictive tail: "


@dataclass(frozen=True, slots=True)
class FitEvidence:
    """What is known of one fit.

    Attributes
    ----------
    outcome : Outcome
        The pooled effect for a fit of all outcomes.
    kind, prior : str
        Bayesian method and set of the prior of the effect.
    rows : list of CitedRow
        Findings, from the table `evidence`; empty where there are none.
    failure : str
        Why the fit shows no estimate; empty where it does.
    """

    outcome: Outcome
    kind: str
    prior: str
    rows: list[CitedRow]
    failure: str

    def find(self, measure: str) -> list[CitedRow]:
        """Return the rows of a measure."""
        return [row for row in self.rows if row.values["measure"] == measure]

    def value(self, measure: str) -> float | None:
        """Return a number of the whole fit, or None."""
        found = self.find(measure)
        return float(found[0]["value"]) if found else None

    def limit(self, measure: str) -> float | None:
        """Return what a measure is held against, or None."""
        found = [row.values["limit"] for row in self.find(measure) if not is_missing(row.values["limit"])]
        return float(found[0]) if found else None

    def of_effects(self, measure: str) -> list[float]:
        """Return a measure of the effects of the arms, one for each contrast and outcome."""
        rows = self.find(measure)
        for term in _TERMS:
            own = [row for row in rows if str(row.values["about"]).startswith(term)]
            if own:
                return [float(row["value"]) for row in own]
        return []

    @property
    def checks(self) -> tuple[int, int]:
        """Features that posterior predictive checks miss, and features that were checked."""
        rows = [row for row in self.rows if row.values["measure"].startswith(_CHECK)]
        return sum(row["verdict"] == "warning" for row in rows), len(rows)

    def told(self, verdict: str) -> list[str]:
        """Return the sentences of all faults, or of all warnings."""
        rows = (row for row in self.rows if row.values["verdict"] == verdict)
        return [str(row["words"]) for row in rows if not is_missing(row.values["words"])]


def fits_of(data: CitedResults, analysis: Analysis, prior: str) -> list[FitEvidence]:
    """Return the fits of an analysis under one prior; a hierarchical one is one fit of all outcomes."""
    return list(_fits(data, analysis, prior))


def _fits(data: CitedResults, analysis: Analysis, prior: str) -> Iterator[FitEvidence]:
    for outcome in posterior_outcomes(data, analysis):
        for kind in bayes_kinds(analysis):
            if is_family(outcome) != (kind == POOLED):
                continue
            method = BAYES_METHODS[kind][PRIOR_SETS.index(prior)]
            rows = data.rows("evidence", analysis=analysis.name, outcome=outcome.name, method=method)
            failure = _failure(data, analysis, outcome, kind, prior)
            if failure is not None or rows:
                yield FitEvidence(outcome, kind, prior, rows, failure or "")


def _failure(data: CitedResults, analysis: Analysis, outcome: Outcome, kind: str, prior: str) -> str | None:
    """Return why a fit failed; empty where it did not, None where the store has no estimate of it."""
    outcomes = [family_outcome(), *data.outcomes_of(analysis)] if kind == POOLED else [outcome]
    effects = [effect for one in outcomes for effect in posteriors_of(data, analysis, one, kind)[prior]]
    if not effects:
        return None
    return next((effect.failure for effect in effects if effect.failure), "")
