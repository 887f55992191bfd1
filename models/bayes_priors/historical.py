"""Published control arms as a prior of the reference arm's mean change, in baseline SDs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.bayes_priors.meta_analytic import approximated, map_prior
from neurotrial.models.bayes_priors.mixture_prior import (
    MixturePrior,
    elir,
    moment_ess,
    posterior_mixture,
    robust,
)

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, HistoricalControls
    from neurotrial.models.bayes.model import FloatArray

__all__ = [
    "HistoricalPrior",
    "MixturePrior",
    "historical_prior",
    "posterior_mixture",
    "power_prior",
    "published_prior",
]


@dataclass(frozen=True, slots=True)
class HistoricalPrior:
    """A prior of the mean of the reference arm at mean baseline and covariates, less the mean of baseline.

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    method : {"map", "power"}
        Meta-analytic-predictive prior, or power prior.
    sources : tuple of str
        Where the arms are published.
    n : int
        Published participants.
    mixture : MixturePrior
        The prior, in baseline SDs. Its last component is the vague one, unless `robust_weight` is 1.
    robust_weight : float
        Weight of the published arms, in (0, 1].
    ess, ess_moment : float
        How many participants the prior is worth: by the expected local information ratio, and by its variance alone.
    divergence, cdf_error : float
        How far the few normals are from the prior they stand for: Kullback-Leibler divergence, and largest difference
        of the distribution functions; 0 for a power prior. Of the published part alone.
    baseline_sd : float
        One baseline SD, in the unit of the outcome.

    References
    ----------
    Neuenschwander B et al. Biometrics 2020;76:578-587. https://doi.org/10.1111/biom.13252
    """

    outcome: str
    method: str
    sources: tuple[str, ...]
    n: int
    mixture: MixturePrior
    robust_weight: float
    ess: float
    ess_moment: float
    divergence: float
    cdf_error: float
    baseline_sd: float

    def tidy(self) -> pd.DataFrame:
        """Return a row for each component.

        Returns
        -------
        DataFrame
            Columns outcome, method, component ("published" or "vague"), weight, mean, sd (baseline SDs), mean_change,
            sd_change (unit of the outcome), n, ess, ess_moment, cdf_error, sources.
        """
        mixture = self.mixture
        names = ["published"] * len(mixture.weights)
        if self.robust_weight < 1:
            names[-1] = "vague"
        return pd.DataFrame(
            {
                "outcome": self.outcome,
                "method": self.method,
                "component": names,
                "weight": mixture.weights,
                "mean": mixture.means,
                "sd": mixture.sds,
                "mean_change": mixture.means * self.baseline_sd,
                "sd_change": mixture.sds * self.baseline_sd,
                "n": self.n,
                "ess": self.ess,
                "ess_moment": self.ess_moment,
                "cdf_error": self.cdf_error,
                "sources": "; ".join(self.sources),
            }
        )


def historical_prior(
    controls: HistoricalControls, *, baseline_sd: float, vague_sd: float = 2.0
) -> HistoricalPrior:
    """Return the prior of the reference arm's mean change that published control arms give.

    Published means and SDs are taken as those of participants with the mean baseline of this trial, and standard errors
    as known. The vague component of the robust mixture is the prior without published arms, normal about 0: with a
    robust weight near 0 this is the analysis without them.

    Parameters
    ----------
    controls : HistoricalControls
        Arms, method and weights, from the study file.
    baseline_sd : float
        Baseline SD of this trial, above 0, in the unit of the outcome.
    vague_sd : float
        SD of the vague component in baseline SDs, above 0: `intercept_sd` of the study file.

    Returns
    -------
    HistoricalPrior

    Raises
    ------
    InputError
        If a scale is not finite or not above 0.

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032. https://doi.org/10.1111/biom.12242
    Ibrahim JG, Chen MH. Stat Sci 2000;15:46-60. https://doi.org/10.1214/ss/1009212673
    """
    for name, value in (("baseline_sd", baseline_sd), ("vague_sd", vague_sd)):
        if not 0 < value < np.inf:
            raise refuse(name, f"{value:g} is no scale", "give a finite number above 0")
    sizes = np.array([arm.n for arm in controls.arms])
    means = np.array([arm.mean_change for arm in controls.arms]) / baseline_sd
    sds = np.array([arm.sd_change for arm in controls.arms]) / baseline_sd
    published, divergence, cdf_error = _published(controls, means, sds / np.sqrt(sizes))
    mixture = robust(published, controls.robust_weight, vague_mean=0, vague_sd=vague_sd)
    one = float(np.sqrt((sizes - 1) @ sds**2 / (sizes - 1).sum()))
    return HistoricalPrior(
        outcome=controls.outcome,
        method=controls.method,
        sources=tuple(arm.source for arm in controls.arms),
        n=int(sizes.sum()),
        mixture=mixture,
        robust_weight=controls.robust_weight,
        ess=elir(mixture, one),
        ess_moment=moment_ess(mixture, one),
        divergence=divergence,
        cdf_error=cdf_error,
        baseline_sd=baseline_sd,
    )


def published_prior(plan: BayesPlan, outcome: str, baseline_sd: float) -> MixturePrior | None:
    """Return the prior that the published control arms of an outcome give, or None where the plan has none of it."""
    for controls in plan.historical:
        if controls.outcome == outcome:
            vague = plan.others.intercept_sd
            return historical_prior(controls, baseline_sd=baseline_sd, vague_sd=vague).mixture
    return None


def _published(
    controls: HistoricalControls, means: FloatArray, std_errors: FloatArray
) -> tuple[MixturePrior, float, float]:
    """Return the informative part, and how far it is from what it stands for."""
    if controls.power is not None:
        return power_prior(means, std_errors, discount=controls.power), 0.0, 0.0
    found = approximated(map_prior(means, std_errors, tau_scale=controls.tau_scale))
    return found.mixture, found.divergence, found.cdf_error


def power_prior(means: FloatArray, std_errors: FloatArray, *, discount: float | FloatArray) -> MixturePrior:
    """Return the power prior of a mean from a flat one: each published likelihood to a power.

    Parameters
    ----------
    means, std_errors : ndarray, shape (arms,)
        At least one arm; standard errors above 0 and taken as known.
    discount : float or ndarray, shape (arms,)
        The power, in (0, 1]: a published participant counts as so much of one.

    Returns
    -------
    MixturePrior
        One normal.

    References
    ----------
    Ibrahim JG, Chen MH. Stat Sci 2000;15:46-60. https://doi.org/10.1214/ss/1009212673
    """
    precisions = discount / std_errors**2
    total = precisions.sum()
    return MixturePrior(np.ones(1), np.array([precisions @ means / total]), np.array([total**-0.5]))
