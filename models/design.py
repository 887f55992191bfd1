"""The model matrix of an adjusted comparison: terms, aliased columns, and the grid of least-squares means."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.formulas import formula_faults, formula_names

if TYPE_CHECKING:
    from neurotrial.models.checks import ArmTable
    from neurotrial.models.student import FloatArray

__all__ = [
    "Design",
    "aliased_columns",
    "build_design",
    "covariate_matrix",
    "covariate_problems",
    "term_columns",
]

_ALIAS_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Design:
    """The model matrix and the linear functions of its coefficients that are wanted.

    Attributes
    ----------
    matrix : DataFrame, shape (n_participants, n_coefficients)
        Columns have the names of the coefficients.
    means : DataFrame, shape (n_arms, n_coefficients)
        A row for each arm, indexed by arm: its least-squares mean, numeric covariates at their mean over the
        participants, factors with equal weights.
    """

    matrix: pd.DataFrame
    means: pd.DataFrame

    def contrast(self, arm: str, reference: str) -> FloatArray:
        """Return the weights of the difference between two arms, shape (n_coefficients,)."""
        return self.mean(arm) - self.mean(reference)

    def mean(self, arm: str) -> FloatArray:
        """Return the weights of the least-squares mean of an arm, shape (n_coefficients,)."""
        return self.means.to_numpy(dtype="float64")[self.means.index.get_loc(arm)]


def term_columns(term: str, data: pd.DataFrame) -> list[str]:
    """Return the columns that a covariate uses: itself if it is a column, else those its formula names."""
    return [term] if term in data else formula_names(term)


def covariate_problems(
    covariates: Sequence[str], data: pd.DataFrame, reserved: Sequence[str]
) -> list[Problem]:
    """List covariates that are no safe formula term, or that name what the model has already.

    Parameters
    ----------
    covariates : sequence of str
        Column names, or formula terms such as ``"log(lesion_volume_ml)"``.
    data : DataFrame
        The table whose columns they name.
    reserved : sequence of str
        Outcome, baseline and arm.

    Returns
    -------
    list of Problem
        Empty where every covariate can go into the model; whether the columns exist is not checked here.
    """
    return [problem for term in covariates for problem in _term_problems(term, data, reserved)]


def build_design(table: ArmTable, baseline: str | None, covariates: Sequence[str]) -> Design:
    """Make the model matrix: intercept, baseline, covariates, then the arm with the reference as its first level.

    Parameters
    ----------
    table : ArmTable
        Complete participants.
    baseline : str or None
        Column with the baseline value, if there is one.
    covariates : sequence of str
        Terms that `covariate_problems` lets pass.

    Returns
    -------
    Design
        Factors are treatment coded, the first level in alphabetical or categorical order as their reference.

    Raises
    ------
    InputError
        If a term cannot be evaluated, or is not a finite number for every participant.
    """
    columns = [name for term in covariates for name in term_columns(term, table.frame)]
    frame = _with_factors(table, columns)
    terms = ["1", *([_quoted(baseline)] if baseline else [])]
    terms += [_quoted(term) if term in table.frame else term for term in covariates]
    matrix = _evaluated(" + ".join([*terms, _quoted(table.arm)]), frame)
    grid = _reference_grid(frame, [*([baseline] if baseline else []), *columns], covariates, table.arm)
    predicted = matrix.model_spec.get_model_matrix(grid, context={}).astype("float64")
    means = predicted.groupby(grid[table.arm].astype(str).to_numpy(), sort=False).mean()
    return Design(pd.DataFrame(matrix).astype("float64"), pd.DataFrame(means))


def aliased_columns(matrix: pd.DataFrame) -> list[str]:
    """Return the columns that are linear combinations of those before them, in their order.

    Parameters
    ----------
    matrix : DataFrame, shape (n, p)
        A model matrix. A column counts as aliased if less than 1e-9 of its length is left after projection on
        the columns before it.
    """
    basis: list[FloatArray] = []
    aliased = []
    for name in matrix:
        column = matrix[name].to_numpy(dtype="float64")
        length = np.linalg.norm(column)
        rest = column / length if length > 0 else column
        for _ in range(
            2
        ):  # twice, because one pass of Gram-Schmidt loses orthogonality for nearly collinear columns
            for direction in basis:
                rest = rest - direction * (direction @ rest)
        left = np.linalg.norm(rest)
        if left < _ALIAS_TOLERANCE:
            aliased.append(str(name))
        else:
            basis.append(rest / left)
    return aliased


def covariate_matrix(frame: pd.DataFrame, covariates: Sequence[str]) -> pd.DataFrame:
    """Return the columns of covariates without intercept, shape (len(frame), k); NaN where one is missing.

    Parameters
    ----------
    frame : DataFrame
        One row per participant.
    covariates : sequence of str
        Terms that `covariate_problems` lets pass; factors are treatment coded.
    """
    from formulaic import Formula

    if not covariates:
        return pd.DataFrame(index=frame.index)
    terms = " + ".join(_quoted(name) if name in frame else name for name in covariates)
    made = Formula(terms).get_model_matrix(frame, context={}, na_action="ignore")
    matrix = pd.DataFrame(made).astype("float64").iloc[:, 1:]
    used = [name for term in covariates for name in term_columns(term, frame)]
    # a missing level has zeros in every column of its factor, as the first level has
    matrix.loc[frame[used].isna().any(axis=1).to_numpy()] = np.nan
    return matrix


def _term_problems(term: str, data: pd.DataFrame, reserved: Sequence[str]) -> Iterator[Problem]:
    where, is_column = f"covariate {term!r}", term in data
    for fault in [] if is_column else formula_faults(term):
        yield Problem(where, fault, "name a column, or write a term such as log(lesion_volume_ml)")
    if is_column and "`" in term:
        yield Problem(where, "holds a backtick, which ends a quoted name", "rename the column")
    for name in dict.fromkeys(term_columns(term, data)):
        if name in reserved:
            rule = f"uses {name!r}, which the model has already"
            yield Problem(where, rule, "leave it out of the covariates")


def _evaluated(formula: str, frame: pd.DataFrame) -> Any:
    """Return formulaic's model matrix; rows without a value are kept, so that they are refused and not dropped."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        with np.errstate(all="ignore"):
            matrix = Formula(formula).get_model_matrix(frame, context={}, na_action="ignore")
    except FormulaicError as error:
        raise InputError(
            [Problem("covariates", f"cannot be evaluated: {error}", "correct the term")]
        ) from error
    numbers = np.asarray(matrix, dtype="float64")
    wrong = [
        str(name)
        for name, finite in zip(matrix.columns, np.isfinite(numbers).all(axis=0), strict=True)
        if not finite
    ]
    if wrong:
        rule = f"not a finite number for every participant: {', '.join(wrong)}"
        raise InputError([Problem("covariates", rule, "transform to finite numbers, e.g. log(x + 1)")])
    return matrix


