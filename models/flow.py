"""How many participants stand at each stage of the trial, by arm; counted, never typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.method_names import imputes
from neurotrial.models.descriptives import ALL_ARMS, population_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neurotrial.study import Study

__all__ = ["count_flow"]

_ACRONYMS = ("ct", "mri", "tia")

Stage = tuple[str, str, "pd.Series[Any]"]
"""Slug, label and the ids of the participants who stand at it."""


def count_flow(study: Study, tables: Mapping[str, pd.DataFrame], outcomes: pd.DataFrame) -> pd.DataFrame:
    """Count participants from randomisation to analysis.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Typed input tables; `participants`, and `events` if there is one.
    outcomes : DataFrame
        The long table of `neurotrial.outcomes.build_outcomes`.

    Returns
    -------
    DataFrame
        The contract `flow`: each stage for every arm and for all together.
    """
    participants = tables["participants"]
    arm_of = participants.set_index("participant_id")["arm"]
    rows: list[dict[str, Any]] = []
    if study.allocation.planned is not None:
        rows.append(_row(0, "planned", "Planned", ALL_ARMS, study.allocation.planned))
    for order, (slug, label, ids) in enumerate(_stages(study, tables, outcomes), start=1):
        arms = arm_of.reindex(pd.unique(ids))
        rows += [_row(order, slug, label, arm.name, int((arms == arm.name).sum())) for arm in study.arms]
        rows.append(_row(order, slug, label, ALL_ARMS, len(arms)))
    return pd.DataFrame(rows).astype({"order": "Int64", "n": "Int64"})


def _event_label(kind: str) -> str:
    words = [word.upper() if word in _ACRONYMS else word for word in kind.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _row(order: int, slug: str, label: str, arm: str, n: int) -> dict[str, Any]:
    return {"key": f"flow/{slug}/{arm}", "order": order, "stage": slug, "label": label, "arm": arm, "n": n}


def _stages(study: Study, tables: Mapping[str, pd.DataFrame], outcomes: pd.DataFrame) -> Iterator[Stage]:
    participants = tables["participants"]
    yield "randomised", "Randomised", participants["participant_id"]
    if "treated" in participants:
        treated = participants["treated"].fillna(value=False).astype(bool)
        yield "treated", "Received the allocated treatment", participants.loc[treated, "participant_id"]
    events = tables.get("events")
    if events is not None:
        for kind, rows in events.groupby("type", sort=True):
            yield f"lost:{kind}", _event_label(str(kind)), rows["participant_id"]
    yield from _imaging_stages(study, tables)
    for population in study.populations:
        members = population_members(study, participants, population.name)
        yield f"population:{population.name}", population.label, members["participant_id"]
    yield from _analysed(study, participants, outcomes)


def _imaging_stages(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[Stage]:
    """Yield who was scanned at every visit, and of those whom a decision or a failed extraction kept out."""
    status = tables.get("status")
    if status is None or study.imaging is None:
        return
    scans = status.groupby(["participant_id", "visit", "modality"])["state"].agg(set).reset_index()
    made = scans[~scans["state"].map(lambda states: states == {"skipped"})]
    wanted = len(study.imaging.sessions) * status["modality"].nunique()
    counts = made.groupby("participant_id").size()
    scanned = counts.index[counts == wanted]
    yield "imaging:scanned", "Scanned at every visit", pd.Series(scanned)
    excluded = _excluded(tables.get("decisions"))
    yield "imaging:excluded", "Scan excluded by decision", pd.Series(scanned[scanned.isin(excluded)])
    failed = made.loc[made["state"].map(lambda states: "failed" in states), "participant_id"]
    lost = scanned[scanned.isin(failed) & ~scanned.isin(excluded)]
    yield "imaging:failed", "Scan could not be read or measured", pd.Series(lost)


def _excluded(decisions: pd.DataFrame | None) -> pd.Series[Any]:
    if decisions is None:
        return pd.Series([], dtype="str")
    return decisions.loc[~decisions["include"].astype(bool), "participant_id"]


def _analysed(study: Study, participants: pd.DataFrame, outcomes: pd.DataFrame) -> Iterator[Stage]:
    """Yield, for each analysis and outcome, the participants with baseline and follow-up; all where the rest is imputed."""
    for analysis in study.analyses:
        estimand, population = study.estimand_of(analysis), study.population_of(analysis)
        members = population_members(study, participants, population.name)["participant_id"]
        for name in estimand.outcomes:
            rows = outcomes[(outcomes["outcome"] == name) & (outcomes["visit"] == estimand.visit)]
            whole = rows["participant_id"].isin(members)
            if not imputes(analysis.main_method):
                whole &= rows["value"].notna() & rows["baseline"].notna()
            label = f"Analysed: {study.outcome(name).label}"
            yield f"analysed:{analysis.name}/{name}", label, rows.loc[whole, "participant_id"]
