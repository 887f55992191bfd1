"""Other estimators of the same comparison: robust and rank methods, more, fewer and no covariates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from neurotrial.method_names import BOUNDED, IMPUTATIONS
from neurotrial.models.sensitivity_variations.variation import Variation, compared_again, method_of, rows_of

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["covariate_variations", "model_variations"]

_ADJUSTING = (
    "ancova", "group_time", "clda", "rerandomisation", "freedman_lane", "robust", "median", "selection_weights", *BOUNDED,
    *IMPUTATIONS,
)  # fmt: skip
"""Methods that adjust for baseline and covariates."""
_ADJUSTED = "ancova_hc3"
_MODELS = {
    "robust": ("mm_regression", "robust regression (MM)"),
    "ranks": ("mann_whitney", "ranks of the change (Mann–Whitney)"),
}
_PLAIN = {
    "unadjusted": ("follow_up_welch", "unadjusted: follow-up values only"),
    "change_score": ("change_welch", "change from baseline, no regression on it"),
}


def model_variations(cell: Cell, data: StudyData) -> Iterator[Variation]:
    """Yield robust regression and the rank test."""
    for name, (slug, words) in _MODELS.items():
        yield Variation(name, "model", words, cell.population, partial(rows_of, cell, data, slug))


def covariate_variations(cell: Cell, data: StudyData) -> Iterator[Variation]:
    """Yield the comparison unadjusted, adjusted for baseline only, and for covariates."""
    for name, (slug, words) in _PLAIN.items():
        yield Variation(name, "covariates", words, cell.population, partial(rows_of, cell, data, slug))
    own = cell.analysis.covariates
    main_adjusts = _adjusts(cell)
    if main_adjusts and not own:
        reason = "baseline is all that the main analysis adjusts for"
        yield Variation(
            "baseline_only", "covariates", "adjusted for baseline only", cell.population, reason=reason
        )
    else:
        yield _adjusted(cell, data, "baseline_only", "adjusted for baseline only", ())
    if own and not main_adjusts:
        yield _adjusted(
            cell, data, "covariates", f"adjusted for baseline and {_listed(data, own)}", tuple(own)
        )
    others = list(_other_sets(cell, data))
    for name, terms in others:
        words = f"adjusted for baseline and {_listed(data, terms)}, as in the analysis {name!r}"
        yield _adjusted(cell, data, f"covariates_{name}", words, terms)
    if not own and not others:
        reason = "no analysis of this outcome names covariates"
        yield Variation("covariates", "covariates", "adjusted for covariates", cell.population, reason=reason)


def _adjusts(cell: Cell) -> bool:
    main = cell.analysis.main_method
    return not main.startswith("bayes_") and method_of(cell, main) in _ADJUSTING


def _adjusted(cell: Cell, data: StudyData, name: str, words: str, terms: Sequence[str]) -> Variation:
    update = {"covariates": list(terms)} | ({} if _adjusts(cell) else {"main_method": _ADJUSTED})
    other = replace(cell, analysis=cell.analysis.model_copy(update=update))
    return Variation(name, "covariates", words, cell.population, partial(compared_again, other, data))


def _other_sets(cell: Cell, data: StudyData) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the covariates of other analyses of the outcome, each set once, with the name of the analysis."""
    seen = {tuple(cell.analysis.covariates), ()}
    for analysis in data.study.analyses:
        terms = tuple(analysis.covariates)
        if cell.outcome.name in data.study.estimand_of(analysis).outcomes and terms not in seen:
            seen.add(terms)
            yield analysis.name, terms


def _listed(data: StudyData, terms: Sequence[str]) -> str:
    labels = {item.name: item.label.lower() for item in data.study.characteristics}
    return ", ".join(labels.get(term, term) for term in terms)
