"""The Gaussian model from which outcomes are imputed: visits after baseline given baseline, or jointly with it.

Where everybody has a baseline, it explains the later visits (with slopes of their own), as in rbmi. Where somebody
has none, it is the first of the outcomes, with one mean for all arms, as randomisation makes it; its missing values
are then imputed like the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.design import aliased_columns
from neurotrial.models.repeated_measures.named import structure
from neurotrial.models.repeated_measures.solution import solve
from neurotrial.models.repeated_measures.working import Rows, working

if TYPE_CHECKING:
    from neurotrial.models.missing_data.layout import Layout
    from neurotrial.models.student import FloatArray

__all__ = ["Gaussian", "Parameters", "gaussian"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of many fits.

    Attributes
    ----------
    coefficients : array of float, shape (n_cells, p)
        Of the means.
    covariance : array of float, shape (n_cells, G, L, L)
        Of the levels; one, or one for each arm.
    reasons : tuple of str
        Why a cell has no fit; empty for those that have one.
    """

    coefficients: FloatArray
    covariance: FloatArray
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The model of the L levels: the visits after baseline, with the baseline before them if it is an outcome.

    Attributes
    ----------
    y : array of float, shape (n, L)
        Outcomes; NaN where missing.
    fitted : array of bool, shape (n, L)
        Which of them the model is fitted to: not those after an event whose strategy is not MAR.
    x, x_reference : array of float, shape (n, L, p)
        Model matrix with each participant's own arm, and with the reference arm.
    names : tuple of str
        Names of the coefficients.
    group : array of int, shape (n,)
        Which covariance belongs to a participant.
    n_groups : int
        Covariances; 1 unless each arm has its own.
    affected : array of int, shape (n,)
        First level that an event affects; L where there is none.
    joint : bool
        Whether the first level is the baseline.
    baseline_slopes : array of int, shape (L,), or None
        Coefficients of the baseline at each level, where it explains the others and is on their scale.
    """

    y: FloatArray
    fitted: np.ndarray
    x: FloatArray
    x_reference: FloatArray
    names: tuple[str, ...]
    group: np.ndarray
    n_groups: int
    affected: np.ndarray
    joint: bool
    baseline_slopes: np.ndarray | None

    def fit(self, replicates: FloatArray | None = None) -> Parameters:
        """Fit by restricted maximum likelihood.

        Parameters
        ----------
        replicates : array of float, shape (n, n_cells), optional
            How often each participant counts in each cell; once, in one cell, by default.

        Raises
        ------
        InputError
            If terms are aliased in the data of all participants.
        """
        rows, people = self.rows()
        self._check_rank(rows)
        counts = np.ones((len(self.y), 1)) if replicates is None else replicates
        y = np.repeat(self.y[self.fitted][:, None], counts.shape[1], axis=1)
        work = working(rows, y, None if replicates is None else counts[people])
        groups = tuple(str(number) for number in range(self.n_groups)) if self.n_groups > 1 else ()
        levels = tuple(str(number) for number in range(self.y.shape[1]))
        found = solve(work, structure("us", levels, None, groups), reml=True)
        return Parameters(
            found.estimates(np.eye(rows.x.shape[1])), self._blocks(found.covariance), found.reasons
        )

    def rows(self) -> tuple[Rows, np.ndarray]:
        """Return the rows of the fit, and the participants who have any."""
        person, level = np.nonzero(self.fitted)
        people, number = np.unique(person, return_inverse=True)
        shifted = level + (self.group[person] * self.y.shape[1] if self.n_groups > 1 else 0)
        return Rows(self.x[self.fitted], number, shifted, self.y.shape[1] * self.n_groups), people

    def _blocks(self, covariance: FloatArray) -> FloatArray:
        L = self.y.shape[1]
        blocks = [covariance[:, g * L : (g + 1) * L, g * L : (g + 1) * L] for g in range(self.n_groups)]
        return np.stack(blocks, axis=1)

    def _check_rank(self, rows: Rows) -> None:
        n, p = rows.x.shape
        aliased = aliased_columns(pd.DataFrame(rows.x, columns=list(self.names)))
        if aliased or n <= p:
            rule = f"{n} observed outcomes cannot tell {p} coefficients apart; combinations of others: "
            remedy = "leave out covariates, or visits that few have"
            raise refuse("imputation model", rule + (", ".join(aliased) or "none"), remedy)


def gaussian(table: Layout, *, strategy: str, covariance_by_arm: bool, covariates_by_visit: bool) -> Gaussian:
    """Return the imputation model of a table.

    Parameters
    ----------
    table : Layout
        Participants by visits.
    strategy : str
        What is assumed after an event; outcomes observed after it are kept out of the fit unless it is ``"MAR"``.
    covariance_by_arm : bool
        Whether each arm has a covariance of its own.
    covariates_by_visit : bool
        Whether covariates have a slope at each visit; always so where the baseline is an outcome.

    Raises
    ------
    InputError
        If a baseline that is a column of its own is missing.
    """
    joint = bool(np.isnan(table.baseline).any())
    if joint and not table.same_scale:
        lacking = table.people[table.subject][np.isnan(table.baseline)].astype("str")
        remedy = "give the values, or a baseline visit, whose missing values are imputed too"
        raise refuse("baseline", "is missing for some", remedy, tuple(lacking))
    y = np.column_stack([table.baseline, table.outcomes]) if joint else table.outcomes
    affected = table.affected + joint
    after = np.arange(y.shape[1]) >= affected[:, None]
    fitted = ~np.isnan(y) & ~(after & (strategy != "MAR"))
    parts = _Columns(table, joint=joint, by_visit=covariates_by_visit or joint)
    slopes = None if joint or not table.same_scale else parts.slopes
    group = table.arm if covariance_by_arm else np.zeros_like(table.arm)
    return Gaussian(
        y=y,
        fitted=fitted,
        x=parts.matrix(table.arm),
        x_reference=parts.matrix(np.zeros_like(table.arm)),
        names=tuple(parts.names),
        group=group,
        n_groups=len(table.arms) if covariance_by_arm else 1,
        affected=affected,
        joint=joint,
        baseline_slopes=slopes,
    )


class _Columns:
    """The columns of the model: at each level a mean, the arms after baseline, the baseline or the covariates."""

    def __init__(self, table: Layout, *, joint: bool, by_visit: bool) -> None:
        self._table, self._joint, self._by_visit = table, joint, by_visit
        self._levels = [*(["baseline"] if joint else []), *table.visits]
        self.names = list(self._named())
        self.slopes = np.array(
            [number for number, name in enumerate(self.names) if name.startswith("baseline @")]
        )

    def _named(self) -> list[str]:
        found = []
        covariates = self._table.covariate_names
        for level, visit in enumerate(self._levels):
            found.append(f"mean @ {visit}")
            found += [f"{arm} @ {visit}" for arm in self._table.arms[1:] if level >= self._joint]
            found += [] if self._joint else [f"baseline @ {visit}"]
            found += [f"{name} @ {visit}" for name in covariates if self._by_visit]
        return found + ([] if self._by_visit else list(covariates))

    def matrix(self, arm: np.ndarray) -> FloatArray:
        """Return the model matrix with these arms, shape (n, L, p)."""
        table = self._table
        n, k = len(arm), table.covariates.shape[1]
        dummies = (arm[:, None] == np.arange(1, len(table.arms))).astype("float64")
        x = np.zeros((n, len(self._levels), len(self.names)))
        at = 0
        for level in range(len(self._levels)):
            own = [np.ones((n, 1))]
            own += [dummies] if level >= self._joint else []
            own += [] if self._joint else [table.baseline[:, None]]
            own += [table.covariates] if self._by_visit else []
            block = np.hstack(own)
            x[:, level, at : at + block.shape[1]] = block
            at += block.shape[1]
        if not self._by_visit:
            x[:, :, len(self.names) - k :] = table.covariates[:, None]
        return x
