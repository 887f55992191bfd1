"""Adverse events by term and by arm as treated, with exact differences of risks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.models.exact_risk_difference import exact_risk_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neurotrial.study import Study

__all__ = ["summarise_harms"]

_ANY, _SERIOUS, _RELATED = "any", "any serious", "any related"
_COUNTS = ("n_at_risk", "n_participants", "n_events", "n_serious", "n_related")
_DIFFERENCE = ("risk_difference", "conf_low", "conf_high")


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
        The contract `harms_summary`; the terms ``any``, ``any serious`` and ``any related`` first, then the terms in
        alphabetical order; no rows if the study has no table `harms`. The difference of the shares of participants
        with the event, arm less reference arm, has an exact interval at the level of the plan.
    """
    harms = tables.get("harms")
    if harms is None:
        return pd.DataFrame(columns=["key", "term", "arm", *_COUNTS, *_DIFFERENCE])
    participants = tables["participants"]
    arm_of = _as_treated(study, participants)
    known = harms.assign(arm=harms["participant_id"].map(arm_of))
    rows = [row for term, events in _terms(known) for row in _rows(study, term, events, arm_of)]
    frame = pd.DataFrame(rows).reindex(columns=["key", "term", "arm", *_COUNTS, *_DIFFERENCE])
    return frame.astype(dict.fromkeys(_COUNTS, "Int64") | dict.fromkeys(_DIFFERENCE, "float64"))


def _as_treated(study: Study, participants: pd.DataFrame) -> pd.Series[Any]:
    indexed = participants.set_index("participant_id")
    if "treatment_received" not in indexed:
        return indexed["arm"]
    return indexed["treatment_received"].fillna(study.reference_arm.name)


def _terms(harms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield _ANY, harms
    yield _SERIOUS, harms[harms["serious"].astype(bool)]
    yield _RELATED, harms[harms["related"].fillna(value=False).astype(bool)]
    for term, events in harms.groupby("term", sort=True):
        yield str(term), events


def _rows(study: Study, term: str, events: pd.DataFrame, arm_of: pd.Series[Any]) -> Iterator[dict[str, Any]]:
    n_at_risk = arm_of.value_counts()
    n_with = events.groupby("arm")["participant_id"].nunique()
    reference = study.reference_arm.name

    def group(arm: str) -> tuple[int, int]:
        return int(n_with.get(arm, 0)), int(n_at_risk.get(arm, 0))

    for arm in study.arms:
        own = events[events["arm"] == arm.name]
        yield {
            "key": f"harms/{term}/{arm.name}",
            "term": term,
            "arm": arm.name,
            "n_at_risk": group(arm.name)[1],
            "n_participants": group(arm.name)[0],
            "n_events": len(own),
            "n_serious": int(own["serious"].astype(bool).sum()),
            "n_related": int(own["related"].fillna(value=False).astype(bool).sum()),
            **({} if arm.reference else _difference(group(arm.name), group(reference), study.conf_level)),
        }


def _difference(own: tuple[int, int], reference: tuple[int, int], conf_level: float) -> dict[str, float]:
    """Return the difference of risks with its limits; nothing where an arm treated nobody."""
    if not (own[1] and reference[1]):
        return {}
    found = exact_risk_difference(*own, *reference, conf_level=conf_level)
    return dict(zip(_DIFFERENCE, (found.estimate, found.conf_low, found.conf_high), strict=True))
