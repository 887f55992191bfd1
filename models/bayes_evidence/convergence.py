"""What the draws of a fit are worth, number by number and as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models.bayes.generations import array_statistics

if TYPE_CHECKING:
    from neurotrial.bayes_plan import Acceptance
    from neurotrial.models.bayes.model import FloatArray, Parameters

__all__ = ["Convergence", "Precision", "convergence", "precision", "scalars"]

_AXES = {"chain_axis": 0, "draw_axis": 1}
_TAILS = (0.05, 0.95)
_ROUNDING = 1e-10
"""The range of a parameter, over its size, up to which it counts as constant: a unit diagonal is 1 but for rounding."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What the draws of one number are worth.

    Attributes
    ----------
    name : str
        Of a parameter with its place, e.g. ``"effect[0]"``, or of a target.
    rhat : float
        Rank-normalised split R-hat, the larger of that of the centre and that of the spread.
    ess_bulk, ess_tail : float
        Effective draws for the centre, and for the 5 % and 95 % quantiles.
    mcse_mean, mcse_sd : float
        Monte Carlo error of the mean and of the SD, in the unit of the number.

    References
    ----------
    Vehtari A et al. Bayesian Anal 2021;16:667-718. https://doi.org/10.1214/20-BA1221
    """

    name: str
    rhat: float
    ess_bulk: float
    ess_tail: float
    mcse_mean: float
    mcse_sd: float


@dataclass(frozen=True, slots=True)
class Convergence:
    """What the draws of a fit are worth.

    Attributes
    ----------
    numbers : tuple of Precision
        Each parameter and each target that varies.
    constant : tuple of str
        Those that do not, as the unit diagonal of a correlation matrix: there is nothing to converge.
    bfmi : ndarray, shape (chains,)
        Estimated Bayesian fraction of missing information.
    divergences : int
        Transitions that diverged.
    depth_share : float
        Share of transitions that ended at the largest depth of the tree.

    References
    ----------
    Betancourt M. 2017. https://doi.org/10.48550/arXiv.1701.02434
    """

    numbers: tuple[Precision, ...]
    constant: tuple[str, ...]
    bfmi: FloatArray
    divergences: int
    depth_share: float

    @property
    def worst_rhat(self) -> float:
        """Largest R-hat; NaN if any is, or if nothing varies."""
        return float(np.max([one.rhat for one in self.numbers])) if self.numbers else np.nan

    @property
    def least_ess(self) -> float:
        """Fewest effective draws, for the centre or for the tails; NaN if any is, or if nothing varies."""
        least = [[one.ess_bulk, one.ess_tail] for one in self.numbers]
        return float(np.min(least)) if least else np.nan

    @property
    def least_bfmi(self) -> float:
        """E-BFMI of the worst chain."""
        return float(np.min(self.bfmi))

    def faults(self, accept: Acceptance) -> Iterator[str]:
        """Yield what was not reached; a number that could not be computed was not."""
        if self.divergences:
            yield f"{self.divergences} divergent transitions"
        if not self.worst_rhat <= accept.rhat:
            yield f"R-hat {self.worst_rhat:.3f} above {accept.rhat:g}"
        if not self.least_ess >= accept.ess:
            yield f"{self.least_ess:.0f} effective draws, fewer than {accept.ess:g}"
        if not self.least_bfmi >= accept.bfmi:
            yield f"E-BFMI {self.least_bfmi:.2f} below {accept.bfmi:g}"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each number that varies.

        Returns
        -------
        DataFrame
            Columns name, rhat, ess_bulk, ess_tail, mcse_mean and mcse_sd.
        """
        columns = Precision.__slots__
        rows = [[getattr(one, column) for column in columns] for one in self.numbers]
        return pd.DataFrame(rows, columns=list(columns))


def convergence(
    drawn: Parameters, targets: Mapping[str, FloatArray], statistics: Mapping[str, Any]
) -> Convergence:
    """Return what the draws of a fit are worth.

    Parameters
    ----------
    drawn : mapping of str to ndarray, shape (chains, draws, ...)
        Named parameters.
    targets : mapping of str to ndarray, shape (chains, draws)
        The numbers that are reported.
    statistics : mapping of str to ndarray, shape (chains, draws)
        ``energy``, and whether each transition is ``diverging`` and has ``depth_reached``, the largest one.

    Returns
    -------
    Convergence
    """
    columns = [*scalars(drawn), *targets.items()]
    return Convergence(
        numbers=tuple(precision(name, values) for name, values in columns if not _constant(values)),
        constant=tuple(name for name, values in columns if _constant(values)),
        bfmi=np.asarray(array_statistics().bfmi(statistics["energy"], **_AXES)),
        divergences=int(np.sum(statistics["diverging"])),
        depth_share=float(np.mean(statistics["depth_reached"])),
    )


def precision(name: str, values: FloatArray) -> Precision:
    """Return what the draws of one number are worth.

    Parameters
    ----------
    name : str
        Of the number.
    values : ndarray, shape (chains, draws)
        The number in each draw.

    Returns
    -------
    Precision
    """
    statistics = array_statistics()
    return Precision(
        name=name,
        rhat=float(statistics.rhat(values, **_AXES)),
        ess_bulk=float(statistics.ess(values, method="bulk", **_AXES)),
        ess_tail=float(statistics.ess(values, method="tail", prob=_TAILS, **_AXES)),
        mcse_mean=float(statistics.mcse(values, method="mean", **_AXES)),
        mcse_sd=_mcse_sd(values),
    )


def scalars(drawn: Parameters) -> Iterator[tuple[str, FloatArray]]:
    """Yield each scalar of named parameters, shape (chains, draws), with its name and place."""
    for name, values in drawn.items():
        for place in np.ndindex(values.shape[2:]):
            yield _placed(name, place), values[(..., *place)]


def _placed(name: str, place: Sequence[int]) -> str:
    return f"{name}[{','.join(map(str, place))}]" if place else name


def _mcse_sd(values: FloatArray) -> float:
    """Return the error of the SD by that of the variance; the older ArviZ takes the effective draws of the mean."""
    squares = (values - values.mean()) ** 2
    ess = float(array_statistics().ess(values, method="sd", **_AXES))
    variance = squares.mean()
    return float(np.sqrt(np.mean((squares - variance) ** 2) / ess / (4 * variance)))


def _constant(values: FloatArray) -> bool:
    return bool(np.ptp(values) <= _ROUNDING * np.abs(values).max())
