"""From specifications to linear cells: participants, response and adjustment of each, shared where they are the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.design import covariate_matrix
from neurotrial.models.specifications.linear_cell import Adjustment, LinearCell, adjustment
from neurotrial.specifications import LINEAR

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.specifications.participants import People
    from neurotrial.models.student import FloatArray
    from neurotrial.specifications import Specification

__all__ = ["CellMaker", "LinearSpecification"]

_FEWEST = 2
_CHANGES = ("change_welch", "change_pooled", "mmrm_group_time")


@dataclass(frozen=True)
class LinearSpecification:
    """A specification that is linear and Gaussian.

    Attributes
    ----------
    cell : LinearCell
        What is fitted.
    matrix : array of float, shape (m, p)
        Model matrix of its response at follow-up: intercept, arm, and what has a slope.
    offset : array of float, shape (m,)
        Baseline where the response is a change, else 0: the response at follow-up is the cell's plus this.
    """

    cell: LinearCell
    matrix: FloatArray
    offset: FloatArray


@dataclass
class CellMaker:
    """Makes the cells of a multiverse, each adjustment and covariate matrix once.

    Attributes
    ----------
    people : People
        All randomised.
    """

    people: People
    _covariates: dict[Any, FloatArray] = field(default_factory=dict)
    _adjustments: dict[Any, Adjustment] = field(default_factory=dict)

    def linear(self, specification: Specification) -> LinearSpecification | None:
        """Return the cell of a specification; None where it is not linear and Gaussian.

        Raises
        ------
        InputError
            If too few participants have everything, or its covariates are aliased.
        """
        one = specification
        if one.model not in LINEAR or one.missing != "complete":
            return None
        pair, members = self.people.pair(one), self.people.members(one)
        complete = members & np.isfinite(pair).all(axis=1) & self.people.complete(one.covariates)
        if one.model == "mmrm_group_time" and (one.covariance != "us" or _some(members, pair, complete)):
            return None
        seen = np.flatnonzero(complete)
        self._enough(seen)
        change = one.model in _CHANGES
        offset = pair[seen, 0] if change else np.zeros(seen.size)
        shared = self._adjustment(one, seen, pair)
        cell = LinearCell(shared, pair[seen, 1] - offset, _errors(one.model))
        matrix = np.column_stack([shared.basis, self.people.labels[seen]])
        return LinearSpecification(cell, matrix, offset)

    def _enough(self, seen: np.ndarray) -> None:
        for name, count in self.people.counts(seen).items():
            if count < _FEWEST:
                rule = f"arm {name!r} has {count} of the {_FEWEST} participants that it needs"
                raise refuse("participants", rule, "leave the option out, or forbid the combination")

    def _adjustment(self, one: Specification, seen: np.ndarray, pair: FloatArray) -> Adjustment:
        adjusted = one.model.startswith("ancova")
        baseline = (one.variant, one.transformation) if adjusted else None
        key = (seen.tobytes(), one.covariates, baseline)
        if key not in self._adjustments:
            parts = [pair[seen, :1]] if adjusted else []
            if adjusted and np.ptp(pair[seen, 0]) == 0:
                raise refuse("baseline", "is the same in all participants", "use a model without baseline")
            parts.append(self._covariate_matrix(one, seen))
            self._adjustments[key] = adjustment(seen, np.hstack(parts))
        return self._adjustments[key]

    def _covariate_matrix(self, one: Specification, seen: np.ndarray) -> FloatArray:
        key = (seen.tobytes(), one.covariates)
        if key not in self._covariates:
            rows = self.people.frame.iloc[seen].reset_index(drop=True)
            for name in rows.select_dtypes("category"):
                rows[name] = rows[name].cat.remove_unused_categories()
            made: pd.DataFrame = covariate_matrix(rows, one.covariates)
            self._covariates[key] = made.to_numpy(dtype="float64").reshape(seen.size, -1)
        return self._covariates[key]


def _some(members: np.ndarray, pair: FloatArray, complete: np.ndarray) -> bool:
    """Tell whether a mixed model would use somebody who has not both visits."""
    return bool((members & np.isfinite(pair).any(axis=1) & ~complete).any())


def _errors(model: str) -> Any:
    if model == "ancova_hc3":
        return "hc3"
    return "welch" if model in ("change_welch", "follow_up_welch") else "ols"
