"""What is true of each simulated brain at each visit: integrity of the tract, correlations of the motor network, motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.simulation.settings import ARMS

if TYPE_CHECKING:
    from neurotrial.simulation.settings import TrialSettings

__all__ = ["VISITS", "brain_correlation", "correlation_matrix", "make_brains"]

Rng = np.random.Generator
Floats = np.ndarray[Any, np.dtype[np.float64]]

VISITS = ("baseline", "day90")
_MARGIN = 0.9
"""Share of the largest admissible correlation between hemispheres that is ever used."""


@dataclass(frozen=True, slots=True)
class _Level:
    """Mean and SD over people at baseline, and SD of the change."""

    mean: float
    sd: float
    sd_change: float


_INTEGRITY = _Level(0.80, 0.08, 0.03)
_INTEGRITY_PER_LOG_VOLUME = -0.08
_TYPICAL_VOLUME_ML = 55.0
_INTEGRITY_OTHER = _Level(0.97, 0.02, 0.01)
_Z = {
    "z_inter": _Level(0.22, 0.08, 0.06),
    "z_ipsi": _Level(0.45, 0.10, 0.07),
    "z_contra": _Level(0.50, 0.10, 0.07),
}
_HOMOTOPIC_EXCESS = 0.12


def make_brains(settings: TrialSettings, rng: Rng, people: pd.DataFrame) -> pd.DataFrame:
    """Draw what is true of each brain at each visit.

    Integrity is the share of healthy anisotropy that the tract on the side of the lesion (``integrity_ipsi``) and on
    the other side (``integrity_contra``) keeps; it is lower where the lesion is larger. Fisher z between hemispheres,
    within the lesioned and within the other one are drawn about a person's own level.

    Parameters
    ----------
    settings : TrialSettings
        Changes by arm.
    rng : Generator
        Random stream.
    people : DataFrame
        As `neurotrial.simulation.people.make_participants` gives it.

    Returns
    -------
    DataFrame
        One row for each participant and visit: participant_id, visit, integrity_ipsi, integrity_contra, z_inter,
        z_ipsi, z_contra, restless (whether the BOLD scan is spoilt by motion).
    """
    n = len(people)
    size = np.log(people["lesion_volume_ml"].to_numpy() / _TYPICAL_VOLUME_ML)
    none = np.zeros(n)
    drawn = {
        "integrity_ipsi": _two_visits(
            rng, _INTEGRITY, _INTEGRITY_PER_LOG_VOLUME * size, _shift(people, settings.integrity_change)
        ),
        "integrity_contra": _two_visits(rng, _INTEGRITY_OTHER, none, none),
        "z_inter": _two_visits(rng, _Z["z_inter"], none, _shift(people, settings.inter_change)),
        "z_ipsi": _two_visits(rng, _Z["z_ipsi"], none, _shift(people, settings.ipsi_change)),
        "z_contra": _two_visits(rng, _Z["z_contra"], none, none),
    }
    parts = []
    for place, visit in enumerate(VISITS):
        rows = pd.DataFrame({"participant_id": people["participant_id"], "visit": visit})
        values = {name: pair[place] for name, pair in drawn.items()}
        for name in ("integrity_ipsi", "integrity_contra"):
            values[name] = np.clip(values[name], 0.2, 1.0)
        rows = rows.assign(**values)
        parts.append(rows.assign(restless=people["excluded"].to_numpy() & (visit == VISITS[-1])))
    return pd.concat(parts, ignore_index=True)


def _shift(people: pd.DataFrame, changes: tuple[float, float]) -> Floats:
    return np.asarray(people["arm"].map(dict(zip(ARMS, changes, strict=True))), dtype="float64")


def _two_visits(rng: Rng, level: _Level, offset: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Return values at baseline and at follow-up."""
    before = np.asarray(level.mean + offset + rng.normal(0, level.sd, len(offset)), dtype="float64")
    after = before + shift + rng.normal(0, level.sd_change, len(offset))
    return np.asarray(before), np.asarray(after)


def brain_correlation(brain: Any) -> Floats:
    """Return the correlation matrix of a row of `make_brains`, ipsilesional nodes first."""
    return correlation_matrix(brain["z_inter"], brain["z_ipsi"], brain["z_contra"])


def correlation_matrix(z_inter: float, z_ipsi: float, z_contra: float, pairs: int = 6) -> Floats:
    """Return the correlations of a network of homotopic pairs, ipsilesional nodes first.

    Parameters
    ----------
    z_inter, z_ipsi, z_contra : float
        Fisher z between nodes of different pairs across hemispheres, and within each hemisphere. Homotopic pairs have
        a fixed excess over ``z_inter``.
    pairs : int
        Number of homotopic pairs.

    Returns
    -------
    ndarray, shape (2 * pairs, 2 * pairs)
        A correlation matrix; where the three values together admit none, those between hemispheres are lowered to
        90 % of the largest admissible.

    Notes
    -----
    With a and c within hemispheres, x between and h homotopic, the matrix is positive definite where
    ``(1 - a)(1 - c) > (h - x)**2`` and ``(1 + (p - 1) a)(1 + (p - 1) c) > (h + (p - 1) x)**2``.
    """
    within = np.tanh(np.clip([z_ipsi, z_contra], 0.05, 0.85))
    between, homotopic = np.tanh([z_inter, z_inter + _HOMOTOPIC_EXCESS])
    rest = pairs - 1
    largest = _MARGIN * np.sqrt(np.prod(1 + rest * within))
    excess = min(homotopic - between, _MARGIN * float(np.sqrt(np.prod(1 - within))))
    between = float(np.clip(between, (-largest - excess) / pairs, (largest - excess) / pairs))
    cross = np.full((pairs, pairs), between) + excess * np.eye(pairs)
    matrix = np.block(
        [[np.full((pairs, pairs), within[0]), cross], [cross.T, np.full((pairs, pairs), within[1])]]
    )
    np.fill_diagonal(matrix, 1.0)
    return matrix
