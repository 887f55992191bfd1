"""Prior and posterior predictive checks: what a model makes of new values in the place of those observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Observed, Parameters

__all__ = ["QUANTILES", "Check", "Source", "check_frame", "checks", "predictive_checks"]

Source = Literal["prior", "posterior"]

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
_STATISTICS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "mean": lambda values: values.mean(axis=1),
    "sd": lambda values: values.std(axis=1, ddof=1),
    "minimum": lambda values: values.min(axis=1),
    "maximum": lambda values: values.max(axis=1),
}
"""Of the participants of an arm, for each draw: shape (draws, n) to (draws,)."""

_FEWEST = 2
"""Participants with a value that an arm needs for a check."""


@dataclass(frozen=True, slots=True)
class Check:
    """A statistic of one arm in one column, observed and replicated.

    Attributes
    ----------
    source : {"prior", "posterior"}
        What the parameters were drawn from.
    column, arm : str
        Visit or outcome, and arm.
    statistic : {"value", "mean", "sd", "minimum", "maximum"}
        ``value`` is that of one participant.
    n : int
        Participants with a value.
    observed : float
        In the unit of the outcome; NaN for ``value``.
    quantiles : tuple of float
        Of the replicates, at `QUANTILES`.
    probability : float
        Share of replicates at or above what was observed, ties counted half; NaN for ``value``.
    outside : float
        Share of replicated values outside the declared range; NaN but for ``value`` with a range.
    """

    source: Source
    column: str
    arm: str
    statistic: str
    n: int
    observed: float
    quantiles: tuple[float, ...]
    probability: float
    outside: float


def predictive_checks(
    model: BayesModel, parameters: Parameters, source: Source, rng: np.random.Generator
) -> tuple[Check, ...]:
    """Draw new values with given parameters and hold them against those observed.

    Parameters
    ----------
    model : BayesModel
        Model and data.
    parameters : mapping of str to ndarray, shape (draws, ...)
        From the prior or the posterior.
    source : {"prior", "posterior"}
        Which.
    rng : Generator
        The random stream.

    Returns
    -------
    tuple of Check
    """
    return tuple(checks(model.replicate(parameters, rng), model.observed, source))


def checks(replicates: FloatArray, observed: Observed, source: Source) -> Iterator[Check]:
    """Hold replicates against what was observed, by column and arm.

    Parameters
    ----------
    replicates : ndarray, shape (draws, n, columns)
        In the unit of the outcome.
    observed : Observed
        The values in whose place they are.
    source : {"prior", "posterior"}
        What the parameters were drawn from.

    Yields
    ------
    Check
        For each column and arm with at least two values: ``value`` first, then the statistics.

    References
    ----------
    Gabry J et al. J R Stat Soc A 2019;182:389-402. https://doi.org/10.1111/rssa.12378
    """
    arms = np.array(observed.arms)
    for place, column in enumerate(observed.columns):
        seen = observed.values[:, place]  # noqa: PD011 # of Observed
        for arm in dict.fromkeys(observed.arms):
            rows = np.flatnonzero((arms == arm) & ~np.isnan(seen))
            if len(rows) < _FEWEST:
                continue
            drawn = replicates[:, rows, place]
            outside = _outside(drawn, observed.bounds[place])
            quantiles = _quantiles(drawn.ravel())
            yield Check(source, column, arm, "value", len(rows), np.nan, quantiles, np.nan, outside)
            for name, statistic in _STATISTICS.items():
                was, would_be = float(statistic(seen[rows][None])[0]), statistic(drawn)
                probability = float((would_be > was).mean() + 0.5 * (would_be == was).mean())
                quantiles = _quantiles(would_be)
                yield Check(source, column, arm, name, len(rows), was, quantiles, probability, np.nan)


def check_frame(found: tuple[Check, ...]) -> pd.DataFrame:
    """Return a row for each check.

    Parameters
    ----------
    found : tuple of Check
        May be empty.

    Returns
    -------
    DataFrame
        Columns source, column, arm, statistic, n, observed, q2.5 ... q97.5, probability and outside.
    """
    names = [f"q{100 * quantile:g}" for quantile in QUANTILES]
    first, last = ["source", "column", "arm", "statistic", "n", "observed"], ["probability", "outside"]
    rows = [
        {name: getattr(check, name) for name in first + last} | dict(zip(names, check.quantiles, strict=True))
        for check in found
    ]
    return pd.DataFrame(rows, columns=[*first, *names, *last])


def _outside(values: FloatArray, bounds: tuple[float, float] | None) -> float:
    if bounds is None:
        return np.nan
    return float(((values < bounds[0]) | (values > bounds[1])).mean())


def _quantiles(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(values, QUANTILES))
