"""How much of its prior a posterior still is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes_evidence.draws import target_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurotrial.models.bayes.model import FloatArray, Target

__all__ = ["Densities", "PriorOverlap", "densities", "prior_overlap"]

_POINTS = 512
_MARGIN = 0.5
"""What the grid has on either side of all draws, in posterior SDs near the centre."""


@dataclass(frozen=True, slots=True)
class Densities:
    """Density of the prior and of the posterior of one number on the same grid.

    Attributes
    ----------
    grid : ndarray, shape (points,)
        In the unit of the number, ascending, closest about the posterior; its steps differ.
    prior, posterior : ndarray, shape (points,)
        Over that unit.
    overlap : float
        Area below both, in [0, 1].
    """

    grid: FloatArray
    prior: FloatArray
    posterior: FloatArray
    overlap: float


@dataclass(frozen=True, slots=True)
class PriorOverlap:
    """What each target of a model has in common with its prior.

    Attributes
    ----------
    targets : tuple of str
        Their names.
    densities : tuple of Densities or None
        None for a number that does not vary.
    prior_sd, posterior_sd : ndarray, shape (targets,)
        In the unit of the target.

    References
    ----------
    Inman HF, Bradley EL. Commun Stat Theory Methods 1989;18:3851-3874. https://doi.org/10.1080/03610928908830127
    """

    targets: tuple[str, ...]
    densities: tuple[Densities | None, ...]
    prior_sd: FloatArray
    posterior_sd: FloatArray

    @property
    def overlap(self) -> FloatArray:
        """Overlap coefficient of each target, shape (targets,); NaN for a number that does not vary."""
        return np.array([np.nan if found is None else found.overlap for found in self.densities])

    @property
    def contraction(self) -> FloatArray:
        """Posterior SD over prior SD of each target, shape (targets,); near 1 where nothing was learnt."""
        varies = self.prior_sd > 0
        return np.where(varies, self.posterior_sd / np.where(varies, self.prior_sd, 1), np.nan)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each target.

        Returns
        -------
        DataFrame
            Columns target, overlap, prior_sd, posterior_sd and contraction.
        """
        return pd.DataFrame(
            {
                "target": pd.array(list(self.targets), dtype="str"),
                "overlap": self.overlap,
                "prior_sd": self.prior_sd,
                "posterior_sd": self.posterior_sd,
                "contraction": self.contraction,
            }
        )


def prior_overlap(prior: Sequence[Target], posterior: Sequence[Target]) -> PriorOverlap:
    """Return what the targets of a model have in common with their priors.

    Parameters
    ----------
    prior, posterior : sequence of Target
        Of the same model, from draws of its prior and of its posterior.

    Returns
    -------
    PriorOverlap
    """
    pairs = [(before.draws, after.draws) for before, after in zip(prior, posterior, strict=True)]
    return PriorOverlap(
        targets=tuple(target_name(target) for target in posterior),
        densities=tuple(densities(*pair) for pair in pairs),
        prior_sd=np.array([before.std(ddof=1) for before, _ in pairs]),
        posterior_sd=np.array([after.std(ddof=1) for _, after in pairs]),
    )


def densities(prior: FloatArray, posterior: FloatArray) -> Densities | None:
    """Return kernel densities of two sets of draws, and their overlap.

    A grid that is fine enough for a narrow posterior and reaches to the ends of a wide prior would be long: draws are
    taken to an inverse hyperbolic sine about the posterior, which leaves the overlap as it is, and densities back.

    Parameters
    ----------
    prior, posterior : ndarray, shape (draws,)
        The numbers of draws may differ.

    Returns
    -------
    Densities or None
        None if either does not vary.
    """
    if np.ptp(prior) == 0 or np.ptp(posterior) == 0:
        return None
    centre, scale = float(np.median(posterior)), float(posterior.std())
    taken = [np.arcsinh((draws - centre) / scale) for draws in (prior, posterior)]
    ends = (min(map(np.min, taken)) - _MARGIN, max(map(np.max, taken)) + _MARGIN)
    kde = array_statistics().kde
    found = [kde(draws, custom_lims=ends, bound_correction=False, grid_len=_POINTS)[:2] for draws in taken]
    grid = found[0][0]
    below = np.minimum(found[0][1], found[1][1])
    stretch = scale * np.cosh(grid)
    return Densities(
        grid=centre + scale * np.sinh(grid),
        prior=found[0][1] / stretch,
        posterior=found[1][1] / stretch,
        overlap=float(np.clip(below.sum() * (grid[1] - grid[0]), 0, 1)),
    )
