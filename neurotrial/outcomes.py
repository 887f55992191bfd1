"""The analysis-ready long table: every declared outcome of every participant at every visit, with its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.formulas import formula_names
from neurotrial.subgroup_plan import OWN_BASELINE
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from neurotrial.study import Outcome, Study

__all__ = ["build_outcomes", "covariate_columns", "missingness", "usable_features"]

_VALUE = {"motor": "score", "features": "value"}
_DAY = "days_since_randomisation"
_USABLE = ("ok", "flagged")


def build_outcomes(study: Study, tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[Problem]]:
    """Make the `outcomes` table from the checked tables by the rules of the study file.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Checked tables by name; `participants` and every table that an outcome names.

    Returns
    -------
    DataFrame
        One row for each participant x visit x outcome, in the order of the study file: ``participant_id``, ``arm``,
        ``visit``, ``outcome``, ``value``, ``baseline``, then the covariates of the analyses and the flags of the
        populations. Missing values are missing; no row is.
    list of Problem
        Outcomes whose source is ambiguous, empty or not in the tables.
    """
    import pandas as pd

    participants = tables["participants"]
    flags = [population.flag for population in study.populations if population.flag]
    columns = list(dict.fromkeys([*covariate_columns(study), *flags]))
    problems: list[Problem] = []
    parts = []
    for outcome in study.outcomes:
        rows, faults = _source_rows(study, outcome, tables)
        problems += faults
        parts.append(_on_grid(study, outcome, participants, rows))
    long = pd.concat(parts, ignore_index=True)
    extra = participants.set_index("participant_id").reindex(columns=columns)
    return long.join(extra, on="participant_id"), problems


def covariate_columns(study: Study) -> list[str]:
    """Return the columns of `participants` that the analyses of a study use as covariates or subgroups, each once."""
    terms = [
        term for analysis in study.analyses for term in (*analysis.covariates, *analysis.selection_predictors)
    ]
    terms += [term for part in study.associations for term in part.covariates]
    decisions = study.multiverse.decisions if study.multiverse else []
    terms += [
        term
        for one in decisions
        if one.kind == "covariates"
        for option in one.options.values()
        for term in option
    ]
    terms += [term for plan in study.subgroups for term in plan.covariates]
    names = [name for term in terms for name in formula_names(term)]
    moderators = [plan.by for plan in study.subgroups if plan.by != OWN_BASELINE]
    return list(dict.fromkeys([*names, *moderators]))


def missingness(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Count, by outcome, arm and visit, how many participants have a value and how many miss it.

    Parameters
    ----------
    outcomes : DataFrame
        As `build_outcomes` gives it.

    Returns
    -------
    DataFrame
        Columns outcome, arm, visit, n, n_missing.
    """
    grouped = outcomes.groupby(["outcome", "arm", "visit"], sort=False)["value"]
    counts = grouped.agg(n="count", n_rows="size").reset_index()
    counts["n_missing"] = counts.pop("n_rows") - counts["n"]
    return counts


def _source_rows(
    study: Study, outcome: Outcome, tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return participant_id, visit and value of an outcome, one row for each participant and visit."""
    table = tables[outcome.source.table]
    place = f"study.yaml: outcome {outcome.name!r}: source"
    unknown = [name for name in outcome.source.where if name not in table]
    if unknown:
        rule = f"the table {outcome.source.table} has no column {', '.join(unknown)}"
        return table.iloc[:0], [Problem(place, rule, f"use columns of the table: {', '.join(table.columns)}")]
    rows = table
    for name, wanted in outcome.source.where.items():
        rows = rows[rows[name] == wanted]
    if rows.empty:
        rule = f"no row of the table {outcome.source.table} fits {outcome.source.where}"
        return rows, [Problem(place, rule, "correct `where`, or add the rows to the table")]
    rows = usable_features(rows, tables) if outcome.source.table == "features" else rows
    rows = _visit_rules(study, rows)
    return rows, _ambiguous(rows, place)


def usable_features(rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Keep the rows of `features` whose state allows their use and whose scan no decision excludes.

    Parameters
    ----------
    rows : DataFrame
        Rows of the table `features`.
    tables : mapping of str to DataFrame
        Tables by name; without `decisions` nothing is excluded.
    """
    rows = rows[rows["status"].isin(_USABLE)]
    decisions = tables.get("decisions")
    if decisions is None:
        return rows
    scan = [
        name for name in ("participant_id", "visit", "run", "modality") if name in rows and name in decisions
    ]
    excluded = decisions.loc[~decisions["include"].astype(bool), scan].drop_duplicates()
    marked = rows.merge(excluded, on=scan, how="left", indicator=True)
    return rows[(marked["_merge"] == "left_only").to_numpy()]


def _visit_rules(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    rules = study.visit_rules
    if _DAY not in rows:
        return rows
    days = rows[_DAY]
    target = rows["visit"].map({visit.name: visit.day for visit in study.visits})
    if rules.outside_window == "exclude":
        windows = {visit.name: visit.window or (-float("inf"), float("inf")) for visit in study.visits}
        low, high = (
            rows["visit"].map({name: window[end] for name, window in windows.items()}) for end in (0, 1)
        )
        rows = rows[days.isna() | days.between(low, high)]
    if rules.repeated == "refuse":
        return rows
    order = {"closest": (days - target).abs(), "first": days, "last": -days}[rules.repeated]
    return rows.loc[order.reindex(rows.index).sort_values(kind="stable").index].drop_duplicates(
        ["participant_id", "visit"]
    )


def _ambiguous(rows: pd.DataFrame, place: str) -> list[Problem]:
    doubled = rows.index[rows.duplicated(["participant_id", "visit"], keep=False)]
    if doubled.empty:
        return []
    differing = [str(name) for name in rows.columns if len(rows.loc[doubled, name].drop_duplicates()) > 1]
    remedy = f"name more columns under `where`; these differ between the rows: {', '.join(differing)}"
    described = describe_rows(rows, doubled, ("participant_id", "visit", *differing))
    return [Problem(place, "leaves several rows for a participant and visit", remedy, described)]


def _on_grid(study: Study, outcome: Outcome, participants: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    visits = pd.Index([visit.name for visit in study.visits], dtype="str")
    n, k = len(participants), len(visits)
    grid = participants[["participant_id", "arm"]].loc[participants.index.repeat(k)].reset_index(drop=True)
    grid["visit"] = visits.to_numpy()[np.tile(np.arange(k), n)]
    grid["visit"] = grid["visit"].astype("str")
    grid["outcome"] = pd.Series(outcome.name, index=grid.index, dtype="str")
    first = rows.drop_duplicates(["participant_id", "visit"])
    person = pd.Index(participants["participant_id"]).get_indexer(pd.Index(first["participant_id"]))
    place = visits.get_indexer(pd.Index(first["visit"].astype("str")))
    known = (person >= 0) & (place >= 0)
    values = np.full((n, k), np.nan)
    values[person[known], place[known]] = first.loc[known, _VALUE[outcome.source.table]].to_numpy(
        dtype="float64"
    )
    grid["value"] = values.ravel()
    grid["baseline"] = np.repeat(values[:, visits.get_loc(study.baseline_visit.name)], k)
    return grid
