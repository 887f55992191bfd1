"""The two PyMC models of two visits, on a standardised scale: analysis of covariance, and group x time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["ANCOVA", "EFFECT", "GROUP_TIME", "NuisancePriors", "TwoVisits", "build_model", "model_data"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

ANCOVA, GROUP_TIME = "bayes_ancova", "bayes_group_time"
EFFECT = "effect"
"""The variable that holds the effect of each arm against the reference, in baseline SDs."""


@dataclass(frozen=True, slots=True)
class TwoVisits:
    """Two visits of complete participants on a standardised scale: less the mean of baseline, over its SD.

    Attributes
    ----------
    baseline, follow_up : ndarray, shape (n,)
        Standardised values.
    arms : ndarray, shape (n, compared arms)
        1 for who is in the arm.
    covariates : ndarray, shape (n, q)
        Centred, over their SD.
    """

    baseline: FloatArray
    follow_up: FloatArray
    arms: FloatArray
    covariates: FloatArray


@dataclass(frozen=True, slots=True)
class NuisancePriors:
    """Priors of everything but the effect: normal means and SDs, half-normal scales; in baseline SDs.

    Attributes
    ----------
    intercept_sd, slope_mean, slope_sd, covariate_sd, sigma_scale : float
        Of both models; the slope is that of follow-up on baseline, and of the analysis of covariance alone.
    correlation_eta : float
        LKJ parameter of the correlation of two visits: its density is proportional to (1 - r^2)^(eta - 1).
    """

    intercept_sd: float = 2.0
    slope_mean: float = 0.5
    slope_sd: float = 1.0
    covariate_sd: float = 1.0
    sigma_scale: float = 1.0
    correlation_eta: float = 2.0


def build_model(kind: str, visits: TwoVisits, priors: NuisancePriors) -> pm.Model:
    """Build a model whose data and prior of the effect can be swapped without compiling it again.

    Parameters
    ----------
    kind : {"bayes_ancova", "bayes_group_time"}
        Which.
    visits : TwoVisits
        Data; a model serves all data with as many arms and covariates.
    priors : NuisancePriors
        Priors of everything but the effect.

    Returns
    -------
    pymc.Model
        Its data are those of `model_data`.
    """
    import pymc as pm

    compared = visits.arms.shape[1]
    with pm.Model() as model:
        given = {name: pm.Data(name, value) for name, value in model_data(visits, 0.0, 1.0).items()}
        effect = pm.Normal(EFFECT, given["effect_mean"], given["effect_sd"], shape=compared)
        (_ancova if kind == ANCOVA else _group_time)(given, effect, visits, priors)
    return model


def model_data(visits: TwoVisits, effect_mean: float, effect_sd: float) -> dict[str, Any]:
    """Return what a model takes as data: the values, and the prior of the effect in baseline SDs."""
    compared = visits.arms.shape[1]
    given = {
        "baseline": visits.baseline,
        "follow_up": visits.follow_up,
        "arms": visits.arms,
        "effect_mean": np.full(compared, effect_mean),
        "effect_sd": np.full(compared, effect_sd),
    }
    return given | ({"covariates": visits.covariates} if visits.covariates.shape[1] else {})


def _adjustment(given: dict[str, Any], visits: TwoVisits, priors: NuisancePriors) -> Any:
    import pymc as pm

    if not visits.covariates.shape[1]:
        return 0.0
    weights = pm.Normal("covariate_weights", 0, priors.covariate_sd, shape=visits.covariates.shape[1])
    return given["covariates"] @ weights


def _ancova(given: dict[str, Any], effect: Any, visits: TwoVisits, priors: NuisancePriors) -> None:
    import pymc as pm

    intercept = pm.Normal("intercept", 0, priors.intercept_sd)
    slope = pm.Normal("slope", priors.slope_mean, priors.slope_sd)
    sigma = pm.HalfNormal("sigma", priors.sigma_scale)
    mean = intercept + slope * given["baseline"] + _adjustment(given, visits, priors) + given["arms"] @ effect
    pm.Normal("values", mean, sigma, observed=given["follow_up"])


def _group_time(given: dict[str, Any], effect: Any, visits: TwoVisits, priors: NuisancePriors) -> None:
    """Two correlated normal visits, as baseline and follow-up given baseline: the same density, sampled far faster."""
    import pymc as pm

    first = pm.Normal("mean_baseline", 0, priors.intercept_sd)
    imbalance = pm.Normal("imbalance", 0, 1, shape=visits.arms.shape[1])
    time = pm.Normal("time", 0, priors.intercept_sd)
    sds = pm.HalfNormal("sd", priors.sigma_scale, shape=2)
    half = pm.Beta("half_correlation", priors.correlation_eta, priors.correlation_eta)
    correlation = pm.Deterministic("correlation", 2 * half - 1)
    before = first + given["arms"] @ imbalance
    after = first + time + _adjustment(given, visits, priors) + given["arms"] @ (imbalance + effect)
    pm.Normal("values_baseline", before, sds[0], observed=given["baseline"])
    expected = after + correlation * sds[1] / sds[0] * (given["baseline"] - before)
    pm.Normal("values", expected, sds[1] * pm.math.sqrt(1 - correlation**2), observed=given["follow_up"])
