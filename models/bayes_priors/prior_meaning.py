"""What the priors of an effect say in the unit of an outcome."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.errors import refuse
from neurotrial.models.bayes.asked import orientation
from neurotrial.models.checks import check_level

if TYPE_CHECKING:
    from neurotrial.bayes_plan import EffectPriors, NormalPrior
    from neurotrial.models.sentences import Direction

__all__ = ["PriorMeaning", "prior_meanings", "tidy_meanings"]


@dataclass(frozen=True, slots=True)
class PriorMeaning:
    """What one prior of the effect says before any participant is seen.

    Attributes
    ----------
    prior : str
        sceptical, neutral or enthusiastic.
    mean, sd : float
        Of the effect, other arm less reference, in the unit of the outcome.
    low, high : float
        Central range of the effect, in the unit of the outcome.
    level : float
        Probability of that range.
    probability_benefit : float
        Of an effect in the direction of a benefit.
    probability_mcid : float
        Of a benefit beyond the minimal clinically important difference; NaN without one.
    probability_rope : float
        Of an effect inside the region of practical equivalence; NaN without one.
    """

    prior: str
    mean: float
    sd: float
    low: float
    high: float
    level: float
    probability_benefit: float
    probability_mcid: float
    probability_rope: float


def prior_meanings(
    priors: EffectPriors,
    *,
    baseline_sd: float,
    direction: Direction = "higher_is_better",
    mcid: float | None = None,
    rope: float | None = None,
    level: float = 0.95,
) -> tuple[PriorMeaning, ...]:
    """Return what each prior of the effect says in the unit of an outcome.

    Parameters
    ----------
    priors : EffectPriors
        In baseline SDs, oriented: above 0 is a benefit.
    baseline_sd : float
        One baseline SD, above 0, in the unit of the outcome.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    mcid : float, optional
        Minimal clinically important difference, above 0, in the unit of the outcome.
    rope : float, optional
        Half-width of the region of practical equivalence about 0, above 0, in baseline SDs.
    level : float
        Probability of the range, in (0, 1).

    Returns
    -------
    tuple of PriorMeaning
        In the order of `neurotrial.bayes_plan.PRIOR_SETS`.

    Raises
    ------
    InputError
        If a scale or a difference is not finite or not above 0, or the level is none.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Parmar MKB. J R Stat Soc A 1994;157:357-416. https://doi.org/10.2307/2983527
    """
    check_level(level)
    for name, value in (("baseline_sd", baseline_sd), ("mcid", mcid), ("rope", rope)):
        if value is not None and not 0 < value < np.inf:
            raise refuse(
                name, f"{value:g} is not above 0 and finite", "give its size, whatever the direction"
            )
    standard_mcid = None if mcid is None else mcid / baseline_sd
    return tuple(
        _meaning(
            name, getattr(priors, name), orientation(direction) * baseline_sd, standard_mcid, rope, level
        )
        for name in PRIOR_SETS
    )


def _meaning(
    name: str, prior: NormalPrior, scale: float, mcid: float | None, rope: float | None, level: float
) -> PriorMeaning:
    """Return what one prior says; `scale` is below 0 where lower is better."""
    effect = stats.norm(prior.mean, prior.sd)
    low, high = sorted(scale * end for end in effect.interval(level))
    return PriorMeaning(
        prior=name,
        mean=scale * prior.mean,
        sd=abs(scale) * prior.sd,
        low=float(low),
        high=float(high),
        level=level,
        probability_benefit=float(effect.sf(0)),
        probability_mcid=np.nan if mcid is None else float(effect.sf(mcid)),
        probability_rope=np.nan if rope is None else float(effect.cdf(rope) - effect.cdf(-rope)),
    )


def tidy_meanings(meanings: tuple[PriorMeaning, ...]) -> pd.DataFrame:
    """Return a row for each prior, with the attributes of `PriorMeaning` as columns."""
    return pd.DataFrame([asdict(meaning) for meaning in meanings])
