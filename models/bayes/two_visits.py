"""The two PyMC models of two visits, on a standardised scale: analysis of covariance, and group x time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import pymc as pm

    from neurotrial.bayes_plan import NormalPrior, NuisancePriors
    from neurotrial.models.bayes.standardised import TwoVisits

__all__ = ["ANCOVA", "EFFECT", "GROUP_TIME", "Kind", "Shape", "build_model", "model_data"]

Kind = Literal["bayes_ancova", "bayes_group_time"]
ANCOVA: Kind = "bayes_ancova"
GROUP_TIME: Kind = "bayes_group_time"
EFFECT = "effect"
"""The variable that holds the effect of each arm against the reference, in baseline SDs."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be the same for data to be swapped in a compiled model.

    Attributes
    ----------
    kind : {"bayes_ancova", "bayes_group_time"}
        The model.
    n_compared, n_covariates : int
        Arms compared with the reference; columns of covariates.
    priors : NuisancePriors
        Priors of everything but the effect.
    """

    kind: Kind
    n_compared: int
    n_covariates: int
    priors: NuisancePriors


def build_model(shape: Shape) -> pm.Model:
    """Build a model whose data and prior of the effect can be swapped without compiling it again.

    Parameters
    ----------
    shape : Shape
        Model, sizes and priors.

    Returns
    -------
    pymc.Model
        It holds no data worth the name until those of `model_data` are set.
    """
    import pymc as pm

    nobody: dict[str, Any] = {name: np.zeros(1) for name in ("baseline", "follow_up")}
    nobody |= {"arms": np.zeros((1, shape.n_compared)), "covariates": np.zeros((1, shape.n_covariates))}
    nobody |= {"effect_mean": np.zeros(shape.n_compared), "effect_sd": np.ones(shape.n_compared)}
    with pm.Model() as model:
        given = {name: pm.Data(name, value) for name, value in _without_empty(nobody).items()}
        effect = pm.Normal(EFFECT, given["effect_mean"], given["effect_sd"], shape=shape.n_compared)
        (_ancova if shape.kind == ANCOVA else _group_time)(given, effect, shape)
    return model


def model_data(visits: TwoVisits, effect: NormalPrior) -> dict[str, Any]:
    """Return what a model takes as data: the values, and the prior of the effect, the same for each compared arm."""
    n_compared = visits.arms.shape[1]
    return _without_empty(
        {
            "baseline": visits.baseline,
            "follow_up": visits.follow_up,
            "arms": visits.arms,
            "covariates": visits.covariates,
            "effect_mean": np.full(n_compared, effect.mean),
            "effect_sd": np.full(n_compared, effect.sd),
        }
    )


def _without_empty(given: dict[str, Any]) -> dict[str, Any]:
    """Leave out covariates where there are none: a compiled model knows nothing of data that it does not use."""
    return {name: value for name, value in given.items() if value.size}


def _adjustment(given: dict[str, Any], shape: Shape) -> Any:
    import pymc as pm

    if not shape.n_covariates:
        return 0.0
    weights = pm.Normal("covariate_weights", 0, shape.priors.covariate_sd, shape=shape.n_covariates)
    return _combined(given["covariates"], weights)


def _combined(columns: Any, weights: Any) -> Any:
    """Return the weighted sum of columns; a matrix product is no faster at this size, and numba warns of it."""
    return (columns * weights).sum(axis=1)


def _ancova(given: dict[str, Any], effect: Any, shape: Shape) -> None:
    import pymc as pm

    priors = shape.priors
    intercept = pm.Normal("intercept", 0, priors.intercept_sd)
    slope = pm.Normal("slope", priors.slope.mean, priors.slope.sd)
    sigma = pm.HalfNormal("sigma", priors.residual_sd)
    mean = intercept + slope * given["baseline"] + _adjustment(given, shape)
    mean = mean + _combined(given["arms"], effect)
    pm.Normal("values", mean, sigma, observed=given["follow_up"])


def _group_time(given: dict[str, Any], effect: Any, shape: Shape) -> None:
    """Two correlated normal visits, as baseline and follow-up given baseline: the same density, sampled far faster."""
    import pymc as pm

    priors = shape.priors
    first = pm.Normal("mean_baseline", 0, priors.intercept_sd)
    imbalance = pm.Normal("imbalance", 0, priors.imbalance_sd, shape=shape.n_compared)
    time = pm.Normal("time", 0, priors.intercept_sd)
    sds = pm.HalfNormal("sd", priors.residual_sd, shape=2)
    half = pm.Beta("half_correlation", priors.correlation_eta, priors.correlation_eta)
    correlation = pm.Deterministic("correlation", 2 * half - 1)
    before = first + _combined(given["arms"], imbalance)
    after = before + time + _adjustment(given, shape) + _combined(given["arms"], effect)
    pm.Normal("values_baseline", before, sds[0], observed=given["baseline"])
    expected = after + correlation * sds[1] / sds[0] * (given["baseline"] - before)
    pm.Normal("values", expected, sds[1] * pm.math.sqrt(1 - correlation**2), observed=given["follow_up"])
