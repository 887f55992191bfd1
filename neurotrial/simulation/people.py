"""The people of a simulated trial: randomisation, characteristics, populations, events and harms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.simulation.settings import ARMS, BLOCK

if TYPE_CHECKING:
    from neurotrial.simulation.settings import TrialSettings

__all__ = ["adverse_events", "make_events", "make_participants"]

Rng = np.random.Generator
_NOT_TREATED = 0.06
_DEATH = 0.15
_SERIOUS, _RELATED = 0.2, 0.5
_OTHER_EVENTS = {
    "other_therapy": (0.05, ("botulinum toxin", "robot-assisted training outside the trial")),
    "recurrent_stroke": (0.02, ("new infarct on CT",)),
}
_REASONS = {
    "withdrawal": ("consent withdrawn", "moved away", "too burdensome"),
    "death": ("pneumonia", "cardiac arrest"),
    "not_treated": ("culture failed", "treatment declined"),
    "no_mri": ("claustrophobia", "pacemaker", "scan declined", "scanner out of order"),
}
_HARMS = {
    "Fever": {"cells": 0.2, "control": 0.12},
    "Urinary tract infection": {"cells": 0.1, "control": 0.12},
    "Seizure": {"cells": 0.03, "control": 0.05},
    "Fall": {"cells": 0.1, "control": 0.1},
}


def make_participants(settings: TrialSettings, rng: Rng, arm: str | None = None) -> pd.DataFrame:
    """Randomise participants in shuffled blocks of 2:1 and give them characteristics and populations.

    Parameters
    ----------
    settings : TrialSettings
        Sizes of the populations.
    rng : Generator
        Random stream.
    arm : str or None
        The arm that everybody is in, all seen and scanned at both visits, from the same random numbers; None randomises.

    Returns
    -------
    DataFrame
        The contract `participants`, and ``scans``: ``both``, ``baseline`` or ``none``; and ``excluded``, whether a
        decision excludes a scan.
    """
    n = settings.planned
    width = max(3, len(str(n)))
    frame = pd.DataFrame({
        "participant_id": [f"sub-{place:0{width}d}" for place in range(1, n + 1)],
        "arm": np.concatenate([rng.permutation(BLOCK) for _ in range(n // len(BLOCK))]),
        "randomisation_order": np.arange(1, n + 1),
        "block": [f"b{place // len(BLOCK) + 1:02d}" for place in range(n)],
        "days_stroke_to_baseline": np.clip(np.round(rng.lognormal(2.8, 0.6, n)), 5, 89).astype(int),
        "age": np.clip(np.round(rng.normal(66, 11, n)), 28, 83).astype(int),
        "sex": rng.choice(["female", "male"], n, p=[0.42, 0.58]),
        "lesion_side": rng.choice(["left", "right"], n),
        "lesion_volume_ml": np.round(np.clip(rng.lognormal(4.0, 0.6, n), 5, 200), 1),
        "nihss": np.clip(np.round(rng.normal(12, 3.2, n)), 6, 21).astype(int),
        "scanner": "simulated 3 T",
    })  # fmt: skip
    if arm is None:
        return _populations(settings, rng, _treatment(rng, frame))
    whole = _treatment(rng, frame.assign(arm=arm)).assign(
        itt=True, imaging=True, excluded=False, scans="both"
    )
    return whole.assign(per_protocol=whole["treated"])


def _treatment(rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the allocated treatment, but for a few to whom no cells could be given."""
    delay = np.round(rng.normal(24, 5, len(frame))).clip(10).astype(int)
    treated = (frame["arm"] == "control") | (rng.random(len(frame)) > _NOT_TREATED)
    given = treated & (frame["arm"] == "cells")
    return frame.assign(
        treated=treated,
        treatment_received=frame["arm"].where(treated, None),
        days_randomisation_to_treatment=pd.Series(delay, dtype="Int64").where(given),
    )


def _populations(settings: TrialSettings, rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """Choose at random, within each arm, who is seen at follow-up, scanned, and excluded."""
    frame = frame.assign(itt=False, imaging=False, excluded=False, scans="baseline")
    counts = zip(ARMS, settings.analysed, settings.imaged, settings.excluded, strict=True)
    for arm, analysed, imaged, excluded in counts:
        seen = rng.permutation(frame.index[frame["arm"] == arm])[:analysed]
        frame.loc[seen, "itt"] = True
        frame.loc[seen[:imaged], "imaging"] = True
        frame.loc[seen[imaged : imaged + excluded], "excluded"] = True
        unscanned = seen[imaged + excluded :]
        frame.loc[seen[: imaged + excluded], "scans"] = "both"
        frame.loc[unscanned[::2], "scans"] = "none"
    frame["per_protocol"] = frame["itt"] & frame["treated"]
    return frame


def make_events(rng: Rng, people: pd.DataFrame) -> pd.DataFrame:
    """Return withdrawals, deaths, treatments and scans not given, and other events, with day and reason.

    Parameters
    ----------
    rng : Generator
        Random stream.
    people : DataFrame
        As `make_participants` gives it.

    Returns
    -------
    DataFrame
        The contract `events`.
    """
    lost = people.index[~people["itt"]]
    died = set(lost[rng.random(len(lost)) < _DEATH])
    rows = [("death" if row in died else "withdrawal", row, int(rng.integers(10, 80))) for row in lost]
    rows += [("not_treated", row, int(rng.integers(20, 40))) for row in people.index[~people["treated"]]]
    unscanned = people["itt"] & (people["scans"] != "both")
    rows += [
        ("no_mri", row, 90 if people.loc[row, "scans"] == "baseline" else 0)
        for row in people.index[unscanned]
    ]
    given = [(*row, str(rng.choice(_REASONS[row[0]]))) for row in rows]
    for kind, (rate, reasons) in _OTHER_EVENTS.items():
        hit = people.index[people["itt"] & (rng.random(len(people)) < rate)]
        given += [(kind, row, int(rng.integers(5, 85)), str(rng.choice(reasons))) for row in hit]
    table = pd.DataFrame(
        [
            (
                people.loc[row, "participant_id"],
                day,
                kind,
                "hypothetical" if kind == "death" else "treatment_policy",
                reason,
            )
            for kind, row, day, reason in given
        ],
        columns=["participant_id", "day", "type", "strategy", "reason"],
    )
    return table.sort_values(["participant_id", "day", "type"], ignore_index=True)


def adverse_events(rng: Rng, people: pd.DataFrame) -> pd.DataFrame:
    """Return adverse events, as the contract `harms`.

    Parameters
    ----------
    rng : Generator
        Random stream.
    people : DataFrame
        As `make_participants` gives it.
    """
    rows = []
    for term, rates in _HARMS.items():
        for person in people[rng.random(len(people)) < people["arm"].map(rates)].itertuples():
            serious = bool(rng.random() < _SERIOUS)
            grade = int(rng.integers(3, 5)) if serious else int(rng.integers(1, 3))
            treated = person.treatment_received == "cells" and term == "Fever"
            related = treated and bool(rng.random() < _RELATED)
            rows.append((person.participant_id, int(rng.integers(1, 90)), term, grade, serious, related))
    table = pd.DataFrame(rows, columns=["participant_id", "day", "term", "grade", "serious", "related"])
    return table.sort_values(["participant_id", "day", "term"], ignore_index=True)
