"""The participants and the model matrix of a comparison that is adjusted for baseline and covariates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import ArmTable, arm_table
from neurotrial.models.design import Design, aliased_columns, build_design, covariate_problems, term_columns
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["AdjustedDesign", "adjusted_design"]


@dataclass(frozen=True, slots=True)
class AdjustedDesign:
    """What is fitted.

    Attributes
    ----------
    table : ArmTable
        Complete participants.
    design : Design
        Model matrix of full rank, and the weights of means.
    y : array of float, shape (n,)
        Outcome.
    """

    table: ArmTable
    design: Design
    y: FloatArray

    @property
    def matrix(self) -> FloatArray:
        """The model matrix, shape (n, p)."""
        return self.design.matrix.to_numpy(dtype="float64")

    @property
    def df_resid(self) -> float:
        """Participants less coefficients."""
        n, p = self.design.matrix.shape
        return float(n - p)

    def contrasts(self) -> Iterator[tuple[Estimate, FloatArray]]:
        """Yield each arm against the reference, with its weights on the coefficients."""
        for name in self.table.compared:
            label = Estimate("", "arm", f"{name} - {self.table.reference}", self.table.n_per_arm)
            yield label, self.design.contrast(name, self.table.reference)

    def means(self) -> Iterator[tuple[Estimate, FloatArray]]:
        """Yield the least-squares mean of each arm, with its weights on the coefficients."""
        for name in self.table.arms:
            yield Estimate("", "lsmean", f"mean @ {name}", self.table.n_per_arm), self.design.mean(name)


def adjusted_design(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str],
    reference: str | None,
) -> AdjustedDesign:
    """Check a table and make the model matrix; arguments as `neurotrial.models.ancova`.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, a covariate is no safe formula term, the
        baseline is constant, terms are aliased, or no residual degree of freedom is left.
    """
    table = _participants(data, outcome, baseline, arm, covariates, reference)
    design = build_design(table, baseline, covariates)
    problems = _design_problems(table, design, baseline)
    if problems:
        raise InputError(problems)
    return AdjustedDesign(table, design, table.frame[outcome].to_numpy(dtype="float64"))


def _participants(
    data: pd.DataFrame,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str],
    reference: str | None,
) -> ArmTable:
    numeric = [outcome, *([baseline] if baseline else [])]
    problems = covariate_problems(covariates, data, [*numeric, arm])
    columns = [name for term in covariates for name in term_columns(term, data)]
    try:
        table = arm_table(data, arm=arm, numeric=numeric, others=columns, reference=reference)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    if problems:
        raise InputError(problems)
    return table


def _design_problems(table: ArmTable, design: Design, baseline: str | None) -> list[Problem]:
    problems = []
    if baseline and np.ptp(table.frame[baseline].to_numpy(dtype="float64")) == 0:
        rule = f"is {table.frame[baseline].iloc[0]:g} in all {len(table.frame)} participants"
        problems.append(
            Problem(f"column {baseline!r}", rule, "compare the follow-up values without adjustment")
        )
    n, p = design.matrix.shape
    aliased = [name for name in aliased_columns(design.matrix) if name != baseline]
    if aliased:
        rule = f"linear combinations of the terms before them: {', '.join(aliased)}"
        problems.append(Problem("covariates", rule, "leave out covariates until none is aliased"))
    if n <= p:
        rule = f"{n} participants are too few for {p} coefficients"
        problems.append(Problem("covariates", rule, "leave out covariates"))
    return problems
