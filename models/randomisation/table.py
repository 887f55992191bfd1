"""The door of randomisation inference: one row for each randomised participant, with or without an outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import missing_columns, number_problems
from neurotrial.models.design import covariate_matrix, covariate_problems, term_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["Randomised", "randomised"]

_ARMS = 2


@dataclass(frozen=True, slots=True)
class Randomised:
    """A checked table.

    Attributes
    ----------
    frame : DataFrame
        One row per randomised participant.
    arm, treated, reference : str
        Column with the arm, and the two arms.
    """

    frame: pd.DataFrame
    arm: str
    treated: str
    reference: str

    def values(self, column: str) -> FloatArray:
        """Return the numbers of a column; NaN where they are missing."""
        return self.frame[column].to_numpy(dtype="float64", na_value=np.nan)

    def explaining(self, baseline: str | None, covariates: Sequence[str]) -> FloatArray:
        """Return baseline and covariates, shape (n, k); NaN where they are missing."""
        columns = [self.values(baseline)[:, None]] if baseline else []
        columns.append(covariate_matrix(self.frame, covariates).to_numpy())
        return np.hstack(columns)


def randomised(
    data: pd.DataFrame,
    arm: str,
    outcomes: Sequence[str],
    baselines: Sequence[str],
    covariates: Sequence[str],
    reference: str | None,
) -> Randomised:
    """Check a table of all randomised.

    Raises
    ------
    InputError
        If a column is missing or not of finite numbers, an arm is missing, there are not two arms, the reference is
        no arm, or a covariate is no safe formula term.
    """
    numeric = list(dict.fromkeys([*outcomes, *baselines]))
    columns = [name for term in covariates for name in term_columns(term, data)]
    problems = [
        *covariate_problems(covariates, data, [*numeric, arm]),
        *missing_columns(data, [arm, *numeric, *columns]),
    ]
    if problems:
        raise InputError(problems)
    frame = data.reset_index(drop=True)
    frame.index.name = "row"
    problems = [problem for name in numeric for problem in number_problems(frame, name, (arm,))]
    problems += list(_arm_problems(frame, arm, reference))
    if problems:
        raise InputError(problems)
    names = _order(frame[arm])
    first = str(reference) if reference is not None else names[0]
    (other,) = (name for name in names if name != first)
    return Randomised(frame, arm, other, first)


def _order(values: pd.Series) -> list[str]:
    present = set(values.astype("str"))
    if hasattr(values, "cat"):
        return [str(name) for name in values.cat.categories if str(name) in present]
    return sorted(present)


def _arm_problems(frame: pd.DataFrame, arm: str, reference: str | None) -> Iterator[Problem]:
    lacking = frame.index[frame[arm].isna()]
    if len(lacking):
        rows = describe_rows(frame, lacking, [arm])
        yield Problem(f"column {arm!r}", "every randomised participant has an arm", "fill it in", rows)
        return
    names = _order(frame[arm])
    if len(names) != _ARMS:
        rule = f"labels of two arms are redrawn; found: {', '.join(names)}"
        yield Problem(f"column {arm!r}", rule, "give the rows of two arms")
    if reference is not None and str(reference) not in names:
        yield Problem("reference", f"{reference!r} is not an arm", f"use one of: {', '.join(names)}")
