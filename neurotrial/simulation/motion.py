"""Head motion: a random walk with sudden moves, and the framewise displacement that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.simulation.protocols import BoldProtocol

__all__ = [
    "CALM", "HEAD_RADIUS_MM", "PARAMETERS", "RESTLESS", "Motion", "MotionSettings", "framewise_displacement",
    "motion_from_confounds", "random_motion",
]  # fmt: skip

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rng = np.random.Generator

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
HEAD_RADIUS_MM = 50.0
"""Turns an angle into the way of a point on the surface of the head."""
_IN_MM = np.repeat([1.0, HEAD_RADIUS_MM], 3)


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """How much a head moves.

    Attributes
    ----------
    step_mm : float
        SD of the shift along each axis from volume to volume; a turn moves the surface of the head as far.
    spread : float
        SD, over scans, of the log of ``step_mm``.
    sudden_per_minute : float
        Expected number of sudden moves; each lasts two volumes, then the head is back.
    sudden_mm : float
        SD of a sudden move along each axis, and of the way of the surface of the head for each turn.
    """

    step_mm: float
    spread: float
    sudden_per_minute: float
    sudden_mm: float


CALM = MotionSettings(step_mm=0.025, spread=0.4, sudden_per_minute=0.5, sudden_mm=0.5)
"""Mean framewise displacement of .1 to .3 mm, a few volumes above .5 mm."""
RESTLESS = MotionSettings(step_mm=0.09, spread=0.05, sudden_per_minute=2.0, sudden_mm=1.0)
"""Framewise displacement above .5 mm in a third to two thirds of the volumes; enough are left to be measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Motion during a scan.

    Attributes
    ----------
    parameters : ndarray, shape (n_volumes, 6)
        In the order of `PARAMETERS`: mm and rad.
    fd : ndarray, shape (n_volumes,)
        Framewise displacement in mm; NaN in the first volume.
    table : DataFrame or None
        The confounds table that the motion was read from.
    """

    parameters: Floats
    fd: Floats
    table: pd.DataFrame | None = None


def framewise_displacement(parameters: Floats) -> Floats:
    """Return the sum of the absolute changes of the six parameters, angles as way on a sphere of 50 mm.

    Parameters
    ----------
    parameters : ndarray, shape (n_volumes, 6)
        Shifts in mm, then turns in rad.

    Returns
    -------
    ndarray, shape (n_volumes,)
        mm; NaN in the first volume.

    References
    ----------
    .. [1] Power JD et al. (2012). Spurious but systematic correlations in functional connectivity MRI networks arise from
       subject motion. NeuroImage 59:2142-2154. https://doi.org/10.1016/j.neuroimage.2011.10.018

    Examples
    --------
    >>> framewise_displacement(np.array([[0, 0, 0, 0, 0, 0], [0.1, 0, 0, 0.01, 0, 0]]))
    array([nan, 0.6])
    """
    change = np.abs(np.diff(in_mm(parameters), axis=0)).sum(axis=1)
    return np.concatenate([[np.nan], change])


def in_mm(parameters: Floats) -> Floats:
    """Return the six parameters in mm, angles as way on the surface of the head, shape (n_volumes, 6)."""
    return np.asarray(parameters * _IN_MM)


def random_motion(protocol: BoldProtocol, rng: Rng, settings: MotionSettings = CALM) -> Motion:
    """Return the motion of one scan.

    Parameters
    ----------
    protocol : BoldProtocol
        Number and spacing of the volumes.
    rng : Generator
    settings : MotionSettings
    """
    n = protocol.n_volumes
    step = settings.step_mm * np.exp(rng.normal(0, settings.spread))
    way = np.cumsum(rng.normal(0, step, (n, 6)), axis=0)
    minutes = n * protocol.t_r / 60
    for start in rng.integers(1, n, rng.poisson(settings.sudden_per_minute * minutes)):
        way[start : start + 2] += rng.normal(0, settings.sudden_mm, 6)
    parameters = way / _IN_MM
    return Motion(parameters, framewise_displacement(parameters))


def motion_from_confounds(table: pd.DataFrame) -> Motion:
    """Return the motion of a real scan, so that a simulated one moves in the same way.

    Parameters
    ----------
    table : DataFrame
        A confounds table of fMRIPrep with the six parameters and framewise_displacement; its number of rows is the number
        of volumes.

    Returns
    -------
    Motion
        With the table, which is written beside the simulated scan as it stands.
    """
    parameters = table[list(PARAMETERS)].to_numpy(dtype="float64")
    return Motion(parameters, table["framewise_displacement"].to_numpy(dtype="float64"), table)
