"""The door of associations: complete participants with two measures, their baselines, the arm and covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.models.checks import arm_table
from neurotrial.models.design import aliased_columns, covariate_matrix, covariate_problems, term_columns

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["PairedTable", "paired_table"]


@dataclass(frozen=True, slots=True)
class PairedTable:
    """Checked participants.

    Attributes
    ----------
    frame : DataFrame
        Complete participants.
    arms : tuple of str
        The reference first.
    arm : array of int, shape (n,)
        Position of each participant's arm.
    covariates : array of float, shape (n, k)
        Columns of the covariates.
    note : str
        Who was left out.
    """

    frame: pd.DataFrame
    arms: tuple[str, ...]
    arm: np.ndarray
    covariates: FloatArray
    note: str

    @property
    def n(self) -> int:
        """Participants."""
        return len(self.frame)

    @property
    def n_per_arm(self) -> dict[str, int]:
        """Participants by arm."""
        return {name: int((self.arm == number).sum()) for number, name in enumerate(self.arms)}

    @property
    def dummies(self) -> FloatArray:
        """Indicators of the arms but the reference, shape (n, n_arms - 1)."""
        return np.asarray(self.arm[:, None] == np.arange(1, len(self.arms)), dtype="float64")

    def values(self, name: str) -> FloatArray:
        """Return a column."""
        return self.frame[name].to_numpy(dtype="float64")

    def adjusting(self, names: Sequence[str]) -> FloatArray:
        """Return columns and covariates, shape (n, k)."""
        return np.column_stack([*(self.values(name) for name in names), self.covariates])

    def matrix(self, names: Sequence[str]) -> FloatArray:
        """Return intercept, arms, columns and covariates, shape (n, q), of full rank.

        Raises
        ------
        InputError
            If a column is a combination of others.
        """
        made = np.column_stack([np.ones(self.n), self.dummies, self.adjusting(names)])
        labels = [
            "1",
            *self.arms[1:],
            *names,
            *(f"covariate {k + 1}" for k in range(self.covariates.shape[1])),
        ]
        aliased = aliased_columns(pd.DataFrame(made, columns=labels))
        if aliased:
            raise refuse("covariates", f"combinations of others: {', '.join(aliased)}", "leave them out")
        return made


def paired_table(
    data: pd.DataFrame, arm: str, numeric: Sequence[str], covariates: Sequence[str], reference: str | None
) -> PairedTable:
    """Check a table of participants and keep the complete ones.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, or a column does not vary.
    """
    problems = covariate_problems(covariates, data, [*numeric, arm])
    if problems:
        raise InputError(problems)
    columns = [name for term in covariates for name in term_columns(term, data)]
    table = arm_table(
        data, arm=arm, numeric=list(dict.fromkeys(numeric)), others=columns, reference=reference
    )
    for name in numeric:
        if np.ptp(table.frame[name].to_numpy(dtype="float64")) == 0:
            raise refuse(f"column {name!r}", "does not vary", "it cannot go together with anything")
    arms = (table.reference, *table.compared)
    code = pd.Index(arms).get_indexer(pd.Index(table.frame[arm]))
    made = covariate_matrix(table.frame, covariates).to_numpy()
    return PairedTable(table.frame, arms, code, made, table.note)