def _quoted(column: str) -> str:
    return f"`{column}`"


def _with_factors(table: ArmTable, columns: Sequence[str]) -> pd.DataFrame:
    frame = table.frame.copy()
    levels = [table.reference, *table.compared]
    frame[table.arm] = pd.Categorical(frame[table.arm], categories=levels)
    for name in columns:
        if not _is_number(frame[name]):
            frame[name] = frame[name].astype("category").cat.remove_unused_categories()
    return frame


def _is_number(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _reference_grid(
    frame: pd.DataFrame, columns: Sequence[str], covariates: Sequence[str], arm: str
) -> pd.DataFrame:
    axes: dict[str, list[Any]] = {arm: list(frame[arm].cat.categories)}
    for name in dict.fromkeys(columns):
        as_factor = any(re.search(rf"\bC\(\s*{re.escape(name)}\s*[,)]", term) for term in covariates)
        if not _is_number(frame[name]):
            axes[name] = list(frame[name].cat.categories)
        elif as_factor:
            axes[name] = sorted(frame[name].unique())
        else:
            axes[name] = [frame[name].mean()]
    grid = pd.DataFrame(list(itertools.product(*axes.values())), columns=list(axes))
    factors = {name: frame[name].dtype for name in axes if isinstance(frame[name].dtype, pd.CategoricalDtype)}
    return grid.astype(factors)
