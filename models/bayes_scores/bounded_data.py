"""Scores that stay on a declared scale, at two visits, checked at the door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.bayes.model import Observed
from neurotrial.models.bayes.standardised import standardise
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.sentences import Direction

__all__ = ["BoundedScores", "bounded_scores"]

IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class BoundedScores:
    """Complete participants with their scores, and what leads to the scale of the priors.

    Attributes
    ----------
    outcome : str
        Column of the follow-up, for messages.
    visit : str
        Name of the follow-up visit.
    bounds : tuple of float
        Ends of the scale, in points.
    whole : bool
        Whether scores are whole points.
    direction : {"higher_is_better", "lower_is_better"}
        Which end is the good one.
    participants : tuple of str, length n
        Who.
    arms : tuple of str
        The reference, then the arms compared with it.
    follow_up, baseline : ndarray, shape (n,)
        In points.
    codes : ndarray of int, shape (n,)
        Place of each participant's arm in `arms`.
    covariates : ndarray, shape (n, q)
        Centred, over their SD.
    centre, sd : float
        Mean of baseline and its SD pooled over the arms, in points; of the participants at construction.
    """

    outcome: str
    visit: str
    bounds: tuple[float, float]
    whole: bool
    direction: Direction
    participants: tuple[str, ...]
    arms: tuple[str, ...]
    follow_up: FloatArray
    baseline: FloatArray
    codes: IntArray
    covariates: FloatArray
    centre: float
    sd: float

    @property
    def sign(self) -> int:
        """Sign of a benefit."""
        return 1 if self.direction == "higher_is_better" else -1

    @property
    def width(self) -> float:
        """Points from one end of the scale to the other."""
        return self.bounds[1] - self.bounds[0]

    @property
    def good_end(self) -> float:
        """The end that recovery leads to, in points."""
        return self.bounds[1] if self.sign > 0 else self.bounds[0]

    @property
    def compared(self) -> tuple[str, ...]:
        """The arms other than the reference."""
        return self.arms[1:]

    @property
    def observed(self) -> Observed:
        """The follow-up scores as a model's values."""
        labels = tuple(self.arms[code] for code in self.codes)
        return Observed(self.follow_up[:, None], (self.visit,), self.participants, labels, (self.bounds,))

    def share(self, points: FloatArray) -> FloatArray:
        """Return scores as shares of the scale, in [0, 1]."""
        return np.asarray((points - self.bounds[0]) / self.width)

    def dummies(self, codes: IntArray) -> FloatArray:
        """Return a column for each compared arm, 1 for who is in it, shape (n, compared)."""
        return np.eye(len(self.arms))[codes][:, 1:]

    def without(self, participants: Sequence[int]) -> BoundedScores:
        """Return the scores of the others, by row number; mean and SD of the scale stay."""
        kept = np.setdiff1d(np.arange(len(self.participants)), np.asarray(participants, dtype=int))
        return replace(
            self,
            participants=tuple(self.participants[row] for row in kept),
            follow_up=self.follow_up[kept],
            baseline=self.baseline[kept],
            codes=self.codes[kept],
            covariates=self.covariates[kept],
        )

    def with_values(self, values: FloatArray) -> BoundedScores:
        """Return other follow-up scores of the same participants, shape (n, 1).

        Raises
        ------
        InputError
            If a value is missing or outside the bounds, or not whole where scores are whole points.
        """
        given = np.asarray(values, dtype="float64")[:, 0]
        told = [f"{who}: {value:g}" for who, value in zip(self.participants, given, strict=True)]
        problems = list(_score_problems(self.outcome, given, told, self.bounds, whole=self.whole))
        if problems:
            raise InputError(problems)
        return replace(self, follow_up=given)


def bounded_scores(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    bounds: tuple[float, float],
    whole: bool,
    direction: Direction,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    visit: str = "follow_up",
) -> BoundedScores:
    """Check a table of participants whose scores have a floor and a ceiling.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out.
    outcome, baseline, arm : str
        Columns with the score at follow-up, the score at baseline and the arm.
    bounds : tuple of float
        Lowest and highest possible score.
    whole : bool
        Whether the follow-up must be whole points above the lowest.
    direction : {"higher_is_better", "lower_is_better"}
        Which end is the good one.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms.
    visit : str
        Name of the follow-up visit.

    Returns
    -------
    BoundedScores

    Raises
    ------
    InputError
        As `neurotrial.models.bayes.standardised.standardise`; if the bounds do not increase, or do not hold a whole
        number of points where that is needed; if a score lies outside them, or is not whole.
    """
    _check_bounds(bounds, whole=whole)
    found = standardise(
        data, outcome=outcome, baseline=baseline, arm=arm, reference=reference, covariates=covariates
    )
    table, order = found.table, (found.table.reference, *found.table.compared)
    problems = [
        problem
        for column, own in ((outcome, whole), (baseline, False))
        for problem in _score_problems(
            column,
            table.frame[column].to_numpy(dtype="float64"),
            describe_rows(table.frame, table.frame.index, (arm, column)),
            bounds,
            whole=own,
        )
    ]
    if problems:
        raise InputError(problems)
    return BoundedScores(
        outcome=outcome,
        visit=visit,
        bounds=(float(bounds[0]), float(bounds[1])),
        whole=whole,
        direction=direction,
        participants=tuple(str(name) for name in table.frame.index),
        arms=order,
        follow_up=table.frame[outcome].to_numpy(dtype="float64"),
        baseline=table.frame[baseline].to_numpy(dtype="float64"),
        codes=np.array([order.index(name) for name in table.frame[arm]], dtype="int64"),
        covariates=found.visits.covariates,
        centre=found.centre,
        sd=found.sd,
    )


def _check_bounds(bounds: tuple[float, float], *, whole: bool) -> None:
    low, high = bounds
    if not (np.isfinite(bounds).all() and low < high):
        rule = f"must be finite and increase; got {low:g} and {high:g}"
        raise refuse("bounds", rule, "give the lowest and the highest possible score")
    if whole and high - low != round(high - low):
        rule = f"must lie a whole number of points apart; got {low:g} and {high:g}"
        raise refuse("bounds", rule, "correct the bounds, or choose the ordered beta model")


def _score_problems(
    column: str, values: FloatArray, told: Sequence[str], bounds: tuple[float, float], *, whole: bool
) -> Iterator[Problem]:
    """Yield what is wrong with the scores of a column; `told` describes each row."""
    where, (low, high) = f"column {column!r}", bounds
    inside = (values >= low) & (values <= high)
    if not inside.all():
        rows = tuple(told[row] for row in np.flatnonzero(~inside).tolist())
        yield Problem(where, f"must lie on the scale, from {low:g} to {high:g}", "correct them or it", rows)
    broken = np.flatnonzero(inside & (values - low != np.round(values - low)))
    if whole and len(broken):
        rule = f"must be whole points above {low:g}"
        rows = tuple(told[row] for row in broken.tolist())
        yield Problem(where, rule, "correct the values, or choose the ordered beta model", rows)
