"""Fugl-Meyer scores from a recovery mixture, with the floor and the ceiling of each scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.simulation.settings import ARMS
from neurotrial.tables import SCALES

if TYPE_CHECKING:
    from neurotrial.simulation.settings import TrialSettings

__all__ = ["RECOVERY_GROUPS", "make_motor"]

Rng = np.random.Generator
Floats = np.ndarray[Any, np.dtype[np.float64]]

RECOVERY_GROUPS = np.array([
    (0.28, 0.088, 5.1, -3.14, 0.64),
    (0.13, 0.466, 10.5, -2.24, 2.05),
    (0.14, 0.859, 9.1, -2.16, 2.99),
    (0.19, 0.901, 2.3, -1.25, 2.78),
    (0.25, 0.938, 1.0, -0.14, 2.38),
])  # fmt: skip
"""Weight, share of the potential that is recovered, time constant in weeks, mean and SD of the logit of the first score
(posterior means of van der Vliet et al., Ann Neurol 2020, https://doi.org/10.1002/ana.25679)."""

_UE, _LE = SCALES["fma_ue"][1], SCALES["fma_le"][1]
_RESIDUAL_SD = 3.8
_SEVERE, _CANDIDATES = 0.5, 60
_LEG_START = 0.15


def make_motor(settings: TrialSettings, rng: Rng, people: pd.DataFrame) -> pd.DataFrame:
    """Return upper, lower and total scores at both visits; nothing at follow-up for those lost to it.

    Patients are severe: their expected share of the upper-extremity scale at baseline is below a half. The effect put
    in is added to the expected score; whole points, floor and ceiling come after it, so that the marginal effect is
    smaller than what was put in.

    Parameters
    ----------
    settings : TrialSettings
        The points added by arm.
    rng : Generator
        Random stream.
    people : DataFrame
        As `neurotrial.simulation.people.make_participants` gives it.

    Returns
    -------
    DataFrame
        The contract `motor`.
    """
    n = len(people)
    weeks = people["days_stroke_to_baseline"].to_numpy() / 7
    start, share, tau = _patients(rng, weeks)
    days = {"baseline": -rng.integers(0, 8, n), "day90": rng.integers(80, 104, n)}
    added = people["arm"].map(dict(zip(ARMS, settings.added_points, strict=True))).to_numpy() / (_UE + _LE)
    parts = []
    for visit, since in days.items():
        later = visit != "baseline"
        mean = _recovered(start, share, tau, weeks + later * (since - days["baseline"]) / 7)
        ue = _scores(rng, _UE * (mean + later * added), _UE)
        le = _scores(rng, _LE * (_LEG_START + (1 - _LEG_START) * mean + later * added), _LE)
        seen = people["itt"].to_numpy() | (not later)
        for scale, score in (("fma_total", ue + le), ("fma_ue", ue), ("fma_le", le)):
            rows = pd.DataFrame({"participant_id": people["participant_id"], "visit": visit})
            parts.append(rows.assign(days_since_randomisation=since, scale=scale, score=score)[seen])
    return pd.concat(parts, ignore_index=True)


def _recovered(start: Floats, share: Floats, tau: Floats, weeks: Floats) -> Floats:
    """Return the expected share of the scale some weeks after the stroke."""
    return np.asarray(start + share * (1 - start) * (1 - np.exp(-weeks / tau)))


def _patients(rng: Rng, weeks: Floats) -> tuple[Floats, Floats, Floats]:
    """Return first score (share of the scale), share recovered and time constant of patients who are severe at baseline."""
    shape = (_CANDIDATES, len(weeks))
    weights = RECOVERY_GROUPS[:, 0] / RECOVERY_GROUPS[:, 0].sum()
    drawn = RECOVERY_GROUPS[rng.choice(len(RECOVERY_GROUPS), shape, p=weights)]
    _, share, tau, centre, spread = np.moveaxis(drawn, -1, 0)
    start = 1 / (1 + np.exp(-rng.normal(centre, spread)))
    first = (_recovered(start, share, tau, weeks) < _SEVERE).argmax(axis=0)
    person = np.arange(len(weeks))
    return start[first, person], share[first, person], tau[first, person]


def _scores(rng: Rng, mean: Floats, maximum: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return whole scores about a mean, between 0 and the maximum; the noise shrinks with the length of the scale."""
    noisy = mean + rng.normal(0, _RESIDUAL_SD * maximum / _UE, len(mean))
    return np.clip(np.round(noisy), 0, maximum).astype(int)
