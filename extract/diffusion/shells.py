"""Shells: the b-values of a scan, each with its volumes and directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.diffusion.gradients import distinct_directions

if TYPE_CHECKING:
    from neurotrial.extract.diffusion.gradients import Gradients

__all__ = ["Shell", "find_shells"]

_WIDTH = 100.0
"""b-values of a shell, in s/mm2, differ by at most so much, or by `_SHARE` of the lowest."""
_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Shell:
    """Volumes of about the same diffusion weighting.

    Attributes
    ----------
    b : float
        Mean b-value in s/mm2.
    n_volumes, n_directions : int
        Volumes, and directions among them that differ; 0 directions for the unweighted ones.
    """

    b: float
    n_volumes: int
    n_directions: int


def find_shells(gradients: Gradients) -> tuple[Shell, ...]:
    """List the shells of a scan, unweighted volumes first.

    Parameters
    ----------
    gradients : Gradients
        All volumes of the scan count, whether they enter the fit or not.

    Returns
    -------
    tuple of Shell
        By b-value. A shell ends where the b-value is 100 s/mm2, and 5 %, above its lowest: a scan whose b-values are
        spread evenly has many.
    """
    members = [np.flatnonzero(gradients.b0)] if gradients.b0.any() else []
    weighted = np.flatnonzero(~gradients.b0)
    weighted = weighted[np.argsort(gradients.bvals[weighted], kind="stable")]
    while weighted.size:
        values = gradients.bvals[weighted]
        count = int(np.searchsorted(values, values[0] + max(_WIDTH, _SHARE * values[0]), side="right"))
        members.append(weighted[:count])
        weighted = weighted[count:]
    return tuple(_shell(gradients, volumes) for volumes in members)


def _shell(gradients: Gradients, volumes: Any) -> Shell:
    vectors = gradients.bvecs[volumes][~gradients.b0[volumes]]
    return Shell(float(gradients.bvals[volumes].mean()), len(volumes), distinct_directions(vectors))
