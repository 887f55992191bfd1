"""Two visits on the scale of the priors: less the mean of baseline, over its SD within arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import arm_table
from neurotrial.models.design import build_design, covariate_problems, term_columns

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.checks import ArmTable

__all__ = ["Standardised", "TwoVisits", "standardise"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_NO_SPREAD = 1e-12
"""A spread below this share of the largest value is rounding."""


@dataclass(frozen=True, slots=True)
class TwoVisits:
    """Two visits of complete participants on a standardised scale.

    Attributes
    ----------
    baseline, follow_up : ndarray, shape (n,)
        Less the mean of baseline, over its pooled SD.
    arms : ndarray, shape (n, compared arms)
        1 for who is in the compared arm, else 0.
    covariates : ndarray, shape (n, q)
        Centred, over their SD.
    """

    baseline: FloatArray
    follow_up: FloatArray
    arms: FloatArray
    covariates: FloatArray


@dataclass(frozen=True, slots=True)
class Standardised:
    """Two visits with what leads back to the unit of the outcome.

    Attributes
    ----------
    visits : TwoVisits
        Values on the standardised scale.
    table : ArmTable
        The participants, their arms, and who was left out.
    centre, sd : float
        Mean of baseline and its SD pooled over the arms, in the unit of the outcome.
    """

    visits: TwoVisits
    table: ArmTable
    centre: float
    sd: float


def standardise(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
) -> Standardised:
    """Check a table of participants and put it on the scale of the priors.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms such as ``"log(lesion_volume_ml)"``.

    Returns
    -------
    Standardised
        The participants who miss nothing.

    Raises
    ------
    InputError
        If the table breaks a rule of `neurotrial.models.checks.arm_table`, outcome and baseline are one column, a
        covariate is no safe term, or baseline or a covariate does not vary, so that it has no SD.
    """
    if outcome == baseline:
        raise refuse("outcome, baseline", f"{outcome!r} is both", "name two columns")
    problems = covariate_problems(covariates, data, (outcome, baseline, arm))
    if problems:
        raise InputError(problems)
    columns = [name for term in covariates for name in term_columns(term, data)]
    table = arm_table(
        data, arm=arm, numeric=(outcome, baseline), others=tuple(dict.fromkeys(columns)), reference=reference
    )
    before = table.frame[baseline].to_numpy(dtype="float64")
    after = table.frame[outcome].to_numpy(dtype="float64")
    labels = table.frame[arm].to_numpy()
    centre, sd = float(before.mean()), _pooled_sd(table, baseline)
    if sd <= _NO_SPREAD * np.abs(before).max():
        rule = "does not vary within the arms: its SD, the scale of the priors, is 0"
        remedy = "check the column; a constant baseline has no place in these models"
        raise InputError([Problem(f"column {baseline!r}", rule, remedy)])
    arms = np.column_stack([labels == name for name in table.compared]).astype("float64")
    visits = TwoVisits(
        (before - centre) / sd,
        (after - centre) / sd,
        arms,
        _scaled_covariates(table, baseline, covariates),
    )
    return Standardised(visits, table, centre, sd)


def _pooled_sd(table: ArmTable, column: str) -> float:
    values = [table.values(column, name) for name in table.arms]
    squares = sum(float(((own - own.mean()) ** 2).sum()) for own in values)
    return float(np.sqrt(squares / sum(len(own) - 1 for own in values)))


def _scaled_covariates(table: ArmTable, baseline: str, covariates: Sequence[str]) -> FloatArray:
    if not covariates:
        return np.empty((len(table.frame), 0))
    # intercept and baseline stand first, the arms last
    terms = build_design(table, baseline, covariates).matrix.iloc[:, 2 : -len(table.compared)]
    values = terms.to_numpy(dtype="float64")
    sds = values.std(axis=0, ddof=1)
    constant = sds <= _NO_SPREAD * np.abs(values).max(axis=0)
    if constant.any():
        rule = "does not vary: its SD, the scale of its prior, is 0"
        raise InputError(
            [
                Problem(f"covariate {name!r}", rule, "leave it out")
                for name in np.asarray(terms.columns)[constant]
            ]
        )
    return np.asarray((values - values.mean(axis=0)) / sds)
