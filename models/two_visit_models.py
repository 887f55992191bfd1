"""Mixed models of the two visits of a trial, from one row per participant: group x time, and a common baseline mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models.change import Comparison
from neurotrial.models.repeated_measures.clda_fit import clda
from neurotrial.models.repeated_measures.mmrm_fit import mmrm

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.result import Mmrm
    from neurotrial.models.tidy import Estimate

__all__ = ["TwoVisitTable", "by_visit", "common_baseline", "group_by_time"]

_FIRST, _SECOND = "baseline", "follow_up"


@dataclass(frozen=True, slots=True)
class TwoVisitTable:
    """A table of participants, its columns, and the arm that the others are compared with."""

    frame: pd.DataFrame
    outcome: str
    baseline: str
    arm: str
    reference: str

    def long(self) -> pd.DataFrame:
        """Return a row for each participant and visit, the arms with the reference first."""
        arms = self.frame[self.arm].astype("str")
        order = [self.reference, *(name for name in self._order() if name != self.reference)]
        shared = self.frame.drop(columns=[self.outcome, self.baseline])
        shared[self.arm] = pd.Categorical(arms, order)
        shared["participant"] = shared.index if self.frame.index.is_unique else np.arange(len(shared))
        parts = [
            shared.assign(visit=visit, value=self.frame[column].to_numpy(dtype="float64"))
            for visit, column in ((_FIRST, self.baseline), (_SECOND, self.outcome))
        ]
        return pd.concat(parts, ignore_index=True)

    def _order(self) -> list[str]:
        column = self.frame[self.arm]
        present = set(column.dropna().astype("str"))
        if isinstance(column.dtype, pd.CategoricalDtype):
            return [str(name) for name in column.cat.categories if str(name) in present]
        return sorted(present)


def group_by_time(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str,
    covariates: Sequence[str] = (),
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the change between arms in an unstructured mixed model for repeated measures of both visits.

    Everybody with one of the two values counts. With complete data and no covariates it is the pooled t of the change.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline, and the arm.
    reference : str
        The arm that the others are compared with.
    covariates : sequence of str
        Columns or formula terms; each has a slope at each visit.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``mmrm_group_time``; ``reason`` says how it was tested.

    Raises
    ------
    InputError
        As `neurotrial.models.mmrm`.
    """
    table = TwoVisitTable(data, outcome, baseline, arm, reference)
    terms = f"{arm} * visit{by_visit(covariates)}"
    fit = mmrm(f"value ~ {terms}", table.long(), subject="participant", visit="visit")
    return _comparison(fit, arm, "group_by_time", "mmrm_group_time", conf_level, visit)


def common_baseline(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str,
    covariates: Sequence[str] = (),
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare arms at follow-up in a mixed model whose arms have one mean at baseline; arguments as `group_by_time`.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``clda``.
    """
    table = TwoVisitTable(data, outcome, baseline, arm, reference)
    terms = f"1{by_visit(covariates)}"
    fit = clda(f"value ~ {terms}", table.long(), subject="participant", visit="visit", arm=arm)
    return _comparison(fit, arm, "arm", "clda", conf_level, visit)


def by_visit(covariates: Sequence[str]) -> str:
    """Return the terms of covariates that each have a slope at each visit, to be added to a formula."""
    return f" + ({' + '.join(covariates)}) * visit" if covariates else ""


def _comparison(fit: Mmrm, arm: str, term: str, method: str, conf_level: float, visit: str) -> Comparison:
    people = fit.long.frame.drop_duplicates("participant")[arm].astype("str").value_counts()
    counts = {name: int(people[name]) for name in fit.design.factors[arm]}
    template: dict[str, Any] = {"method": method, "term": "arm", "visit": visit, "n_per_arm": counts}
    rows: list[Estimate] = [
        replace(row, **template, contrast=row.contrast.split(" @ ")[0])
        for row in fit.effect_rows(arm, conf_level)
        if row.term == term and row.visit == _SECOND
    ]
    return Comparison(tuple(rows), "; ".join(fit.decisions))
