"""The participants that a figure of one outcome shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.formulas import formula_names
from neurotrial.reports.cited import derived

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis, Outcome
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = ["Drawn", "axis_label", "drawn_arms", "interval_name", "mean_interval", "moderator_values", "who"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The participants of one arm that a figure shows.

    Attributes
    ----------
    label : str
        Label of the arm.
    before, after : ndarray, shape (n,)
        Values at baseline and at follow-up, in the unit of the outcome.
    """

    label: str
    before: np.ndarray[Any, np.dtype[np.float64]]
    after: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def heading(self) -> str:
        """The arm and how many of its participants are shown."""
        return f"{self.label} (n = {len(self.before)})"

    def mean_interval(self, level: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return mean, lower and upper t limit at both visits, shape (3, 2); limits are NaN for one participant."""
        return np.stack([mean_interval(values, level) for values in (self.before, self.after)], axis=1)


def mean_interval(
    values: np.ndarray[Any, np.dtype[np.float64]], level: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return mean, lower and upper t limit of values, shape (3,); limits are NaN for one value."""
    from scipy import stats

    n, mean = len(values), values.mean()
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return np.array(
        [derived("mean of participants, or its limit", end) for end in (mean, mean - half, mean + half)]
    )


def interval_name(level: float) -> str:
    """Return the name of the intervals of `mean_interval`: ``95 % CI``."""
    return f"{100 * level:.4g} % CI"


def drawn_arms(data: CitedResults, analysis: Analysis, outcome: Outcome) -> dict[str, Drawn]:
    """Return, by arm, the participants with both visits; arms without any are left out."""
    rows = _members(data, analysis, outcome)
    arms = {}
    for arm in data.study.arms:
        own = rows[rows["arm"] == arm.name]
        if len(own):
            arms[arm.name] = Drawn(
                arm.label, own["baseline"].to_numpy("float64"), own["value"].to_numpy("float64")
            )
    return arms


def _members(data: CitedResults, analysis: Analysis, outcome: Outcome) -> pd.DataFrame:
    """Return follow-up rows with both values; of the population, where the outcomes table holds its flag."""
    table = data.results.tables["outcomes"]
    visit = data.study.estimand_of(analysis).visit
    rows = table[(table["outcome"] == outcome.name) & (table["visit"] == visit)]
    flag = data.study.population_of(analysis).flag
    if flag is not None and flag in rows:
        rows = rows[rows[flag].fillna(value=False).astype(bool)]
    return rows.dropna(subset=["value", "baseline"])


def moderator_values(data: CitedResults, plan: SubgroupPlan, arms: tuple[str, str]) -> pd.DataFrame:
    """Return arm and value of the participants in whom an effect was modelled along a number.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    plan : SubgroupPlan
        The analysis.
    arms : tuple of str
        Names of the compared arm and of the reference, which has no doses.
    """
    table = data.results.tables["outcomes"]
    rows = table[(table["outcome"] == plan.outcome) & (table["visit"] == plan.visit)]
    flag = next(item.flag for item in data.study.populations if item.name == plan.population)
    if flag is not None and flag in rows:
        rows = rows[rows[flag].fillna(value=False).astype(bool)]
    used = [name for term in plan.covariates for name in formula_names(term) if name in rows]
    shown = arms[:1] if plan.kind == "dose" else arms
    rows = rows[rows["arm"].isin(shown)].dropna(subset=["value", "baseline", plan.by, *used])
    return rows[["arm"]].assign(value=rows[plan.by].to_numpy(dtype="float64")).reset_index(drop=True)


def who(data: CitedResults, analysis: Analysis, outcome: Outcome, arms: dict[str, Drawn]) -> str:
    """Say how many participants are drawn, and how many of them were analysed if that is not the same."""
    drawn = sum(len(arm.before) for arm in arms.values())
    analysed = data.n_analysed(analysis, outcome.name)
    same = f"{drawn} participants with both visits"
    if drawn < analysed:
        return f"{same}; the analysis of {analysed} imputes what others miss"
    return same if drawn == analysed else f"{same}, of whom {analysed} are in the analysis"


def axis_label(outcome: Outcome) -> str:
    """Return outcome and unit."""
    return f"{outcome.label}, {outcome.unit}"
