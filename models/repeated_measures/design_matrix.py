"""The model matrix of a repeated-measures model, and the same columns for any other rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import missing_columns
from neurotrial.models.design import aliased_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.long_data import LongData
    from neurotrial.models.repeated_measures.roles import Roles
    from neurotrial.models.student import FloatArray

__all__ = ["DesignMatrix", "design_matrix"]


@dataclass(frozen=True, slots=True)
class DesignMatrix:
    """The model matrix and the rule that makes it.

    Attributes
    ----------
    matrix : array of float, shape (n_observations, p)
        Full rank.
    names : tuple of str
        Names of the coefficients.
    terms : tuple of str
        The term that each coefficient belongs to, ``"1"`` for the intercept.
    factors : mapping of str to tuple of str
        Levels of each factor in the formula.
    means : mapping of str to float
        Mean of each number in the formula over the rows of the fit.
    spec : formulaic.ModelSpec
        Makes the columns.
    kept : array of int, shape (p,)
        Which of its columns are used.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    terms: tuple[str, ...]
    factors: Mapping[str, tuple[str, ...]]
    means: Mapping[str, float]
    spec: Any
    kept: np.ndarray

    def rows(self, frame: pd.DataFrame) -> FloatArray:
        """Return the columns for other rows, shape (len(frame), p).

        Raises
        ------
        InputError
            If a column of the formula is missing, or a factor has a level that the fit does not know.
        """
        problems = missing_columns(frame, [*self.factors, *self.means])
        if not problems:
            problems = [problem for name in self.factors for problem in self._unknown_levels(frame, name)]
        if problems:
            raise InputError(problems)
        typed = frame.assign(
            **{
                name: pd.Categorical(frame[name].astype(str), list(levels))
                for name, levels in self.factors.items()
            }
        )
        made = self.spec.get_model_matrix(typed, context={}, na_action="ignore", output="numpy")
        return np.asarray(made, dtype="float64")[:, self.kept]

    def _unknown_levels(self, frame: pd.DataFrame, name: str) -> Iterator[Problem]:
        unknown = frame.index[~frame[name].astype(str).isin(self.factors[name])]
        if len(unknown):
            rule = f"holds levels that the fit does not know; it knows {', '.join(self.factors[name])}"
            rows = describe_rows(frame, unknown, [name])
            yield Problem(f"column {name!r}", rule, "leave out these rows", rows)


def design_matrix(long: LongData, roles: Roles, without: Sequence[str] = ()) -> DesignMatrix:
    """Evaluate the formula.

    Parameters
    ----------
    long : LongData
        The rows of the fit.
    roles : Roles
        With the terms.
    without : sequence of str
        Columns to leave out, by name: what a model constrains to zero.

    Returns
    -------
    DesignMatrix
        Treatment coded, the first level of each factor as its reference.

    Raises
    ------
    InputError
        If a term cannot be evaluated or gives infinite values, coefficients are aliased, a factor was not seen at a
        visit with which it interacts, or there are not more rows than coefficients.
    """
    made = _evaluated(roles.terms, long.frame)
    spec = made.model_spec
    names = [str(name) for name in spec.column_names]
    kept = np.array([number for number, name in enumerate(names) if name not in without])
    matrix = np.asarray(made, dtype="float64")[:, kept]
    used = tuple(names[number] for number in kept)
    problems = [
        *_empty_cells(long, roles, spec),
        *_finite_problems(matrix, used),
        *_size_problems(matrix, long),
    ]
    aliased = [] if problems else aliased_columns(pd.DataFrame(matrix, columns=list(used)))
    if aliased:
        rule = f"these coefficients are combinations of those before them: {', '.join(aliased)}"
        problems.append(Problem("formula", rule, "leave out terms until none is aliased"))
    if problems:
        raise InputError(problems)
    of_column = _terms(spec)
    factors, means = _grid_axes(long, roles)
    return DesignMatrix(matrix, used, tuple(of_column[number] for number in kept), factors, means, spec, kept)


def _evaluated(terms: str, frame: pd.DataFrame) -> Any:
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        with np.errstate(all="ignore"):
            return Formula(terms).get_model_matrix(frame, context={}, na_action="ignore", output="numpy")
    except FormulaicError as error:
        raise refuse("formula", f"cannot be evaluated: {error}", "correct the term") from error


def _terms(spec: Any) -> list[str]:
    of_column = [""] * len(spec.column_names)
    for term, columns in spec.term_indices.items():
        for column in columns:
            of_column[column] = str(term)
    return of_column


def _finite_problems(matrix: FloatArray, names: Sequence[str]) -> Iterator[Problem]:
    finite = np.asarray(np.isfinite(matrix).all(axis=0))
    wrong = [name for name, good in zip(names, finite, strict=True) if not good]
    if wrong:
        rule = f"not a finite number in every row: {', '.join(wrong)}"
        yield Problem("formula", rule, "transform to finite numbers, e.g. log(x + 1)")


def _size_problems(matrix: FloatArray, long: LongData) -> Iterator[Problem]:
    n, p = matrix.shape
    if n <= p:
        rule = f"{n} rows of {len(long.participants)} participants are too few for {p} coefficients"
        yield Problem("formula", rule, "leave out terms")


def _empty_cells(long: LongData, roles: Roles, spec: Any) -> Iterator[Problem]:
    visit = roles.visit
    if not roles.visit_is_factor:
        return
    for term in spec.terms:
        parts = [str(factor) for factor in term.factors]
        for factor in parts if visit in parts else ():
            if factor == visit or factor not in long.frame:
                continue
            if not isinstance(long.frame[factor].dtype, pd.CategoricalDtype):
                continue
            yield from _unseen(long.frame, factor, visit)


def _unseen(frame: pd.DataFrame, factor: str, visit: str) -> Iterator[Problem]:
    rows, columns = frame[factor].cat, frame[visit].cat
    counts = np.zeros((len(rows.categories), len(columns.categories)), dtype=np.int64)
    np.add.at(counts, (rows.codes.to_numpy(), columns.codes.to_numpy()), 1)
    for level, name in np.argwhere(counts == 0):
        rule = f"nobody with {factor} {str(rows.categories[level])!r} was seen at {visit} {str(columns.categories[name])!r}"
        remedy = "leave out the visit or the level: nothing can be estimated there"
        yield Problem(f"columns {factor!r} and {visit!r}", rule, remedy)


def _grid_axes(long: LongData, roles: Roles) -> tuple[dict[str, tuple[str, ...]], dict[str, float]]:
    factors: dict[str, tuple[str, ...]] = {}
    means: dict[str, float] = {}
    for name in roles.explaining:
        values = long.frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            factors[name] = tuple(str(level) for level in values.cat.categories)
        else:
            means[name] = float(values.mean())
    return factors, means
