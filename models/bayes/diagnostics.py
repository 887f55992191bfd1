"""What draws are worth, and whether they may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes.generations import array_statistics

if TYPE_CHECKING:
    from neurotrial.bayes_plan import Acceptance
    from neurotrial.models.bayes.sampling import Draws

__all__ = ["Convergence", "Precision", "convergence", "precision"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_AXES = {"chain_axis": 0, "draw_axis": 1}
_TAILS = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Precision:
    """What the draws of one number are worth.

    Attributes
    ----------
    rhat, ess_bulk, ess_tail, mcse_mean : float
        Rank-normalised R-hat, effective draws for the centre and for the tails, Monte Carlo error of the mean.

    References
    ----------
    Vehtari A et al. Bayesian Anal 2021;16:667-718. https://doi.org/10.1214/20-BA1221
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    mcse_mean: float


@dataclass(frozen=True, slots=True)
class Convergence:
    """What the draws of all parameters are worth.

    Attributes
    ----------
    worst_rhat, least_ess : float
        Largest R-hat; fewest effective draws, for the centre or for the tails.
    bfmi : float
        Smallest estimated Bayesian fraction of missing information of a chain.
    divergences : int
        Transitions that diverged.
    """

    worst_rhat: float
    least_ess: float
    bfmi: float
    divergences: int

    def faults(self, accept: Acceptance) -> Iterator[str]:
        """Yield what was not reached; a number that could not be computed was not."""
        if self.divergences:
            yield f"{self.divergences} divergent transitions"
        if not self.worst_rhat <= accept.rhat:
            yield f"R-hat {self.worst_rhat:.3f} above {accept.rhat:g}"
        if not self.least_ess >= accept.ess:
            yield f"{self.least_ess:.0f} effective draws, fewer than {accept.ess:g}"
        if not self.bfmi >= accept.bfmi:
            yield f"E-BFMI {self.bfmi:.2f} below {accept.bfmi:g}"


def precision(values: FloatArray) -> Precision:
    """Return what the draws of one number are worth.

    Parameters
    ----------
    values : ndarray, shape (chains, draws)
        The number in each draw.
    """
    statistics = array_statistics()
    return Precision(
        rhat=float(statistics.rhat(values, **_AXES)),
        ess_bulk=float(statistics.ess(values, method="bulk", **_AXES)),
        ess_tail=float(statistics.ess(values, method="tail", prob=_TAILS, **_AXES)),
        mcse_mean=float(statistics.mcse(values, method="mean", **_AXES)),
    )


def convergence(draws: Draws) -> Convergence:
    """Return what the draws of all parameters are worth."""
    each = [precision(column) for column in _columns(draws)]
    return Convergence(
        worst_rhat=float(np.max([found.rhat for found in each])),
        least_ess=float(np.min([[found.ess_bulk, found.ess_tail] for found in each])),
        bfmi=float(np.min(array_statistics().bfmi(draws.energy, **_AXES))),
        divergences=int(draws.diverging.sum()),
    )


def _columns(draws: Draws) -> Iterator[FloatArray]:
    """Yield each scalar parameter, shape (chains, draws)."""
    for values in draws.variables.values():
        flat = values.reshape(*values.shape[:2], -1)
        yield from np.moveaxis(flat, -1, 0)
