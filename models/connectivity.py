"""The motor network by arm and visit, in the frame of the lesion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.models.descriptives import population_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neurotrial.study import Study

__all__ = ["summarise_connectivity"]

_SCAN = ("participant_id", "visit", "run")
_GROUP = ["visit", "side_i", "pair_i", "side_j", "pair_j"]
_COLUMNS = ("key", "population", "arm", *_GROUP, "n", "mean_z", "sd_z")
_SIDES = ("ipsilesional", "contralesional")


def summarise_connectivity(study: Study, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Average Fisher z of every edge over the participants of each population that an imaging outcome is analysed in.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Typed input tables; without `edges` and `nodes` there is nothing to summarise. Scans that a decision excludes
        are left out, and so are nodes without a side.

    Returns
    -------
    DataFrame
        The contract `connectivity`: each edge once, ipsilesional nodes first.
    """
    if not {"edges", "nodes"} <= set(tables):
        return pd.DataFrame(columns=_COLUMNS)
    edges = _in_lesion_frame(_included(tables["edges"], tables.get("decisions")), tables["nodes"])
    rows = [
        row
        for population in _imaging_populations(study)
        for row in _population_rows(study, edges, tables["participants"], population)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"n": "Int64"})


def _imaging_populations(study: Study) -> list[str]:
    imaging = {outcome.name for outcome in study.outcomes if outcome.source.table == "features"}
    used = [
        study.population_of(analysis).name
        for analysis in study.analyses
        if imaging & set(study.estimand_of(analysis).outcomes)
    ]
    return list(dict.fromkeys(used))


def _included(edges: pd.DataFrame, decisions: pd.DataFrame | None) -> pd.DataFrame:
    if decisions is None:
        return edges
    scan = [name for name in _SCAN if name in edges and name in decisions]
    out = decisions[(decisions["modality"] == "bold") & ~decisions["include"].astype(bool)]
    marked = edges.merge(out[scan].drop_duplicates(), on=scan, how="left", indicator=True)
    return edges[(marked["_merge"] == "left_only").to_numpy()]


def _in_lesion_frame(edges: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Name both ends of each edge by side and homotopic pair, the ipsilesional end first."""
    scan = [name for name in _SCAN if name in edges and name in nodes]
    places = nodes[[*scan, "node", "side", "pair"]]
    ends = edges[[*scan, "node_i", "node_j", "z"]].dropna(subset=["z"])
    for end in "ij":
        names = {name: f"{name}_{end}" for name in ("node", "side", "pair")}
        ends = ends.merge(places.rename(columns=names), on=[*scan, f"node_{end}"], how="left")
    ends = ends[ends["side_i"].isin(_SIDES) & ends["side_j"].isin(_SIDES)].reset_index(drop=True)
    turned = (ends["side_i"] != ends["side_j"]) & (ends["side_i"] == "contralesional")
    within = (ends["side_i"] == ends["side_j"]) & (ends["pair_i"] > ends["pair_j"])
    turn = turned | within
    i, j = ["side_i", "pair_i"], ["side_j", "pair_j"]
    ends.loc[turn, i + j] = ends.loc[turn, j + i].to_numpy()
    return ends


def _population_rows(
    study: Study, edges: pd.DataFrame, participants: pd.DataFrame, population: str
) -> Iterator[dict[str, Any]]:
    members = population_members(study, participants, population).set_index("participant_id")["arm"]
    own = edges[edges["participant_id"].isin(members.index)]
    own = own.assign(arm=own["participant_id"].map(members))
    for arm in study.arms:
        grouped = own[own["arm"] == arm.name].groupby(_GROUP, sort=False)["z"]
        for place, z in grouped:
            where = dict(zip(_GROUP, place, strict=True))
            key = "/".join(("connectivity", population, arm.name, *map(str, place)))
            yield {
                "key": key, "population": population, "arm": arm.name, **where,
                "n": len(z), "mean_z": z.mean(), "sd_z": z.std(ddof=1),
            }  # fmt: skip
