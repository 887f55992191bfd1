"""The participants and the model of an effect that may differ between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.adjusted_design import AdjustedDesign, adjusted_design
from neurotrial.models.checks import ArmTable, arm_table, check_level
from neurotrial.models.design import aliased_columns, covariate_problems, term_columns
from neurotrial.models.least_squares import LeastSquares, Robust, least_squares
from neurotrial.models.linear_functions import linear_function
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = [
    "Errors",
    "ModeratedFit",
    "Roles",
    "check_question",
    "moderated_fit",
    "moderated_participants",
    "overall_effects",
]

Errors = Literal["OLS", Robust]


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column is what.

    Attributes
    ----------
    outcome, arm, by : str
        Outcome at follow-up, arm, moderator.
    baseline : str or None
        Baseline of the outcome, if it is adjusted for.
    covariates : tuple of str
        Further terms.
    reference : str or None
        The arm that the others are compared with; the first by default.
    """

    outcome: str
    arm: str
    by: str
    baseline: str | None
    covariates: tuple[str, ...]
    reference: str | None

    def design(self, table: ArmTable, frame: pd.DataFrame, *, baseline: bool = True) -> AdjustedDesign:
        """Return the comparison of the arms among some of the participants, without the moderator."""
        typed = frame.assign(**{self.arm: pd.Categorical(frame[self.arm], categories=list(table.arms))})
        return adjusted_design(
            typed,
            outcome=self.outcome,
            baseline=self.baseline if baseline else None,
            arm=self.arm,
            covariates=self.covariates,
            reference=table.reference,
        )


@dataclass(frozen=True, slots=True)
class ModeratedFit:
    """A fitted model with interactions.

    Attributes
    ----------
    made : AdjustedDesign
        The same without moderator.
    fit : LeastSquares
        Coefficients of `made`, of the moderator, then of its products with each compared arm, `n_terms` an arm.
    n_terms : int
        Products an arm.
    """

    made: AdjustedDesign
    fit: LeastSquares
    n_terms: int

    def weights(self, arm: str, terms: FloatArray) -> FloatArray:
        """Return the weights of an arm's effect where the terms of the moderator have these values, shape (n_coefficients,)."""
        weights = np.zeros(len(self.fit.coefficients))
        base = self.made.design.contrast(arm, self.made.table.reference)
        weights[: len(base)] = base
        weights += self.products(arm, terms)
        return weights

    def products(self, arm: str, terms: FloatArray) -> FloatArray:
        """Return the weights of what the terms of the moderator add to an arm's effect, shape (n_coefficients,)."""
        weights = np.zeros(len(self.fit.coefficients))
        number = self.made.table.compared.index(arm)
        start = len(weights) - (len(self.made.table.compared) - number) * self.n_terms
        weights[start : start + self.n_terms] = terms
        return weights

    def joint(self, arm: str) -> FloatArray:
        """Return the weights of all of an arm's products, shape (n_terms, n_coefficients)."""
        return np.array([self.products(arm, row) for row in np.eye(self.n_terms)])


def check_question(roles: Roles, errors: str, conf_level: float) -> None:
    """Refuse a moderator that is the outcome or the arm, and a standard error or a confidence level that is none."""
    check_level(conf_level)
    if roles.by in {roles.outcome, roles.arm}:
        rule = f"{roles.by!r} is the outcome or the arm itself"
        raise refuse("by", rule, "name a column that was known before randomisation")
    if errors not in get_args(Errors):
        rule = f"{errors!r} is not a standard error known here"
        raise refuse("errors", rule, f"use one of: {', '.join(get_args(Errors))}")


def moderated_participants(data: pd.DataFrame, roles: Roles, column: str, *, numeric: bool) -> ArmTable:
    """Check a table and keep the complete participants.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    roles : Roles
        Its columns.
    column : str
        The moderator as the model takes it.
    numeric : bool
        Whether it must be numbers.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, or the moderator is a covariate too.
    """
    values = [roles.outcome, *([roles.baseline] if roles.baseline else [])]
    reserved = [*values, roles.arm, roles.by]
    problems = covariate_problems(roles.covariates, data, reserved)
    used = [name for term in roles.covariates for name in term_columns(term, data)]
    try:
        table = arm_table(
            data,
            arm=roles.arm,
            numeric=list(dict.fromkeys([*values, *([column] if numeric else [])])),
            others=[*([] if numeric else [column]), *used],
            reference=roles.reference,
        )
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    if problems:
        raise InputError(problems)
    return table


def moderated_fit(made: AdjustedDesign, main: FloatArray, terms: FloatArray, errors: Errors) -> ModeratedFit:
    """Fit baseline, covariates, arms, the moderator, and its products with the arms.

    Parameters
    ----------
    made : AdjustedDesign
        The comparison without moderator.
    main : array of float, shape (n, k)
        Columns of the moderator.
    terms : array of float, shape (n, n_terms)
        What is multiplied by the indicator of each compared arm.
    errors : {"OLS", "HC0", "HC1", "HC2", "HC3"}
        Standard error that is wanted.

    Raises
    ------
    InputError
        If terms are aliased, or no residual degree of freedom is left.
    """
    arms = made.table.frame[made.table.arm].to_numpy()
    products = [terms * (arms == name)[:, None] for name in made.table.compared]
    values = np.column_stack([made.matrix, main, *products])
    names = [
        *(str(name) for name in made.design.matrix.columns),
        *(f"moderator {k + 1}" for k in range(main.shape[1])),
        *(f"{arm} x moderator {k + 1}" for arm in made.table.compared for k in range(terms.shape[1])),
    ]
    matrix = pd.DataFrame(values, columns=names)
    n, p = matrix.shape
    aliased = aliased_columns(matrix)
    problems = []
    if aliased:
        rule = f"linear combinations of the terms before them: {', '.join(aliased)}"
        problems.append(Problem("covariates", rule, "leave out covariates that say what the moderator says"))
    if n <= p:
        rule = f"{n} participants are too few for {p} coefficients"
        problems.append(Problem("by", rule, "use fewer levels, a straight line, or fewer covariates"))
    if problems:
        raise InputError(problems)
    return ModeratedFit(made, _fitted(made.y, matrix, errors), terms.shape[1])


def overall_effects(
    table: ArmTable, roles: Roles, errors: Errors, conf_level: float, visit: str
) -> Iterator[tuple[str, Estimate]]:
    """Yield each compared arm with its effect in all participants, by ANCOVA without the moderator."""
    whole = roles.design(table, table.frame)
    fit = _fitted(whole.y, whole.design.matrix, errors)
    for name in table.compared:
        label = Estimate("overall_effect", "arm", f"{name} - {table.reference}", table.pair(name), visit)
        weights = whole.design.contrast(name, table.reference)
        yield name, linear_function(label, weights, fit, errors, conf_level)


def _fitted(values: FloatArray, matrix: pd.DataFrame, errors: Errors) -> LeastSquares:
    return least_squares(values, matrix, "HC3" if errors == "OLS" else errors)
