"""What is assumed of missing outcomes: imputation, its tipping points, and weights for being observed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.formulas import formula_names
from neurotrial.models.cells import cell_participants
from neurotrial.models.descriptives import population_members
from neurotrial.models.missing_data.selection import selection_weights
from neurotrial.models.randomised_table import randomised_table
from neurotrial.models.sensitivity_variations.variation import Variation
from neurotrial.models.study_methods import estimate_cell
from neurotrial.models.study_sensitivity import tipped

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell
    from neurotrial.models.missing_data.tipping import TippingPoint

__all__ = ["missing_variations"]

_ASSUMED = {
    "impute_mar": "imputation, missing at random",
    "impute_j2r": "imputation, jump to reference",
}
_WAYS = {"cm": "jackknife", "bayes": "Rubin’s rules"}
_TIPPING = "imputed values (MAR) of the compared arm shifted until the conclusion changes"
_WEIGHTED = "weighted for being observed"


def missing_variations(cell: Cell, data: StudyData) -> Iterator[Variation]:
    """Yield imputation and tipping points over the widest population, and weights over all randomised."""
    wide = replace(cell, population=_widest(data))
    label = next(item.label for item in data.study.populations if item.name == wide.population)
    nobody = f"nobody misses the outcome in the population {label!r}"
    complete = cell_participants(wide, data)[["follow_up", "baseline"]].notna().all(axis=None)
    for method, words in _ASSUMED.items():
        said = f"{words} ({label})"
        compute = None if complete else partial(_imputed, wide, data, method, said)
        yield Variation(method, "missing", said, wide.population, compute, reason=nobody if complete else "")
    yield Variation(
        "tipping",
        "tipping",
        _TIPPING,
        wide.population,
        None if complete else partial(_tipping_rows, wide, data),
        reason=nobody if complete else "",
    )
    yield _weights(cell, data)


def _widest(data: StudyData) -> str:
    """Return the population with the most members; the first of those without a flag where several have as many."""
    people = data.tables["participants"]
    sizes = {
        item.name: (len(population_members(data.study, people, item.name)), item.flag is None)
        for item in data.study.populations
    }
    return max(sizes, key=lambda name: sizes[name])


def _imputed(cell: Cell, data: StudyData, method: str, words: str) -> pd.DataFrame:
    """Return both ways of inference after imputation, each a variation of its own."""
    rows = estimate_cell(cell, data, [method])
    rows = rows[rows["term"] == "arm"].reset_index(drop=True)
    ways = rows["method"].str.removeprefix(f"{method}_").map(_WAYS)
    return rows.assign(variation=rows["method"], description=words + ", " + ways)


def _tipping_rows(cell: Cell, data: StudyData) -> pd.DataFrame:
    reference = data.study.reference_arm.name
    arms = [arm for arm in data.study.arms if arm.name != reference]
    return pd.concat(
        [_tipping_of(cell, tipped(cell, data, "MAR", arm.name), arm.label) for arm in arms],
        ignore_index=True,
    )


def _tipping_of(cell: Cell, found: TippingPoint, label: str) -> pd.DataFrame:
    """Return a row for each delta at which the conclusion changes, or one that says that there is none."""
    contrast = f"{found.compared} - {found.reference}"
    whole = found.imputation.tidy()
    (base,) = whole[(whole["visit"] == cell.visit) & (whole["contrast"] == contrast)].to_dict("records")
    verb = "lost" if base["p_value"] <= found.alpha else "gained"
    crossings = found.crossings[found.crossings["visit"] == cell.visit].dropna(subset="delta")
    if crossings.empty:
        words = f"no shift of the imputed values of {label} up to 5 residual SDs changes the significance"
        return pd.DataFrame([{**base, "variation": "tipping", "description": words, "delta": np.nan}])
    made = []
    for direction, delta in crossings[["direction", "delta"]].itertuples(index=False, name=None):
        shifted = _shifted(found, float(delta), cell.visit)
        words = f"imputed values of {label} shifted {direction} until significance is {verb}"
        own: dict[Any, Any] = {
            "variation": f"tipping_{direction}",
            "description": words,
            "delta": float(delta),
        }
        made.append(base | shifted | own)
    return pd.DataFrame(made)


def _shifted(found: TippingPoint, delta: float, visit: str) -> dict[str, Any]:
    """Return the comparison at a visit with one delta of the compared arm."""
    arms, visits = found.imputation.table.arms, found.imputation.table.visits
    number, at = arms.index(found.compared), visits.index(visit)
    shift = np.zeros((1, len(arms)))
    shift[0, number] = delta
    tested = found.imputation.inferred(shift)
    columns = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    return {name: float(getattr(tested, name)[0, at, number - 1]) for name in columns}


def _weights(cell: Cell, data: StudyData) -> Variation:
    table = _randomised(cell, data)
    predictors = _predictors(cell, data, table)
    reason = ""
    if table["follow_up"].notna().all():
        reason = "nobody misses the outcome: everybody randomised was observed"
    elif not predictors:
        reason = "no predictor is known for all randomised: name selection_predictors in the study file"
    named = ["baseline" if name == _baseline_name(cell) else name for name in predictors]
    words = f"{_WEIGHTED}, by {', '.join(named)}" if named else _WEIGHTED
    compute = None if reason else partial(_weighted, cell, data, table, predictors)
    return Variation("selection_weights", "missing", words, cell.population, compute, reason=reason)


def _baseline_name(cell: Cell) -> str:
    return f"{cell.outcome.name}_at_baseline"


def _randomised(cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return all randomised, with the baseline also of those who are not in the population of the cell."""
    rows = data.outcomes[data.outcomes["outcome"] == cell.outcome.name]
    first = rows[rows["visit"] == cell.visit].set_index("participant_id")["baseline"]
    table = randomised_table(cell, data)
    known = first.reindex(table["participant_id"]).to_numpy(dtype="float64")
    return table.assign(**{_baseline_name(cell): known})


def _predictors(cell: Cell, data: StudyData, table: pd.DataFrame) -> tuple[str, ...]:
    """Return the declared predictors of being observed, else those known for everybody of baseline and covariates."""
    declared = [cell.analysis.selection_predictors]
    declared += [
        other.selection_predictors
        for other in data.study.analyses
        if cell.outcome.name in data.study.estimand_of(other).outcomes
    ]
    named = next((tuple(terms) for terms in declared if terms), None)
    terms = (_baseline_name(cell), *cell.analysis.covariates)
    return named or tuple(term for term in terms if table[formula_names(term)].notna().all(axis=None))


def _weighted(cell: Cell, data: StudyData, table: pd.DataFrame, predictors: Sequence[str]) -> pd.DataFrame:
    study = data.study
    return selection_weights(
        table,
        outcome="follow_up",
        baseline="baseline",
        arm="arm",
        predictors=predictors,
        covariates=cell.analysis.covariates,
        reference=study.reference_arm.name,
        n_resamples=0,
        conf_level=study.conf_level,
        visit=cell.visit,
    ).tidy()
