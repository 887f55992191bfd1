"""Prior and posterior predictive checks: what a model makes of new participants in the place of those observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes.two_visits import ANCOVA, EFFECT

if TYPE_CHECKING:
    from neurotrial.models.bayes.fit import Question
    from neurotrial.models.bayes.sampling import Draws
    from neurotrial.models.bayes.standardised import TwoVisits
    from neurotrial.models.bayes.two_visits import Kind

__all__ = ["Check", "checks", "draw_prior", "replicate", "thinned"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Parameters = Mapping[str, FloatArray]
"""Draws of each variable, shape (draws, ...)."""

_REPLICATES = 2000
_QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
_STATISTICS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "mean": lambda values: values.mean(axis=1),
    "sd": lambda values: values.std(axis=1, ddof=1),
    "minimum": lambda values: values.min(axis=1),
    "maximum": lambda values: values.max(axis=1),
}
"""Of the participants of an arm, for each draw: shape (draws, n) to (draws,)."""


@dataclass(frozen=True, slots=True)
class Check:
    """A statistic of one arm at one visit, observed and replicated.

    Attributes
    ----------
    statistic : str
        value (of one participant), mean, sd, minimum or maximum.
    n : int
        Participants.
    observed : float
        NaN for ``value``.
    quantiles : tuple of float
        Of the replicates: 2.5, 25, 50, 75 and 97.5 %.
    probability : float
        Share of replicates at or above what was observed, ties counted half; NaN for ``value``.
    outside : float
        Share of replicated values outside a range; NaN but for ``value`` with a range.
    """

    statistic: str
    n: int
    observed: float
    quantiles: tuple[float, ...]
    probability: float
    outside: float


def thinned(draws: Draws) -> Parameters:
    """Return evenly spaced draws of all chains, at most 2,000."""
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.variables.items()}
    total = len(next(iter(flat.values())))
    chosen = np.linspace(0, total - 1, min(_REPLICATES, total)).astype(int)
    return {name: values[chosen] for name, values in flat.items()}


def draw_prior(question: Question, rng: np.random.Generator, size: int = _REPLICATES) -> Parameters:
    """Draw the parameters of a model from their priors.

    Parameters
    ----------
    question : Question
        Model, sizes and priors.
    rng : Generator
        The random stream.
    size : int
        Draws.

    Returns
    -------
    mapping of str to ndarray, shape (size, ...)
        The variables of `neurotrial.models.bayes.two_visits`, of which the data need only sizes.
    """
    priors, shape = question.plan.others, question.shape
    each = (size, shape.n_compared)
    parameters = {
        EFFECT: rng.normal(question.effect.mean, question.effect.sd, each),
        "covariate_weights": rng.normal(0, priors.covariate_sd, (size, shape.n_covariates)),
    }
    if question.kind == ANCOVA:
        return parameters | {
            "intercept": rng.normal(0, priors.intercept_sd, size),
            "slope": rng.normal(priors.slope.mean, priors.slope.sd, size),
            "sigma": np.abs(rng.normal(0, priors.residual_sd, size)),
        }
    return parameters | {
        "mean_baseline": rng.normal(0, priors.intercept_sd, size),
        "imbalance": rng.normal(0, priors.imbalance_sd, each),
        "time": rng.normal(0, priors.intercept_sd, size),
        "sd": np.abs(rng.normal(0, priors.residual_sd, (size, 2))),
        "correlation": 2 * rng.beta(priors.correlation_eta, priors.correlation_eta, size) - 1,
    }


def replicate(
    kind: Kind, parameters: Parameters, visits: TwoVisits, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Draw new participants with the arms and covariates (analysis of covariance: and the baseline) of those observed.

    Parameters
    ----------
    kind : {"bayes_ancova", "bayes_group_time"}
        The model.
    parameters : mapping of str to ndarray, shape (draws, ...)
        From the prior or the posterior.
    visits : TwoVisits
        Those observed.
    rng : Generator
        The random stream.

    Returns
    -------
    dict of str to ndarray, shape (draws, n)
        ``follow_up``, and ``baseline`` where the model has it as an outcome; standardised.
    """
    effect = parameters[EFFECT] @ visits.arms.T
    adjustment = parameters["covariate_weights"] @ visits.covariates.T if visits.covariates.shape[1] else 0.0
    noise = rng.normal(size=(2, *effect.shape))
    if kind == ANCOVA:
        slope = parameters["slope"][:, None] * visits.baseline
        mean = parameters["intercept"][:, None] + slope + adjustment + effect
        return {"follow_up": mean + parameters["sigma"][:, None] * noise[0]}
    rho, sds = parameters["correlation"][:, None], parameters["sd"][:, :, None]
    before = parameters["mean_baseline"][:, None] + parameters["imbalance"] @ visits.arms.T
    after = before + parameters["time"][:, None] + adjustment + effect
    paired = rho * noise[0] + np.sqrt(1 - rho**2) * noise[1]
    return {"baseline": before + sds[:, 0] * noise[0], "follow_up": after + sds[:, 1] * paired}


def checks(
    replicates: FloatArray, observed: FloatArray, bounds: tuple[float, float] | None
) -> Iterator[Check]:
    """Hold replicates of one arm at one visit against what was observed.

    Parameters
    ----------
    replicates : ndarray, shape (draws, n)
        In the unit of the outcome.
    observed : ndarray, shape (n,)
        Likewise; n at least 2.
    bounds : tuple of float or None
        The declared range of the outcome.

    Yields
    ------
    Check
        ``value`` first, then the statistics of the arm.
    """
    outside = np.nan
    if bounds is not None:
        outside = float(((replicates < bounds[0]) | (replicates > bounds[1])).mean())
    yield Check("value", len(observed), np.nan, _quantiles(replicates.ravel()), np.nan, outside)
    for name, statistic in _STATISTICS.items():
        seen = float(statistic(observed[None])[0])
        drawn = statistic(replicates)
        probability = float((drawn > seen).mean() + 0.5 * (drawn == seen).mean())
        yield Check(name, len(observed), seen, _quantiles(drawn), probability, np.nan)


def _quantiles(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(values, _QUANTILES))
