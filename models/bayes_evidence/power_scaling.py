"""How far a posterior moves when its prior or its likelihood is raised to a power near 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes_evidence.draws import target_name
from neurotrial.models.bayes_evidence.importance import pareto_limit, smoothed

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters

__all__ = ["COMPONENTS", "POWERS", "SENSITIVE", "PowerScaling", "power_scaling"]

Verdict = Literal["ok", "prior-data conflict", "strong prior / weak likelihood", "unreliable k-hat"]

COMPONENTS = ("prior", "effect prior", "likelihood")
"""What is raised to a power: the whole prior, that of the effect alone, the likelihood."""

POWERS = (0.8, 1.25)
"""Those of the moments that are shown, and of the Pareto k."""

SENSITIVE = 0.05
"""The sensitivity from which on a posterior counts as moved, as Kallioinen et al. propose.

It finds priors that matter, not wrong ones: a prior three times as wide as the posterior is found in four of ten
trials whose truth it was drawn from.
"""

_NEAR = (0.99, 1.01)
"""Powers of the finite difference that estimates the sensitivity at 1."""


@dataclass(frozen=True, slots=True)
class PowerScaling:
    """Sensitivity of each target of a model.

    Attributes
    ----------
    targets : tuple of str
        Their names.
    sensitivity : ndarray, shape (3, targets)
        To each of `COMPONENTS`: derivative of the cumulative Jensen-Shannon distance by the binary logarithm of the
        power, 0 where nothing moves.
    k : ndarray, shape (3, 2)
        Pareto k of the weights at each of `POWERS`; minus infinity where the density is constant.
    means, sds : ndarray, shape (3, 3, targets)
        Posterior mean and SD with each component raised to the first of `POWERS`, to 1 and to the second, in the unit
        of the target.
    limit : float
        The Pareto k up to which weights are trusted.

    References
    ----------
    Kallioinen N et al. Stat Comput 2024;34:57. https://doi.org/10.1007/s11222-023-10366-5
    """

    targets: tuple[str, ...]
    sensitivity: FloatArray
    k: FloatArray
    means: FloatArray
    sds: FloatArray
    limit: float

    def verdict(self, target: int, prior: int = 0) -> Verdict:
        """Return what the sensitivity of a target to a prior and to the likelihood says.

        Parameters
        ----------
        target : int
            Which.
        prior : {0, 1}
            Which of `COMPONENTS`.

        Returns
        -------
        {"ok", "prior-data conflict", "strong prior / weak likelihood", "unreliable k-hat"}
        """
        likelihood = len(COMPONENTS) - 1
        if not (self.k[[prior, likelihood]] <= self.limit).all():
            return "unreliable k-hat"
        if not self.sensitivity[prior, target] >= SENSITIVE:
            return "ok"
        weak = not self.sensitivity[likelihood, target] >= SENSITIVE
        return "strong prior / weak likelihood" if weak else "prior-data conflict"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each target and component.

        Returns
        -------
        DataFrame
            Columns target, component, sensitivity, pareto_k (the larger of both), verdict (empty for the likelihood),
            and the mean and the SD at each power.
        """
        return pd.DataFrame(
            [
                {
                    "target": name,
                    "component": component,
                    "sensitivity": self.sensitivity[part, target],
                    "pareto_k": self.k[part].max(),
                    "verdict": self.verdict(target, part) if component != "likelihood" else "",
                    **self._moments(part, target),
                }
                for target, name in enumerate(self.targets)
                for part, component in enumerate(COMPONENTS)
            ]
        )

    def _moments(self, part: int, target: int) -> dict[str, float]:
        powers = (POWERS[0], 1, POWERS[1])
        return {
            f"{name}_{power:g}": float(moments[part, place, target])
            for name, moments in (("mean", self.means), ("sd", self.sds))
            for place, power in enumerate(powers)
        }


def power_scaling(
    model: BayesModel, parameters: Parameters, log_likelihood: FloatArray, *, chains: int
) -> PowerScaling:
    """Return how sensitive the targets of a model are to its priors and its likelihood.

    In a model with several levels a prior is what stands at the top: `log_prior` leaves distributions in between to
    the likelihood or out.

    Parameters
    ----------
    model : BayesModel
        Model and data.
    parameters : mapping of str to ndarray, shape (draws, ...)
        Drawn from its posterior, one chain after the other.
    log_likelihood : ndarray, shape (draws, n)
        Of each participant at these.
    chains : int
        How many.

    Returns
    -------
    PowerScaling
    """
    prior = model.log_prior(parameters)
    logs = (prior["effect"] + prior["others"], prior["effect"], log_likelihood.sum(axis=1))
    targets = model.targets(parameters)
    draws = np.column_stack([target.draws for target in targets])
    each = [_scaled(log, draws, chains) for log in logs]
    sensitivity, k, means, sds = (np.array(part) for part in zip(*each, strict=True))
    names = tuple(target_name(target) for target in targets)
    return PowerScaling(names, sensitivity, k, means, sds, pareto_limit(len(draws)))


def _scaled(
    log: FloatArray, draws: FloatArray, chains: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return sensitivity, Pareto k, means and SDs of targets, shape (draws, targets), for one component."""
    powers = np.array([*POWERS, *_NEAR])
    weights = smoothed(log[:, None] * (powers - 1), chains)
    far, near = np.split(np.exp(weights.log_weights), 2, axis=1)
    shown = np.column_stack([far[:, 0], np.full(len(draws), 1 / len(draws)), far[:, 1]])
    means = shown.T @ draws
    sds = np.sqrt([weight @ (draws - mean) ** 2 for weight, mean in zip(shown.T, means, strict=True)])
    sensitivity = np.array([_sensitivity(target, near) for target in draws.T])
    return sensitivity, weights.k[:2], means, sds


def _sensitivity(target: FloatArray, weights: FloatArray) -> float:
    """Return how far a target moves with the power, shape (draws,); weights have shape (draws, 2)."""
    if np.ptp(target) == 0 or (np.ptp(weights, axis=0) == 0).all():
        return 0.0
    one, lower, upper = (values[None] for values in (target, *weights.T))
    found = array_statistics().power_scale_sense(
        one, lower, upper, lower_alpha=_NEAR[0], upper_alpha=_NEAR[1]
    )
    return float(found)
