"""The numbers of a fitted repeated-measures model: coefficients, covariances, likelihood, counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.repeated_measures.roles import check_choice

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.design_matrix import DesignMatrix
    from neurotrial.models.repeated_measures.inference import Inference
    from neurotrial.models.repeated_measures.long_data import LongData
    from neurotrial.models.repeated_measures.named import Covariance
    from neurotrial.models.repeated_measures.roles import Roles
    from neurotrial.models.repeated_measures.sandwich import Sandwich
    from neurotrial.models.repeated_measures.solution import Solution
    from neurotrial.models.student import FloatArray

__all__ = ["FittedModel"]


@dataclass(frozen=True)
class FittedModel:
    """The numbers of a fitted mixed model for repeated measures.

    Attributes
    ----------
    roles : Roles
        Outcome, terms and columns.
    long : LongData
        The rows of the fit, by participant and visit.
    design : DesignMatrix
        Model matrix.
    inference : Inference
        How linear functions are tested.
    structure : str
        The covariance structure that was fitted.
    arm : str
        Column with the arm, where the model knows it (``clda``, ``by_arm``).
    decisions : tuple of str
        Rows left out, structures that could not be fitted, the closed form, and which inference applies and why.
    robust : Sandwich or None
        Cluster-robust covariance on the working scale, see `vcov_robust`.
    robust_kind : {"CR0", "CR2", "CR3", ""}
        Its kind.
    """

    roles: Roles
    long: LongData
    design: DesignMatrix
    inference: Inference
    structure: Covariance
    arm: str
    decisions: tuple[str, ...]
    robust: Sandwich | None = field(default=None, repr=False)
    robust_kind: str = ""

    @property
    def _solution(self) -> Solution:
        return self.inference.solution

    @cached_property
    def coefficients(self) -> pd.Series[float]:
        """Coefficients, indexed by name; units of the outcome per unit of the column."""
        return pd.Series(
            self._solution.estimates(np.eye(len(self.design.names)))[0], index=list(self.design.names)
        )

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients, shape (p, p): robust, or adjusted after Kenward and Roger, where they apply."""
        working = self.inference.vcov[0] if self.robust is None else self.robust.vcov
        return self._named(self._to_units(working))

    @cached_property
    def model_vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients without small-sample adjustment, (X'V^-1 X)^-1, shape (p, p)."""
        return self._named(self._to_units(self._solution.evaluation.point.vcov[0]))

    @property
    def covariance(self) -> pd.DataFrame:
        """Fitted covariance of the levels, shape (n_levels, n_levels), in squared units of the outcome.

        With a covariance for each arm it is block diagonal, with an index of arm and level.
        """
        levels: pd.Index = pd.Index(self.long.levels, name=self.roles.visit)
        if self.long.groups:
            levels = pd.MultiIndex.from_product(
                [self.long.groups, self.long.levels], names=[self.arm, self.roles.visit]
            )
        return pd.DataFrame(self._solution.covariance[0], index=levels, columns=levels)

    @property
    def correlation(self) -> pd.DataFrame:
        """Fitted correlation of the levels, shape (n_levels, n_levels)."""
        sd = np.sqrt(np.diag(self.covariance))
        return self.covariance.div(sd, axis=0).div(sd, axis=1)

    def covariance_of(self, arm: str = "") -> pd.DataFrame:
        """Return the covariance of the levels in one arm, shape (n_levels, n_levels); without `by_arm` that of all."""
        if not self.long.groups:
            return self.covariance
        n = len(self.long.levels)
        begin = n * self.long.groups.index(check_choice("arm", arm, self.long.groups))
        block = self._solution.covariance[0][begin : begin + n, begin : begin + n]
        levels = pd.Index(self.long.levels, name=self.roles.visit)
        return pd.DataFrame(block, index=levels, columns=levels)

    @cached_property
    def theta(self) -> pd.Series[float]:
        """Covariance parameters by name: elements of the matrix, or log standard deviations and transformed correlations."""
        shape = self._solution.structure
        return pd.Series(shape.parameters(self._solution.covariance)[0], index=list(shape.names))

    @property
    def neg2_loglik(self) -> float:
        """-2 log (restricted) likelihood; without the log |X'X| that some programs add."""
        return float(self._solution.neg2_loglik[0])

    @property
    def converged(self) -> bool:
        """Whether step and gradient are below their limits; a fit that does not converge is an error."""
        return bool(self._solution.optimum.converged[0])

    @property
    def gradient_norm(self) -> float:
        """Largest gradient element times the standard error of its parameter; below 1e-8."""
        return float(self._solution.optimum.gradient_norm[0])

    @property
    def iterations(self) -> int:
        """Evaluations of the derivatives."""
        return int(self._solution.optimum.iterations[0])

    @property
    def n_participants(self) -> int:
        """Participants in the fit."""
        return len(self.long.participants)

    @property
    def n_observations(self) -> int:
        """Rows in the fit."""
        return len(self.long.frame)

    @property
    def n_theta(self) -> int:
        """Covariance parameters."""
        return self._solution.structure.n_parameters

    @property
    def aic(self) -> float:
        """-2 log likelihood plus twice the covariance parameters."""
        return self.neg2_loglik + 2 * self.n_theta

    @property
    def aicc(self) -> float:
        """AIC with the small-sample correction for rows less coefficients, as R's mmrm computes it."""
        k = self.n_theta
        m = max(k + 2, self.n_observations - len(self.design.names))
        return self.neg2_loglik + 2 * k * m / (m - k - 1)

    @property
    def bic(self) -> float:
        """-2 log likelihood plus log(participants) times the covariance parameters."""
        return self.neg2_loglik + float(np.log(self.n_participants)) * self.n_theta

    @property
    def method_words(self) -> str:
        """The inference where no exact t applies, in words."""
        return self.inference.words

    @cached_property
    def n_per_arm(self) -> dict[str, int]:
        """Participants by arm where the model knows it, else all under ``"all"``."""
        if not self.arm:
            return {"all": self.n_participants}
        arms = self.long.frame.drop_duplicates(self.roles.subject)[self.arm].astype(str)
        counts = arms.value_counts()
        return {level: int(counts[level]) for level in self.design.factors.get(self.arm, counts.index)}

    def _to_units(self, working: FloatArray) -> FloatArray:
        basis, scale = self._solution.working.basis, self._solution.working.scale[0]
        return np.asarray(basis @ working @ basis.T * scale**2)

    def _named(self, matrix: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(matrix, index=list(self.design.names), columns=list(self.design.names))
