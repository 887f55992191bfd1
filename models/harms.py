"""Adverse events by term and by arm as treated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neurotrial.study import Study

__all__ = ["summarise_harms"]

_ANY = "any"
_COUNTS = ("n_at_risk", "n_participants", "n_events", "n_serious", "n_related")


def summarise_harms(study: Study, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Count adverse events and the participants who had them.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Typed input tables. Participants count for the arm in ``treatment_received`` where that column exists (those
        who received nothing count for no arm but the reference one), else for the arm as randomised.

    Returns
    -------
    DataFrame
        The contract `harms_summary`; the term ``any`` first, then the terms in alphabetical order; no rows if the
        study has no table `harms`.
    """
    harms = tables.get("harms")
    if harms is None:
        return pd.DataFrame(columns=["key", "term", "arm", *_COUNTS])
    participants = tables["participants"]
    arm_of = _as_treated(study, participants)
    known = harms.assign(arm=harms["participant_id"].map(arm_of))
    rows = [row for term, events in _terms(known) for row in _rows(study, term, events, arm_of)]
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


def _as_treated(study: Study, participants: pd.DataFrame) -> pd.Series[Any]:
    indexed = participants.set_index("participant_id")
    if "treatment_received" not in indexed:
        return indexed["arm"]
    return indexed["treatment_received"].fillna(study.reference_arm.name)


def _terms(harms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield _ANY, harms
    for term, events in harms.groupby("term", sort=True):
        yield str(term), events


def _rows(study: Study, term: str, events: pd.DataFrame, arm_of: pd.Series[Any]) -> Iterator[dict[str, Any]]:
    for arm in study.arms:
        own = events[events["arm"] == arm.name]
        yield {
            "key": f"harms/{term}/{arm.name}",
            "term": term,
            "arm": arm.name,
            "n_at_risk": int((arm_of == arm.name).sum()),
            "n_participants": own["participant_id"].nunique(),
            "n_events": len(own),
            "n_serious": int(own["serious"].astype(bool).sum()),
            "n_related": int(own["related"].fillna(value=False).astype(bool).sum()),
        }
