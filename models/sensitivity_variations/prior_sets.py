"""The posteriors that the fit of the study has: each Bayesian model under each set of priors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.models.sensitivity_variations.variation import Variation

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.cells import Cell


__all__ = ["prior_variations"]

_MODELS = {
    "bayes_ancova": "Bayesian ANCOVA",
    "bayes_group_time": "Bayesian group × time",
    "bayes_bounded": "Bayesian bounded score",
    "bayes_outcomes": "Bayesian hierarchical model",
}


def prior_variations(cell: Cell, estimates: pd.DataFrame | None) -> Iterator[Variation]:
    """Yield the stored posteriors of a cell; nothing is sampled.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    estimates : DataFrame or None
        The results table of that name; None where the study has not been fitted.
    """
    methods = [name for name in cell.analysis.methods if name in BAYES_METHODS]
    words = "posterior under another prior"
    if not methods or estimates is None:
        reason = (
            "the posteriors were not handed over: give the table `estimates` of a fit"
            if methods
            else "the analysis has no Bayesian method"
        )
        yield Variation("prior", "prior", words, cell.population, reason=reason)
        return
    own = estimates[(estimates["term"] == "arm") & _in_cell(cell, estimates)]
    for method in methods:
        for slug, prior in zip(BAYES_METHODS[method], PRIOR_SETS, strict=True):
            rows = own[own["method"] == slug].reset_index(drop=True)
            said = f"{_MODELS[method]}, {prior} prior"
            reason = "the fit of the study has no such posterior" if rows.empty else ""
            compute = None if rows.empty else partial(rows.copy)
            yield Variation(slug, "prior", said, cell.population, compute, reason=reason)


def _in_cell(cell: Cell, estimates: pd.DataFrame) -> pd.Series[bool]:
    wanted = cell.place | {"visit": cell.visit}
    return (estimates[list(wanted)].astype("str") == list(wanted.values())).all(axis=1)
