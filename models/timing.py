"""When things happened: days from stroke to baseline, from randomisation to treatment, and of the visits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurotrial.models.descriptives import by_arm, described, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from neurotrial.study import Study, Visit

__all__ = ["DAYS", "EVERYBODY", "VISIT_DAY", "describe_timing"]

DAYS = ("days_stroke_to_baseline", "days_randomisation_to_treatment")
"""Columns of `participants` that are summarised where they are given."""

VISIT_DAY = "days_since_randomisation"
EVERYBODY = "randomised"
"""Stands for the population: everybody who was randomised."""

Row = dict[str, Any]


def describe_timing(study: Study, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Summarise days of the trial's stages and visits, and count visits outside their window.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Checked tables; `participants`, and `motor` if there is one.

    Returns
    -------
    DataFrame
        Rows of the contract `descriptives`, section ``timing``, of all randomised: ``count`` and ``proportion`` are of the visits
        outside their window. No row for what the tables do not hold.
    """
    return described([*_stages(study, tables["participants"]), *_visits(study, tables)])


def _stages(study: Study, participants: pd.DataFrame) -> Iterator[Row]:
    for name in DAYS:
        if name not in participants or not participants[name].notna().any():
            continue
        for arm, rows in by_arm(study, participants, together=True):
            yield _row(name, None, arm, summary(rows[name]))


def _visits(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[Row]:
    motor = tables.get("motor")
    if motor is None or VISIT_DAY not in motor:
        return
    # several scales of one visit have one day
    days = motor.dropna(subset=[VISIT_DAY]).drop_duplicates(["participant_id", "visit", VISIT_DAY])
    arms = tables["participants"].set_index("participant_id")["arm"]
    days = days.assign(arm=days["participant_id"].map(arms))
    for visit in study.visits:
        own = days[days["visit"] == visit.name]
        if own.empty:
            continue
        for arm, rows in by_arm(study, own, together=True):
            counts = _outside(rows[VISIT_DAY], visit)
            yield _row(VISIT_DAY, visit.name, arm, summary(rows[VISIT_DAY]) | counts)


def _outside(days: pd.Series[Any], visit: Visit) -> Row:
    if visit.window is None:
        return {}
    first, last = visit.window
    n = int((~days.between(first, last)).sum())
    return {"count": n, "proportion": n / len(days) if len(days) else None}


def _row(variable: str, visit: str | None, arm: str, values: Row) -> Row:
    key = "/".join(part for part in ("timing", EVERYBODY, variable, visit, arm) if part)
    where = {"section": "timing", "population": EVERYBODY, "variable": variable, "visit": visit, "arm": arm}
    return {"key": key, **where, **values}
