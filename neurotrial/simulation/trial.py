"""A simulated trial: its people, scores, events, what is true of each brain, and the decisions on its scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.extract.bids.patterns import MODALITIES
from neurotrial.simulation.brains import VISITS, make_brains
from neurotrial.simulation.motor import make_motor
from neurotrial.simulation.people import adverse_events, make_events, make_participants

if TYPE_CHECKING:
    from neurotrial.simulation.settings import TrialSettings

__all__ = ["Trial", "brains_scanned", "make_trial", "scans_made"]

_STREAMS = ("people", "motor", "brains", "events", "harms")
_RATER = "simulated rater"
_DECIDED = "2026-01-15"
_ONLY_FOR_THE_SIMULATION = ("scans", "excluded")


@dataclass(frozen=True, slots=True)
class Trial:
    """A simulated trial without its images.

    Attributes
    ----------
    settings : TrialSettings
        What was put in.
    people : DataFrame
        `participants` with the columns that only the simulation knows, see `make_participants`.
    brains : DataFrame
        See `neurotrial.simulation.brains.make_brains`.
    motor, events, harms, decisions : DataFrame
        By their contracts.
    """

    settings: TrialSettings
    people: pd.DataFrame
    brains: pd.DataFrame
    motor: pd.DataFrame
    events: pd.DataFrame
    harms: pd.DataFrame
    decisions: pd.DataFrame

    @property
    def participants(self) -> pd.DataFrame:
        """The contract `participants`."""
        return self.people.drop(columns=list(_ONLY_FOR_THE_SIMULATION))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the trial by name, as their contracts have them."""
        return {
            "participants": self.participants,
            "motor": self.motor,
            "events": self.events,
            "harms": self.harms,
            "decisions": self.decisions,
        }


def make_trial(settings: TrialSettings, arm: str | None = None) -> Trial:
    """Simulate a trial; each part draws from a random stream of its own, so that a change to one leaves the others alone.

    Parameters
    ----------
    settings : TrialSettings
        Sizes, effects and seed.
    arm : str or None
        The arm that everybody is in, as in `make_participants`; None randomises. Trials that differ only in it have the
        same people with the same chances.

    Returns
    -------
    Trial
        The same for the same settings.
    """
    seeds = np.random.SeedSequence(settings.seed).spawn(len(_STREAMS))
    streams = {name: np.random.default_rng(seed) for name, seed in zip(_STREAMS, seeds, strict=True)}
    people = make_participants(settings, streams["people"], arm)
    return Trial(
        settings,
        people,
        make_brains(settings, streams["brains"], people),
        make_motor(settings, streams["motor"], people),
        make_events(streams["events"], people),
        adverse_events(streams["harms"], people),
        _decisions(people),
    )


def scans_made(people: pd.DataFrame) -> pd.DataFrame:
    """Return participant_id and visit of every scanning session that took place."""
    seen = {"baseline": people["scans"] != "none", "day90": people["scans"] == "both"}
    parts = [people.loc[seen[visit], ["participant_id"]].assign(visit=visit) for visit in VISITS]
    return pd.concat(parts).sort_values(["participant_id", "visit"], kind="stable", ignore_index=True)


def brains_scanned(people: pd.DataFrame, brains: pd.DataFrame) -> pd.DataFrame:
    """Return what is true of the brain in every scanning session that took place, with side and volume of the lesion."""
    lesions = people[["participant_id", "lesion_side", "lesion_volume_ml"]]
    return (
        scans_made(people).merge(brains, on=["participant_id", "visit"]).merge(lesions, on="participant_id")
    )


def _decisions(people: pd.DataFrame) -> pd.DataFrame:
    """Return the rater's decision on every scan: those spoilt by motion are excluded."""
    scans = scans_made(people).merge(pd.DataFrame({"modality": list(MODALITIES)}), how="cross")
    spoilt = scans["participant_id"].isin(people.loc[people["excluded"], "participant_id"])
    out = spoilt & (scans["visit"] == VISITS[-1]) & (scans["modality"] == "bold")
    return scans.assign(
        include=~out,
        by=_RATER,
        reason=pd.Series("motion in most of the scan", index=scans.index).where(out),
        date=_DECIDED,
    )
