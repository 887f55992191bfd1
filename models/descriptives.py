"""Summaries by arm: baseline characteristics, outcomes by visit, changes and improvement ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from neurotrial.study import Characteristic, Outcome, Study

__all__ = ["ALL_ARMS", "by_arm", "describe_study", "described", "population_members", "summary"]

ALL_ARMS = "all"
Row = dict[str, Any]


def population_members(study: Study, participants: pd.DataFrame, population: str) -> pd.DataFrame:
    """Return the rows of `participants` that belong to a population of the study file."""
    flag = next(item.flag for item in study.populations if item.name == population)
    return participants if flag is None else participants[participants[flag].astype(bool)]


def describe_study(study: Study, participants: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Summarise characteristics and outcomes for every population that an analysis uses.

    Parameters
    ----------
    study : Study
        The plan.
    participants : DataFrame
        One row each.
    outcomes : DataFrame
        The long table of `neurotrial.outcomes.build_outcomes`.

    Returns
    -------
    DataFrame
        The contract `descriptives`. Quartiles are linear interpolations; the SD has n - 1.
    """
    rows: list[Row] = []
    used = dict.fromkeys(study.population_of(analysis).name for analysis in study.analyses)
    for population in used:
        members = population_members(study, participants, population)
        rows += _characteristics(study, members, population)
    for population, outcome in _used_outcomes(study):
        ids = population_members(study, participants, population)["participant_id"]
        own = outcomes[(outcomes["outcome"] == outcome.name) & outcomes["participant_id"].isin(ids)]
        rows += _outcome_rows(study, own, outcome, population)
    return described(rows)


def described(rows: list[Row]) -> pd.DataFrame:
    """Return rows as a table of the contract `descriptives`, what a row does not have as missing."""
    counts = ("n", "n_missing", "n_undefined", "count")
    front = ["key", "section", "population", "variable", "visit", "level", "arm"]
    measures = ["mean", "sd", "median", "q1", "q3", "minimum", "maximum"]
    frame = pd.DataFrame(rows).reindex(columns=[*front, *counts[:3], *measures, "count", "proportion"])
    numbers = dict.fromkeys((*measures, "proportion"), "float64")
    return frame.astype(dict.fromkeys(counts, "Int64") | numbers | dict.fromkeys(front, "str"))


def _used_outcomes(study: Study) -> list[tuple[str, Outcome]]:
    pairs = {
        (study.population_of(analysis).name, name): study.outcome(name)
        for analysis in study.analyses
        for name in study.estimand_of(analysis).outcomes
    }
    return [(population, outcome) for (population, _), outcome in pairs.items()]


def summary(values: pd.Series[Any]) -> Row:
    """Return the numeric columns of a descriptive row for one arm's values."""
    given = values.dropna().to_numpy(dtype="float64")
    row: Row = {"n": len(given), "n_missing": len(values) - len(given)}
    if len(given):
        q1, median, q3 = np.quantile(given, [0.25, 0.5, 0.75])
        sd = given.std(ddof=1) if len(given) > 1 else np.nan
        row |= {"mean": given.mean(), "sd": sd, "median": median, "q1": q1, "q3": q3}
        row |= {"minimum": given.min(), "maximum": given.max()}
    return row


def by_arm(
    study: Study, frame: pd.DataFrame, *, together: bool = False
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each arm, and of all together."""
    for arm in study.arms:
        yield arm.name, frame[frame["arm"] == arm.name]
    if together:
        yield ALL_ARMS, frame


def _row(section: str, place: Iterable[str | None], arm: str, **columns: Any) -> Row:
    key = "/".join([section, *(part for part in place if part is not None), arm])
    return {"key": key, "section": section, "arm": arm, **columns}


def _characteristics(study: Study, members: pd.DataFrame, population: str) -> Iterator[Row]:
    for characteristic in study.characteristics:
        for arm, rows in by_arm(study, members, together=True):
            values = rows[characteristic.name]
            where = {"population": population, "variable": characteristic.name}
            if characteristic.kind == "continuous":
                place = (population, characteristic.name)
                yield _row("characteristic", place, arm, **where, **summary(values))
            else:
                yield from _levels(characteristic, members[characteristic.name], values, arm, where)


def _levels(
    characteristic: Characteristic, everyone: pd.Series[Any], values: pd.Series[Any], arm: str, where: Row
) -> Iterator[Row]:
    n, missing = int(values.notna().sum()), int(values.isna().sum())
    for level in sorted(everyone.dropna().unique()):
        hits = int((values == level).sum())
        place = (where["population"], characteristic.name, str(level))
        counts = {"n": n, "n_missing": missing, "count": hits, "proportion": hits / n if n else np.nan}
        yield _row("characteristic", place, arm, **where, level=str(level), **counts)


def _outcome_rows(study: Study, own: pd.DataFrame, outcome: Outcome, population: str) -> Iterator[Row]:
    where = {"population": population, "variable": outcome.name}
    for visit in study.visits:
        at_visit = own[own["visit"] == visit.name]
        for arm, rows in by_arm(study, at_visit):
            place = (population, outcome.name, visit.name)
            yield _row("outcome", place, arm, **where, visit=visit.name, **summary(rows["value"]))
            if not visit.baseline:
                change = rows["value"] - rows["baseline"]
                yield _row("change", place, arm, **where, visit=visit.name, **summary(change))
                yield from _ratio_rows(rows, outcome, arm, where | {"visit": visit.name})


def _ratio_rows(rows: pd.DataFrame, outcome: Outcome, arm: str, where: Row) -> Iterator[Row]:
    """Describe both improvement ratios; undefined ones are counted apart from missing ones."""
    denominators = {"baseline": rows["baseline"]}
    if outcome.range is not None:
        denominators["potential"] = outcome.range[1] - rows["baseline"]
    change = rows["value"] - rows["baseline"]
    for definition, denominator in denominators.items():
        undefined = change.notna() & (denominator == 0)
        ratio = (change / denominator.where(denominator != 0))[~undefined]
        place = (where["population"], outcome.name, where["visit"], definition)
        yield _row(
            "ratio", place, arm, **where, level=definition, n_undefined=int(undefined.sum()), **summary(ratio)
        )
