"""A fitted repeated-measures model and everything that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.repeated_measures.fitted_model import FittedModel
from neurotrial.models.repeated_measures.functions import Functions, Label, Tested
from neurotrial.models.repeated_measures.grid import GridWeights, mean_functions
from neurotrial.models.repeated_measures.hypotheses import type_2, type_3
from neurotrial.models.repeated_measures.inference import check_inference
from neurotrial.models.repeated_measures.joint_tests import joint_test
from neurotrial.models.repeated_measures.named import STRUCTURES
from neurotrial.models.repeated_measures.residuals import predicted_effects, residual_table
from neurotrial.models.repeated_measures.robust import robust_sandwich, robust_tested
from neurotrial.models.repeated_measures.standardised import Unit, standardised_effects
from neurotrial.models.repeated_measures.trial_functions import trial_functions
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.inference import DegreesOfFreedom, KenwardRoger
    from neurotrial.models.repeated_measures.sandwich import ClusterRobust
    from neurotrial.models.student import FloatArray

__all__ = ["Mmrm", "emmeans"]


@dataclass(frozen=True)
class Mmrm(FittedModel):
    """A fitted mixed model for repeated measures; its numbers are attributes, see `FittedModel`."""

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return the coefficients, one row each, with the columns of `neurotrial.models.tidy`.

        Parameters
        ----------
        conf_level : float
            In (0, 1).
        """
        labels = tuple(Label("coefficient", name) for name in self.design.names)
        return self._functions(np.eye(len(labels)), labels).tidy(conf_level)

    def emmeans(
        self,
        factor: str,
        by: str | None = None,
        at: Mapping[str, float | str] | None = None,
        weights: GridWeights | Mapping[str, Mapping[str, float]] = "equal",
    ) -> Functions:
        """Return least-squares means.

        Parameters
        ----------
        factor : str
            The factor whose levels get a mean.
        by : str, optional
            A second factor: a mean for each of its levels, e.g. the visit.
        at : mapping, optional
            Values of other columns, e.g. ``{"age": 60}``; numbers are at their mean over the rows of the fit by default.
        weights : {"equal", "observed"} or mapping
            How the remaining factors are averaged: levels alike, as often as in the rows of the fit, or by given
            weights, e.g. ``{"sex": {"female": 1, "male": 2}}``.

        Returns
        -------
        Functions
            `tidy` gives the table, `contrast` compares the levels.

        Raises
        ------
        InputError
            If a name is no factor of the model, a level does not exist, or weights do not fit.
        """
        found, labels = mean_functions(
            self.design, self.long.frame, factor, by, at=at, weights=weights, visit=self.roles.visit
        )
        return self._functions(found, labels, factor, by or "")

    def contrast(self, weights: Mapping[str, Mapping[str, float] | Sequence[float]]) -> Functions:
        """Return any linear functions of the coefficients.

        Parameters
        ----------
        weights : mapping
            For each name either weights of all coefficients in their order, or a mapping from names of coefficients
            to weights, e.g. ``{"twice age": {"age": 2}}``.

        Raises
        ------
        InputError
            If a coefficient is not known, or the number of weights is wrong.
        """
        rows = np.array([self._weights(name, given) for name, given in weights.items()])
        return self._functions(rows, tuple(Label("contrast", name) for name in weights))

    def effects(
        self,
        arm: str | None = None,
        conf_level: float = 0.95,
        changes: Literal["reference", "successive"] = "reference",
    ) -> pd.DataFrame:
        """Return what a trial asks for: differences between arms, changes within them, and group x time.

        Parameters
        ----------
        arm : str, optional
            The factor with the arms; not needed where the model knows it.
        conf_level : float
            In (0, 1).
        changes : {"reference", "successive"}
            Whether a change counts from the first visit or from the one before.

        Returns
        -------
        DataFrame
            With the columns of `neurotrial.models.tidy`: least-squares means by arm and visit (``lsmean``), each arm
            against the first at every visit (``arm``), the change within each arm
            (``within_arm``), and the difference between arms in that change (``group_by_time``).
        """
        return tidy_frame(self.effect_rows(arm, conf_level, changes))

    def effect_rows(
        self,
        arm: str | None = None,
        conf_level: float = 0.95,
        changes: Literal["reference", "successive"] = "reference",
    ) -> list[Estimate]:
        """Return the same as `effects` as `Estimate` objects."""
        factor = arm or self.arm
        if not factor:
            rule = "the model does not know which factor is the arm"
            raise refuse("arm", rule, 'name it, e.g. effects("arm")')
        weights, labels = trial_functions(self.design, self.long.frame, factor, self.roles.visit, changes)
        return self._functions(weights, labels).rows(conf_level)

    def standardised(
        self, arm: str | None = None, unit: Unit | float = "baseline", conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Return the effects in standard deviations.

        Parameters
        ----------
        arm : str, optional
            As in `effects`.
        unit : {"baseline", "visit", "change"} or float
            The standard deviation: fitted at the first visit, at the visit of the effect, of the change from the
            first visit, or a number in the units of the outcome, e.g. from a reference population.
        conf_level : float
            In (0, 1).

        Returns
        -------
        DataFrame
            As `effects`, without means; ``reason`` names the unit. With ``"change"`` and complete data it is Hedges'
            g with its interval from the noncentral t; else the interval takes the standard deviation as fixed.
        """
        return standardised_effects(self, arm, unit, conf_level)

    def anova(self, type: Literal[2, 3] = 3) -> pd.DataFrame:  # noqa: A002
        """Return F tests of the terms.

        Parameters
        ----------
        type : {2, 3}
            2: each term adjusted for those that do not contain it; 3: factors coded to sum to zero.

        Returns
        -------
        DataFrame
            Indexed by term: num_df, den_df, f, p_value, method. Denominators of Satterthwaite's method with several
            df depend on how a hypothesis is written; here as R's mmrm writes it.
        """
        if type not in {2, 3}:
            raise refuse("type", f"{type!r} is not known", "use 2 or 3")
        terms = (
            type_2(self.design)
            if type == 2  # noqa: PLR2004
            else type_3(self.design, self.roles.terms, self.long.frame)
        )
        return pd.DataFrame(
            {term: self.joint_test(weights) for term, weights in terms.items()}
        ).T.rename_axis("term")

    def joint_test(self, weights: FloatArray) -> dict[str, float | str]:
        """Test that several linear functions are zero.

        Parameters
        ----------
        weights : array of float, shape (m, p)
            Linearly independent functions of the coefficients.

        Returns
        -------
        dict
            num_df, den_df, f, p_value, method.
        """
        return joint_test(self.inference, np.asarray(weights, dtype="float64"), self.robust)

    def vcov_robust(self, kind: ClusterRobust = "CR2", cluster: str | pd.Series | None = None) -> Mmrm:
        """Return the same fit with a cluster-robust covariance and Bell and McCaffrey's degrees of freedom.

        Parameters
        ----------
        kind : {"CR0", "CR2", "CR3"}
            Without adjustment, unbiased under the fitted covariance, and the jackknife.
        cluster : str or Series, optional
            A column that the fit uses, or values indexed by participant; participants by default. Each participant
            belongs to one cluster.

        Returns
        -------
        Mmrm
            Its `vcov`, tests and intervals rest on the robust covariance.

        Raises
        ------
        InputError
            If the kind is not known, a cluster is missing, or a participant is in two clusters.
        """
        return replace(self, robust=robust_sandwich(self, kind, cluster), robust_kind=kind)

    def inferred(self, df: DegreesOfFreedom = "auto", kr: KenwardRoger = "linear") -> Mmrm:
        """Return the same fit with another inference; nothing is fitted again.

        Parameters
        ----------
        df, kr
            As in `mmrm`.
        """
        check_inference(df, kr, self.structure, reml=self._solution.reml)
        inference = replace(self.inference, df=df, kr=kr)
        return replace(self, inference=inference, robust=None, robust_kind="")

    def residuals(self) -> pd.DataFrame:
        """Return participant, visit, fitted value and residuals (raw, Pearson, normalised) of each row."""
        return residual_table(self)

    def random_effects(self) -> pd.DataFrame:
        """Return the predicted random effects of each participant: best linear unbiased predictions.

        Returns
        -------
        DataFrame
            Indexed by participant, a column for each effect: ``intercept``, and ``slope`` for ``rs`` and
            ``rs_uncorrelated``; units of the outcome (per unit of time).

        Raises
        ------
        InputError
            If the covariance is not one of random effects.
        """
        return predicted_effects(self)

    def predict(self, data: pd.DataFrame) -> pd.Series[float]:
        """Return expected values for other rows, which need the columns of the formula."""
        return pd.Series(self.design.rows(data) @ self.coefficients.to_numpy(), index=data.index)

    def _weights(self, name: str, given: Mapping[str, float] | Sequence[float]) -> FloatArray:
        p = len(self.design.names)
        if isinstance(given, Mapping):
            unknown = [key for key in given if key not in self.design.names]
            if unknown:
                rule = f"contrast {name!r} names {', '.join(unknown)}"
                raise refuse("contrast", rule, f"use the coefficients: {', '.join(self.design.names)}")
            return np.array([float(given.get(key, 0.0)) for key in self.design.names])
        row = np.asarray(given, dtype="float64")
        if row.shape != (p,) or not np.isfinite(row).all():
            rule = f"contrast {name!r} does not have one finite weight for each of {p} coefficients"
            raise refuse("contrast", rule, f"in this order: {', '.join(self.design.names)}")
        return row

    def _functions(
        self, weights: FloatArray, labels: tuple[Label, ...], across: str = "", within: str = ""
    ) -> Functions:
        return Functions(weights, labels, self._tested, self._template(), across, self.roles.visit, within)

    def _tested(self, weights: FloatArray) -> Tested:
        if self.robust is not None:
            return robust_tested(self, self.robust, self.robust_kind, weights)
        estimate, std_error, df, methods = self.inference.functions(weights)
        return Tested(estimate[0], std_error[0], df[0], list(methods[0]))

    def _template(self) -> Estimate:
        return Estimate(
            "_".join(filter(None, ("mmrm", self.structure, self.robust_kind.lower()))),
            "coefficient",
            "",
            n_per_arm=self.n_per_arm,
            n_rows=self.n_observations,
        )

    def __str__(self) -> str:
        head = (
            f"Mixed model for repeated measures: {self.roles.outcome} ~ {self.roles.terms}\n"
            f"covariance: {STRUCTURES[self.structure]} ({self.structure}); {self.n_participants} participants,"
            f" {self.n_observations} rows; -2 log {'restricted ' if self._solution.reml else ''}likelihood"
            f" {self.neg2_loglik:.4f}"
        )
        table = self.tidy()[["contrast", "estimate", "std_error", "df", "statistic", "p_value"]]
        return "\n".join([head, table.to_string(index=False), *(f"- {line}" for line in self.decisions)])


def emmeans(
    fit: Mmrm,
    factor: str,
    by: str | None = None,
    at: Mapping[str, float | str] | None = None,
    weights: GridWeights | Mapping[str, Mapping[str, float]] = "equal",
) -> Functions:
    """Return the least-squares means of a fit; the same as `Mmrm.emmeans`.

    Parameters
    ----------
    fit : Mmrm
        A fitted model.
    factor, by, at, weights
        As in `Mmrm.emmeans`.

    Returns
    -------
    Functions
        `tidy` gives the table, `contrast` compares the levels.
    """
    return fit.emmeans(factor, by, at, weights)
