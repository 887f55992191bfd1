"""Standard error and degrees of freedom of linear functions of the coefficients, by the method that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.repeated_measures.exact import exact_tests
from neurotrial.models.repeated_measures.likelihood import derivatives_at
from neurotrial.models.repeated_measures.named import RANDOM, structure
from neurotrial.models.repeated_measures.small_sample import adjusted_vcov, satterthwaite_df

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.exact import Panel
    from neurotrial.models.repeated_measures.named import Covariance, Parameters
    from neurotrial.models.repeated_measures.solution import Solution
    from neurotrial.models.repeated_measures.structures import Derivatives
    from neurotrial.models.student import FloatArray

__all__ = ["DF_METHODS", "KR_PRESETS", "DegreesOfFreedom", "Inference", "KenwardRoger", "check_inference"]

DegreesOfFreedom = Literal[
    "auto", "exact", "kenward-roger", "satterthwaite", "between-within", "residual", "normal"
]
KenwardRoger = Literal["linear", "sas", "mmrm", "pbkrtest"]
DF_METHODS: tuple[DegreesOfFreedom, ...] = get_args(DegreesOfFreedom)
KR_PRESETS: tuple[KenwardRoger, ...] = get_args(KenwardRoger)

_SAS_LINEAR = frozenset({"us", "cs", "toep"})
_SAS_CURVED = frozenset({"csh", "ar1", "ar1h", "toeph", "adh"})
_WORDS = {
    "linear": "Kenward-Roger without second-order term (SAS kr(linear)), observed information",
    "sas": "Kenward-Roger as SAS computes it, observed information",
    "mmrm": "Kenward-Roger with second-order term in the parameters of R's mmrm, observed information",
    "pbkrtest": "Kenward-Roger with expected information, as R's pbkrtest",
    "satterthwaite": "Satterthwaite, observed information",
    "between-within": "between-within degrees of freedom",
    "residual": "residual degrees of freedom",
    "normal": "normal approximation",
}


def check_inference(df: str, kr: str, covariance: Covariance, *, reml: bool) -> None:
    """Refuse a method that is not known, or not defined for the model.

    Raises
    ------
    InputError
        For Kenward-Roger with full likelihood, the preset ``mmrm`` with a structure that R's mmrm does not have, and
        the preset ``sas`` with a structure that was never compared with SAS.
    """
    problems = []
    for where, value, known in (("df", df, DF_METHODS), ("kr", kr, KR_PRESETS)):
        if value not in known:
            problems.append(Problem(where, f"{value!r} is not known", f"use one of: {', '.join(known)}"))
    if df == "kenward-roger" and not reml:
        rule = "Kenward-Roger is defined for the restricted likelihood"
        problems.append(Problem("df", rule, 'use method="reml", or df="satterthwaite"'))
    if kr == "mmrm" and covariance in RANDOM | {"id"}:
        rule = f"R's mmrm has no structure {covariance!r}"
        problems.append(Problem("kr", rule, 'use kr="linear", or kr="pbkrtest" as lmerTest does'))
    if kr == "sas" and covariance not in _SAS_LINEAR | _SAS_CURVED:
        rule = f"structure {covariance!r} was never compared with SAS"
        problems.append(Problem("kr", rule, 'use kr="linear", which is SAS kr(linear)'))
    if problems:
        raise InputError(problems)


@dataclass(frozen=True)
class Inference:
    """How a fit's linear functions are tested.

    Attributes
    ----------
    solution : Solution
        Fitted cells.
    df, kr : str
        The method that was asked for, and the preset of Kenward-Roger.
    covariance : str
        Name of the structure.
    levels, groups : sequence of str
        Levels and arms of the structure.
    times : array of float, shape (n_levels,), or None
        Times of the levels.
    exact_parts : sequence of (array of int, Panel)
        Cells and their data on which an exact t may exist; empty where none can.
    between, intercept : array of bool, shape (p,)
        Which columns of the model matrix are constant within participants, and which is the intercept.
    """

    solution: Solution
    df: DegreesOfFreedom
    kr: KenwardRoger
    covariance: Covariance
    levels: Sequence[str]
    groups: Sequence[str]
    times: FloatArray | None
    exact_parts: Sequence[tuple[np.ndarray, Panel]]
    between: np.ndarray
    intercept: np.ndarray

    @property
    def approximation(self) -> str:
        """The method where no exact t applies."""
        if self.df in {"auto", "exact"}:
            return "kenward-roger" if self.solution.reml else "satterthwaite"
        return self.df

    @property
    def words(self) -> str:
        """That method in words."""
        method = self.approximation
        words = _WORDS[self.kr if method == "kenward-roger" else method]
        if self.df == "auto" and not self.solution.reml:
            return f"{words}; Kenward-Roger is not defined for the full likelihood"
        return words

    @cached_property
    def theta_vcov(self) -> FloatArray:
        """Covariance of the covariance parameters, shape (n_cells, K, K)."""
        expected = self.kr == "pbkrtest" and self.approximation == "kenward-roger"
        return self.solution.theta_vcov(expected=expected)

    @cached_property
    def vcov(self) -> FloatArray:
        """Covariance of the working coefficients that goes with the method, shape (n_cells, p, p)."""
        found = self.solution.evaluation
        if self.approximation != "kenward-roger":
            return found.point.vcov
        sums = self.solution.working.sums
        return adjusted_vcov(sums, self.solution.structure, found, self.theta_vcov, self._second())

    def _second(self) -> tuple[Derivatives, FloatArray] | None:
        """Return the curvature of the covariance in the parameters of the preset, where it counts."""
        parameters: dict[str, Parameters] = {"mmrm": "mmrm", "sas": "sas"}
        if self.kr not in parameters or (self.kr == "sas" and self.covariance in _SAS_LINEAR):
            return None
        other = structure(self.covariance, self.levels, self.times, self.groups, parameters[self.kr])
        theta = other.parameters(self.solution.evaluation.covariance.matrix)
        found = derivatives_at(self.solution.working.sums, other, theta, reml=self.solution.reml)
        return found.covariance, self.solution.inverse(found.observed)

    def functions(self, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
        """Return estimates, standard errors, df and methods in words, shape (n_cells, m) each.

        Parameters
        ----------
        weights : array of float, shape (m, p)
            Linear functions of the coefficients.

        Raises
        ------
        InputError
            If ``df="exact"`` and a function has no exact t.
        """
        work = self.solution.working
        turned = weights @ work.basis
        estimate = self.solution.estimates(weights)
        variance = ((turned @ self.vcov) * turned).sum(axis=2)
        std_error = np.sqrt(np.maximum(variance, 0.0)) * work.scale[:, None]
        df = self._df(turned, weights)
        methods = np.full(estimate.shape, self.words, dtype=object)
        if self.df in {"auto", "exact"}:
            self._make_exact(turned, std_error, df, methods)
        if self.df == "exact" and (methods == self.words).any():
            number = int(np.flatnonzero((methods == self.words).any(axis=0))[0])
            rule = f"linear function {number + 1} of {len(weights)} has no exact t in these data"
            raise refuse("df", rule, 'use df="auto", which falls back to Kenward-Roger and says so')
        return estimate, std_error, df, methods

    def _make_exact(
        self, turned: FloatArray, std_error: FloatArray, df: FloatArray, methods: np.ndarray
    ) -> None:
        """Put exact tests in the place of approximate ones, where they exist."""
        if self.covariance == "id":
            df[:] = (self.solution.working.sums.n_observations - turned.shape[1])[:, None]
            methods[:] = "exact t: independent errors of one variance"
        for cells, data in self.exact_parts:
            for number, test in enumerate(exact_tests(data, turned)):
                if test is not None:
                    std_error[cells, number], df[cells, number] = test.std_error, test.df
                    methods[cells, number] = test.reason

    def _df(self, turned: FloatArray, weights: FloatArray) -> FloatArray:
        if self.approximation in {"kenward-roger", "satterthwaite"}:
            found = self.solution.evaluation
            return satterthwaite_df(turned, found.point.vcov, found.precision_slopes, self.theta_vcov)
        return self.plain_df(weights)

    def plain_df(self, weights: FloatArray) -> FloatArray:
        """Return the df of the methods that only count, shape (n_cells, m): residual, between-within, normal."""
        n = self.solution.working.sums.n_observations[:, None]
        if self.approximation == "residual":
            return np.repeat(n - weights.shape[1], len(weights), axis=1)
        if self.approximation == "between-within":
            people = self.solution.working.sums.n_participants[:, None]
            between = people - self.between.sum()
            within = n - people - (~self.between).sum()
            own = np.where(self.between & ~self.intercept, between, within)
            involved = np.abs(weights) > 0
            return np.asarray(np.where(involved[None], own[:, None], np.inf).min(axis=2))
        return np.full((len(n), len(weights)), np.inf)
