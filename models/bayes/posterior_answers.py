"""What draws of one number answer: location, intervals and probabilities, each probability with its Monte Carlo error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.checks import check_level

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["Chance", "PosteriorAnswers", "posterior_answers", "probability"]

_AXES = {"chain_axis": 0, "draw_axis": 1}
_AXIS_COUNT, _FEWEST = 2, 4
"""Fewer draws to a chain have no effective number."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A posterior probability.

    Attributes
    ----------
    value : float
        In [0, 1]; NaN where it was not asked for.
    mcse : float
        Monte Carlo standard error; 0 where all draws agree, which tells of few draws rather than of certainty.
    """

    value: float
    mcse: float


@dataclass(frozen=True, slots=True)
class PosteriorAnswers:
    """What the posterior of one number says.

    Attributes
    ----------
    mean, sd : float
        In the unit of the number.
    mcse_mean : float
        Monte Carlo standard error of the mean.
    eti, hdi : tuple of float
        Equal-tailed and highest density interval.
    level : float
        Their probability.
    benefit : Chance
        Better than none; NaN where a difference is neither good nor bad.
    beyond_mcid : Chance
        Better by more than the minimal clinically important difference; NaN without one.
    within_rope : Chance
        Inside the region of practical equivalence about 0; NaN without one.
    """

    mean: float
    sd: float
    mcse_mean: float
    eti: tuple[float, float]
    hdi: tuple[float, float]
    level: float
    benefit: Chance
    beyond_mcid: Chance
    within_rope: Chance


_NOT_ASKED = Chance(np.nan, np.nan)


def probability(draws: FloatArray, *, above: float | None = None, below: float | None = None) -> Chance:
    """Return the posterior probability of a range.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws) or (draws,)
        Of one number; finite.
    above, below : float, optional
        Ends of the range, which do not belong to it; at least one, and `above` the smaller.

    Returns
    -------
    Chance

    Raises
    ------
    InputError
        If draws are not finite, fewer than four to a chain or of another shape, or the range has no end or is empty.

    References
    ----------
    Vehtari A et al. Bayesian Anal 2021;16:667-718. https://doi.org/10.1214/20-BA1221
    """
    chains = _chains(draws)
    low = -np.inf if above is None else above
    high = np.inf if below is None else below
    if (above is None and below is None) or not low < high:
        raise refuse("above, below", f"no range from {low:g} to {high:g}", "give one end, or two in order")
    inside = ((chains > low) & (chains < high)).astype("float64")
    return Chance(float(inside.mean()), float(array_statistics().mcse(inside, method="mean", **_AXES)))


def posterior_answers(
    draws: FloatArray,
    *,
    sign: int = 1,
    mcid: float | None = None,
    rope: float | None = None,
    level: float = 0.95,
) -> PosteriorAnswers:
    """Return what draws of a difference say.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws) or (draws,)
        Of the difference; finite.
    sign : {1, -1, 0}
        Sign of a benefit; 0 where a difference is neither good nor bad.
    mcid : float, optional
        Minimal clinically important difference, above 0, in the unit of the draws.
    rope : float, optional
        Half-width of the region of practical equivalence about 0, above 0, in the unit of the draws.
    level : float
        Probability of the intervals, in (0, 1).

    Returns
    -------
    PosteriorAnswers

    Raises
    ------
    InputError
        If draws are not finite, fewer than four to a chain or of another shape, or another value is out of its range.

    References
    ----------
    Kruschke JK. Adv Methods Pract Psychol Sci 2018;1:270-280. https://doi.org/10.1177/2515245918771304
    """
    _check(sign, mcid, rope, level)
    chains = _chains(draws)
    statistics = array_statistics()
    oriented = sign * chains
    return PosteriorAnswers(
        mean=float(chains.mean()),
        sd=float(chains.std(ddof=1)),
        mcse_mean=float(statistics.mcse(chains, method="mean", **_AXES)),
        eti=_pair(statistics.eti(chains.ravel(), level)),
        hdi=_pair(statistics.hdi(chains.ravel(), level)),
        level=level,
        benefit=probability(oriented, above=0) if sign else _NOT_ASKED,
        beyond_mcid=probability(oriented, above=mcid) if sign and mcid is not None else _NOT_ASKED,
        within_rope=_NOT_ASKED if rope is None else probability(chains, above=-rope, below=rope),
    )


def _chains(draws: FloatArray) -> FloatArray:
    values = np.atleast_2d(np.asarray(draws, dtype="float64"))
    if values.ndim != _AXIS_COUNT or values.shape[1] < _FEWEST or not np.isfinite(values).all():
        rule = f"shape {np.shape(draws)} or values that are not finite"
        raise refuse("draws", rule, "give finite draws of one number, (chains, draws), at least 4 to a chain")
    return values


def _pair(values: FloatArray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _check(sign: int, mcid: float | None, rope: float | None, level: float) -> None:
    if sign not in {-1, 0, 1}:
        raise refuse("sign", f"{sign} is no sign", "use 1, -1 or 0")
    for name, value in (("mcid", mcid), ("rope", rope)):
        if value is not None and not 0 < value < np.inf:
            raise refuse(name, f"{value:g} is no difference above 0", "give its size, whatever the direction")
    check_level(level)
