"""What is assumed about the outcomes after an event: their mean and covariance under each strategy.

References
----------
Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371. https://doi.org/10.1080/10543406.2013.834911
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["STRATEGIES", "Moments", "Strategy", "moments"]

Strategy = Literal["MAR", "J2R", "CR", "CIR", "LMCF"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and covariance of the levels.

    Attributes
    ----------
    mean : array of float, shape (n_cells, m, L)
        For m participants.
    covariance : array of float, shape (n_cells, L, L)
        The same for all of them.
    """

    mean: FloatArray
    covariance: FloatArray


def moments(strategy: Strategy, own: Moments, reference: Moments, first: int, carried: FloatArray) -> Moments:
    """Return the distribution from which a participant's missing outcomes are imputed.

    Parameters
    ----------
    strategy : {"MAR", "J2R", "CR", "CIR", "LMCF"}
        Missing at random; jump to reference; copy reference; copy increments in reference; last mean carried forward.
    own, reference : Moments
        Under the participant's arm, and under the reference arm.
    first : int
        First level that the event affects, 0 to L; L for no event.
    carried : array of float, shape (n_cells, m, L)
        The baseline's mean carried forward, given the baseline: LMCF where an event affects the first level.
    """
    L = own.mean.shape[2]
    if strategy == "MAR" or first == L:
        return own
    if strategy == "CR":
        return reference
    if strategy == "LMCF":
        later = carried if first == 0 else np.broadcast_to(own.mean[:, :, first - 1, None], own.mean.shape)
        return Moments(_spliced(own.mean, later, first), own.covariance)
    after = reference.mean
    if strategy == "CIR" and first > 0:
        after = after + (own.mean - reference.mean)[:, :, first - 1, None]
    return Moments(_spliced(own.mean, after, first), _jumped(own.covariance, reference.covariance, first))


def _spliced(before: FloatArray, after: FloatArray, first: int) -> FloatArray:
    return np.concatenate([before[:, :, :first], after[:, :, first:]], axis=2)


def _jumped(own: FloatArray, reference: FloatArray, first: int) -> FloatArray:
    """Return the own covariance before the event, and the reference's regression on it afterwards."""
    if first == 0:
        return reference
    a, b = slice(None, first), slice(first, None)
    slope = np.linalg.solve(reference[:, a, a], reference[:, a, b])
    turned = np.swapaxes(slope, 1, 2)
    cross = turned @ own[:, a, a]
    corner = reference[:, b, b] - turned @ (reference[:, a, a] - own[:, a, a]) @ slope
    top = np.concatenate([own[:, a, a], np.swapaxes(cross, 1, 2)], axis=2)
    return np.concatenate([top, np.concatenate([cross, corner], axis=2)], axis=1)
