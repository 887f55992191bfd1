"""A fitted multiverse and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.specifications.joint import Curves, joint_rows
from neurotrial.models.specifications.shares import shares_of_variance
from neurotrial.models.specifications.stacking import (
    LinearPosterior,
    loo_densities,
    mixture_quantiles,
    stacking_weights,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurotrial.models.specifications.cells import LinearSpecification
    from neurotrial.specifications import Specification
    from neurotrial.study import Study

__all__ = ["Multiverse"]

_NUMBERS = ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value")


@dataclass(frozen=True)
class Multiverse:
    """Every specification with its estimate.

    Attributes
    ----------
    study : Study
        The plan.
    specifications : tuple of Specification
        The admissible ones.
    left_out : dict of str to int
        Combinations that are no specification, by reason.
    rows : tuple of mapping
        What each specification gave.
    scales : dict of int to float
        What an estimate is multiplied by to be in baseline SDs, a benefit above 0.
    linear : dict of int to LinearSpecification
        Linear Gaussian ones by number.
    tested : tuple of int
        Those that are tested jointly.
    observed, redrawn : Curves or None
        Statistics of the curve as it is, and under redrawn labels; None where nothing is linear.
    exact : bool
        Whether all labellings were counted.
    scheme : str
        How labels were redrawn.
    """

    study: Study
    specifications: tuple[Specification, ...]
    left_out: Mapping[str, int]
    rows: tuple[Mapping[str, Any], ...]
    scales: Mapping[int, float]
    linear: Mapping[int, LinearSpecification]
    tested: tuple[int, ...]
    observed: Curves | None
    redrawn: Curves | None
    exact: bool
    scheme: str

    @property
    def decisions(self) -> tuple[str, ...]:
        """Names of the decisions."""
        plan = self.study.multiverse
        return tuple(decision.name for decision in plan.decisions) if plan else ()

    def tidy(self) -> pd.DataFrame:
        """Return one row for each specification.

        Returns
        -------
        DataFrame
            specification (number), a column for each decision, outcome_name, method, estimate, std_error, df,
            conf_low, conf_high, p_value, conf_level, estimate_sd (in baseline SDs, above 0 a benefit), conf_low_sd,
            conf_high_sd, unit, n_participants, n_per_arm, joint (whether it is part of the joint test), reference,
            status, reason.
        """
        tested = set(self.tested)
        return pd.DataFrame(
            [
                self._tidied(one, row, joint=one.number in tested)
                for one, row in zip(self.specifications, self.rows, strict=True)
            ]
        )

    def _tidied(self, one: Specification, row: Mapping[str, Any], *, joint: bool) -> dict[str, Any]:
        numbers = {name: float(row.get(name, np.nan)) for name in _NUMBERS}
        scale = self.scales.get(one.number, np.nan)
        ends = sorted((numbers["conf_low"] * scale, numbers["conf_high"] * scale))
        plain = one.transformation == "identity"
        unit = self.study.outcome(one.outcome).unit
        n = row.get("n_participants")
        return {
            "specification": one.number,
            **one.options,
            "outcome_name": one.outcome,
            "method": one.method,
            **numbers,
            "conf_level": self.study.conf_level,
            "estimate_sd": numbers["estimate"] * scale,
            "conf_low_sd": ends[0],
            "conf_high_sd": ends[1],
            "unit": unit if plain else f"{one.transformation.replace('_', ' ')} of {unit}",
            "n_participants": None if n is None else int(n),
            "n_per_arm": str(row.get("n_per_arm", "{}")),
            "joint": joint,
            "reference": one.reference,
            "status": str(row["status"]),
            "reason": str(row.get("reason") or ""),
        }

    def summary(self) -> dict[str, Any]:
        """Return counts, median and range in baseline SDs, shares of one sign and of significance.

        Returns
        -------
        dict
            n, n_failed, n_left_out, n_joint, median, low, high, share_benefit (estimates above 0), share_significant,
            share_same_sign (as the reference), reference (its estimate in baseline SDs).
        """
        table = self.tidy()
        fitted = table[table["status"] == "ok"]
        effects = fitted["estimate_sd"].to_numpy(dtype="float64")
        reference = float(fitted.loc[fitted["reference"], "estimate_sd"].iloc[0]) if len(fitted) else np.nan
        significant = fitted["p_value"] < 1 - self.study.conf_level
        return {
            "n": len(table),
            "n_failed": len(table) - len(fitted),
            "n_left_out": sum(self.left_out.values()),
            "n_joint": len(self.tested),
            "median": float(np.median(effects)),
            "low": float(effects.min()),
            "high": float(effects.max()),
            "share_benefit": float((effects > 0).mean()),
            "share_same_sign": float((np.sign(effects) == np.sign(reference)).mean()),
            "share_significant": float(significant.mean()),
            "reference": reference,
        }

    def joint_test(self) -> pd.DataFrame:
        """Return the joint tests under the sharp null of no effect on anybody.

        Returns
        -------
        DataFrame
            A row for each statistic: median (effect in baseline SDs), share (significant in the direction that has
            more of them), stouffer (z): observed, null_low, null_median, null_high (95 % of the redrawn), p_value,
            mc_error, n_specifications, n_labellings, scheme. All are two-sided.

        Raises
        ------
        InputError
            If no specification is linear and Gaussian.
        """
        if self.observed is None or self.redrawn is None:
            raise refuse(
                "joint_test", "no specification is linear and Gaussian", "add a linear model to the decisions"
            )
        words: dict[str, int | str] = {
            "n_specifications": len(self.tested),
            "n_labellings": len(self.redrawn.median),
            "scheme": self.scheme,
        }
        return joint_rows(self.observed, self.redrawn, exact=self.exact, words=words)

    def variance_by_decision(self) -> pd.DataFrame:
        """Return the share of the variance of the estimates, in baseline SDs, that each decision explains.

        See `neurotrial.models.specifications.shares.shares_of_variance`.
        """
        table = self.tidy()
        table = table[table["status"] == "ok"]
        return shares_of_variance(table["estimate_sd"].to_numpy(dtype="float64"), table[list(self.decisions)])

    def stacking(self) -> pd.DataFrame:
        """Return posteriors under a flat prior, put together by stacking where specifications are comparable.

        Comparable are linear Gaussian specifications that predict the same values of the same participants; robust
        standard errors make no other model. Weights maximise the leave-one-out log score of the mixture.

        Returns
        -------
        DataFrame
            A row for each specification of the joint test: specification, group (numbered by size), group_size, weight
            (adds up to 1 in a group), elpd_loo, then of the group's mixture estimate (median), conf_low, conf_high in
            the unit of the outcome, and probability_benefit.
        """
        groups: dict[Any, list[int]] = {}
        for number in self.tested:
            one, cell = self.specifications[number], self.linear[number].cell
            groups.setdefault((one.variant, one.transformation, cell.shared.seen.tobytes()), []).append(
                number
            )
        ordered = sorted(groups.values(), key=lambda members: (-len(members), members[0]))
        parts = [self._stacked(members).assign(group=place) for place, members in enumerate(ordered, 1)]
        columns = ["specification", "group", "group_size", "weight", "elpd_loo", "estimate", "conf_low", "conf_high", "probability_benefit"]  # fmt: skip
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def _stacked(self, members: list[int]) -> pd.DataFrame:
        densities = np.column_stack([self._densities(number) for number in members])
        distinct, inverse = np.unique(densities.round(10), axis=1, return_inverse=True)
        inverse = inverse.ravel()
        per_model = stacking_weights(distinct)
        weights = (per_model / np.bincount(inverse))[inverse]
        posteriors = [self._posterior(number) for number in members]
        level = self.study.conf_level
        low, middle, high = mixture_quantiles(posteriors, weights, ((1 - level) / 2, 0.5, (1 + level) / 2))
        benefit = _above_zero(posteriors, weights)
        if self.scales[members[0]] < 0:
            benefit = 1 - benefit
        return pd.DataFrame(
            {
                "specification": members,
                "group_size": len(members),
                "weight": weights,
                "elpd_loo": densities.sum(axis=0),
                "estimate": middle,
                "conf_low": low,
                "conf_high": high,
                "probability_benefit": benefit,
            }
        )

    def _densities(self, number: int) -> np.ndarray:
        one = self.linear[number]
        return loo_densities(one.cell.response, one.matrix)

    def _posterior(self, number: int) -> LinearPosterior:
        """Return the posterior of the effect with one variance for both arms, whatever errors the specification has."""
        one = self.linear[number]
        basis, rest = np.linalg.qr(one.matrix)
        residual = one.cell.response - basis @ (basis.T @ one.cell.response)
        df = float(one.cell.response.size - one.matrix.shape[1])
        location = (basis.T @ one.cell.response)[-1] / rest[-1, -1]
        scale = np.sqrt(residual @ residual / df) / abs(rest[-1, -1])
        return LinearPosterior(float(location), float(scale), df)

    def plot(self) -> Figure:
        """Draw the specification curve: estimates in baseline SDs in order, and below which options each has."""
        from neurotrial.models.specifications.curve import curve_figure

        return curve_figure(self.tidy(), self.decisions)


def _above_zero(posteriors: list[LinearPosterior], weights: np.ndarray) -> float:
    from scipy import special

    return float(
        sum(
            weight * special.stdtr(one.df, one.location / one.scale)
            for weight, one in zip(weights, posteriors, strict=True)
        )
    )
