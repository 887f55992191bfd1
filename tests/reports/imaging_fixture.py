"""A simulated store with images: scans that are missing, failed, flagged and excluded, features, and connections."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from results_fixture import HOSTILE, THREE_ARMS, changed, plan, simulated_people, store_of

from neurotrial.outcomes import build_outcomes
from neurotrial.study import Study
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    from neurotrial.results import Results

PAIRS = ("m1", "s1", "sma", "pmd", "pmv", "cerebellum")
VISITS = ("baseline", "day90")
SCANS = tuple(itertools.product(VISITS, ("dwi", "bold")))
NOT_SCANNED = {5: SCANS, 10: SCANS[2:], 15: SCANS}
FAILED = {20: ("day90", "bold"), 3: ("baseline", "dwi")}
EXCLUDED = {25: ("baseline", "dwi"), 30: ("day90", "bold")}
NO_SIDE = 0
"""Places of participants in the table, with the scans concerned."""

OUTCOMES = {
    "fa_cst": ("FA, ipsilesional corticospinal tract", "FA", 3, {"feature": "fa", "region": "cst"}),
    "fa_plic": ("FA, ipsilesional internal capsule", "FA", 3, {"feature": "fa", "region": "plic"}),
    "md_cst": ("Mean diffusivity, ipsilesional corticospinal tract", "um2/ms", 3, {"feature": "md", "region": "cst"}),
    "strength_inter": ("Interhemispheric strength", "Fisher z", 2, {"feature": "strength", "side": "inter"}),
    "efficiency": ("Global efficiency, weighted", "efficiency", 2, {"feature": "global_efficiency"}),
}  # fmt: skip
_TRACT = {"side": "ipsilesional", "statistic": "mean", "lesion_policy": "include"}
_LEVELS = {"fa": (0.45, 0.04), "md": (0.80, 0.05), "ad": (1.20, 0.06), "rd": (0.60, 0.05)}
_NETWORK = {
    "strength": (("inter", "ipsilesional", "contralesional"), 0.35, "Fisher z", np.nan),
    "global_efficiency": (("bilateral",), 0.42, "efficiency", np.nan),
    "density": (("bilateral",), 0.55, "share of edges", 0.3),
}
_QUALITY = {
    "dwi": {"n_volumes": (70, 0, "volumes", None), "n_b0": (6, 0, "volumes", None), "snr": (19, 5, "", 10.0),
            "bad_samples": (0.001, 0.0003, "share", None), "fa_median": (0.24, 0.02, "FA", None)},
    "bold": {"n_volumes": (240, 0, "volumes", None), "fd_mean": (0.33, 0.11, "mm", 0.5), "fd_max": (1.9, 0.5, "mm", None),
             "share_censored": (0.15, 0.08, "share", 0.3), "volumes_kept": (204, 20, "volumes", None),
             "minutes_kept": (6.8, 0.6, "min", None), "tsnr": (48, 10, "", 30.0), "effective_df": (61, 8, "", None),
             "min_node_coverage": (0.93, 0.03, "share", None), "lesioned_nodes": (1, 0, "nodes", None)},
}  # fmt: skip
_LARGER_IS_WORSE = ("fd_mean", "share_censored")


def imaging_plan(arms: dict[str, str] | None = None, **info: Any) -> dict[str, Any]:
    """Return a study file with an imaging plan: tract and network outcomes in a Holm family, a sensitivity analysis."""
    values = plan(arms, **info)
    motor = values["outcomes"][0] | {"source": {"table": "motor", "where": {"scale": "fma_total"}}}
    values["outcomes"] = [motor, *(_outcome(name) for name in OUTCOMES)]
    values["outcomes"].append(_outcome("fa_cst", "fa_excluded") | {"label": "FA without lesioned voxels"})
    values["outcomes"][-1]["source"]["where"]["lesion_policy"] = "exclude"
    network, motor_estimand = values["estimands"][1], values["estimands"][0]
    network["outcomes"] = list(OUTCOMES)
    moved = {"mean_diffusivity": list(OUTCOMES)[-1], "cst_fa": next(iter(OUTCOMES))}
    values["subgroups"] = [
        part | {"outcome": moved.get(part["outcome"], part["outcome"])} for part in values["subgroups"]
    ]
    values["estimands"] = [motor_estimand, network, network | {"name": "lesion", "outcomes": ["fa_excluded"]}]
    primary, imaging = values["analyses"]
    imaging["methods"] = ["ancova", "change_score", "group_time", "within_arm"]
    lesion = {"name": "lesion", "label": "Lesion excluded", "estimand": "lesion", "role": "sensitivity"}
    values["analyses"] = [primary, imaging, lesion | {"methods": ["ancova"]}]
    values["imaging"] = {
        "derivatives": ["derivatives/simulated"],
        "sessions": {"01": "baseline", "02": "day90"},
    }
    return values


def _outcome(source: str, name: str = "") -> dict[str, Any]:
    label, unit, digits, where = OUTCOMES[source]
    direction = "lower_is_better" if unit == "um2/ms" else "higher_is_better"
    tract = _TRACT if "region" in where else {}
    return {
        "name": name or source, "label": label, "unit": unit, "direction": direction, "digits": digits,
        "source": {"table": "features", "where": {**where, **tract}}, "missing_baseline": "exclude",
    }  # fmt: skip


def hostile_imaging_plan() -> dict[str, Any]:
    """Return an imaging study file in which every label would be markup, mathematics or another script."""
    values = imaging_plan({"control": HOSTILE, "cells": f"_{HOSTILE}"})
    for part in (
        "visits",
        "populations",
        "characteristics",
        "outcomes",
        "estimands",
        "analyses",
        "families",
        "subgroups",
    ):
        for index, item in enumerate(values[part]):
            item["label"] = f"{index} {HOSTILE}"
    return values


def _with_maxima() -> dict[str, Any]:
    """Return the imaging study file with a second family, adjusted by maxT."""
    values = imaging_plan()
    redrawn = {"name": "redrawn", "label": "Redrawn labels", "analyses": ["primary"], "procedure": "maxt"}
    values["families"].append(redrawn | {"method": "rerandomisation"})
    return values


def imaging_stores() -> dict[str, Results]:
    """Return stores with images that a report must survive, by what is awkward about them."""
    return {
        "imaging": imaging_results(_with_maxima()),
        "imaging, three arms": imaging_results(imaging_plan(THREE_ARMS)),
        "imaging, hostile": imaging_results(hostile_imaging_plan()),
        "imaging, tables only": tables_only(),
    }


def tables_only() -> Results:
    """Return a store whose imaging measures came as tables: no plan, no status, quality, decisions or connections."""
    values = imaging_plan()
    del values["imaging"]
    results = imaging_results(values)
    for name in ("quality", "decisions", "status"):
        results = changed(results, name, empty_table(TABLES[name]))
    return changed(results, "connectivity", results.tables["connectivity"].iloc[:0])


def imaging_results(values: dict[str, Any] | None = None) -> Results:
    """Return a whole store with images for a study file."""
    return _made(json.dumps(values or imaging_plan()))


@cache
def _made(values: str) -> Results:
    study = Study.model_validate(json.loads(values))
    people = simulated_people(study)
    people["lesion_side"] = np.where(np.arange(len(people)) % 2, "left", "right")
    people.loc[NO_SIDE, "lesion_side"] = "both"
    tables = {"participants": people, "motor": _motor(people), **imaging_tables(people)}
    outcomes, problems = build_outcomes(study, tables)
    assert problems == []
    return store_of(study, tables, outcomes)


def imaging_tables(people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return features, quality, decisions, status, edges and nodes of simulated scans."""
    rng = np.random.default_rng(23)
    scans = [
        (place, people.loc[place, "participant_id"], visit, modality)
        for place in range(len(people))
        for visit, modality in SCANS
    ]
    traits = {place: rng.normal(size=2) for place in range(len(people))}
    features, edges, quality = [], [], []
    for place, who, visit, modality in scans:
        gain = 1.0 if visit == "day90" and people.loc[place, "arm"] != "control" else 0.0
        fate = _fate(place, visit, modality)
        side = people.loc[place, "lesion_side"]
        scan = {"participant_id": who, "visit": visit}
        if modality == "dwi":
            features += [{**scan, **row} for row in _tract_rows(rng, traits[place], gain, fate, side)]
        else:
            features += [
                {**scan, **row} for row in _network_rows(rng, traits[place], gain, fate, side != "both")
            ]
            edges += [{**scan, **row} for row in _edge_rows(rng, gain)] if fate[0] == "ok" else []
        quality += [{**scan, **row} for row in _quality_rows(rng, modality)] if fate[0] == "ok" else []
    return {
        "features": pd.DataFrame(features), "edges": pd.DataFrame(edges), "quality": pd.DataFrame(quality),
        "nodes": _nodes(people), "status": _status(scans), "decisions": _decisions(scans),
    }  # fmt: skip


def _fate(place: int, visit: str, modality: str) -> tuple[str, str | None]:
    if (visit, modality) in NOT_SCANNED.get(place, ()):
        return "skipped", "no files"
    if FAILED.get(place) == (visit, modality):
        return "failed", "the brain mask is empty: no voxel is left"
    return "ok", None


def _state(fate: tuple[str, str | None], sided: bool) -> dict[str, Any]:
    if fate[0] != "ok":
        return {"status": {"skipped": "missing_input"}.get(fate[0], "failed"), "reason": fate[1]}
    if not sided:
        return {"status": "not_applicable", "reason": "the lesion has no single side"}
    return {"status": "ok", "reason": None}


def _tract_rows(rng, trait, gain, fate, lesion):
    sided = lesion != "both"
    for name, region, hemisphere, policy in itertools.product(
        _LEVELS, ("cst", "plic"), ("left", "right"), ("include", "exclude")
    ):
        level, spread = _LEVELS[name]
        ipsilesional = hemisphere == lesion
        sign = 1 if name == "fa" else -1
        value = level + spread * trait[0] + sign * (0.02 * gain * ipsilesional + 0.06 * (not ipsilesional))
        state = _state(fate, sided)
        yield {
            "modality": "dwi", "feature": name, "region": region, "hemisphere": hemisphere,
            "side": ("ipsilesional" if ipsilesional else "contralesional") if sided else "none", "statistic": "mean",
            "method": "region_mask", "lesion_policy": policy, "threshold": np.nan,
            "value": value + rng.normal(0, 0.015) if state["status"] == "ok" else np.nan,
            "unit": "FA" if name == "fa" else "um2/ms", **state,
        }  # fmt: skip


def _network_rows(rng, trait, gain, fate, sided):
    for name, (sides, level, unit, threshold) in _NETWORK.items():
        for side in sides:
            state = _state(fate, sided or side == "bilateral")
            yield {
                "modality": "bold", "feature": name, "region": "motor12", "hemisphere": "both", "side": side,
                "statistic": "mean", "method": "spheres_pearson_24p", "lesion_policy": "not_applicable",
                "threshold": threshold, "unit": unit, **state,
                "value": level + 0.05 * (trait[1] + gain) + rng.normal(0, 0.03) if state["status"] == "ok" else np.nan,
            }  # fmt: skip


def _edge_rows(rng, gain):
    names = [f"{pair}_{side}" for side in "lr" for pair in PAIRS]
    for first, second in itertools.combinations(names, 2):
        homotopic = first[:-1] == second[:-1]
        z = 0.25 + 0.35 * homotopic + 0.06 * gain + rng.normal(0, 0.15)
        z -= 0.35 * ("cerebellum" in first) * ("cerebellum" not in second)
        z -= 0.35 * ("cerebellum" in second) * ("cerebellum" not in first)
        yield {"node_i": first, "node_j": second, "kind": "pearson", "strategy": "24p", "z": z}


def _nodes(people: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (place, who), visit, side, pair in itertools.product(
        people["participant_id"].items(), VISITS, "lr", PAIRS
    ):
        ipsilesional = (side == "l") == (people.loc[place, "lesion_side"] == "left")
        named = "ipsilesional" if ipsilesional else "contralesional"
        rows.append({
            "participant_id": who, "visit": visit, "node": f"{pair}_{side}", "pair": pair,
            "side": "none" if place == NO_SIDE else named,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _quality_rows(rng, modality):
    for measure, (mean, spread, unit, limit) in _QUALITY[modality].items():
        value = abs(rng.normal(mean, spread))
        value = round(value) if unit in {"volumes", "nodes"} else value
        value = min(value, 1.0) if unit == "share" else value
        beyond = limit is not None and (value > limit if measure in _LARGER_IS_WORSE else value < limit)
        yield {
            "modality": modality, "measure": measure, "value": float(value), "unit": unit or None,
            "threshold": np.nan if limit is None else limit, "flagged": beyond,
        }  # fmt: skip


def picture_of(who: str, visit: str, modality: str) -> str:
    """Return the path of a scan's picture, relative to the study folder."""
    return f"extraction/pictures/{who}_{visit}_{modality}.png"


def _status(scans) -> pd.DataFrame:
    rows = []
    for place, who, visit, modality in scans:
        state, reason = _fate(place, visit, modality)
        rows.append({
            "participant_id": who, "visit": visit, "modality": modality, "step": "extract", "state": state,
            "reason": reason, "picture": picture_of(who, visit, modality) if state == "ok" else None,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _decisions(scans) -> pd.DataFrame:
    rows = []
    for place, who, visit, modality in scans:
        excluded = EXCLUDED.get(place) == (visit, modality)
        decided = excluded or place % 3 == 1
        rows.append({
            "participant_id": who, "visit": visit, "modality": modality, "include": not excluded,
            "by": "rater A" if decided else "undecided", "reason": "ghosting" if excluded else None,
            "date": "2022-05-01" if decided else None,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _motor(people: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    before = np.clip(rng.normal(25, 15, len(people)), 0, 100).round()
    gain = 12 + 8 * (people["arm"] != "control").to_numpy()
    after = np.clip(before + gain + rng.normal(0, 7, len(people)), 0, 100).round()
    after[[7, 20]] = np.nan
    parts = [
        people[["participant_id"]].assign(visit=visit, scale="fma_total", score=score)
        for visit, score in zip(VISITS, (before, after), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def write_pictures(folder: Path, results: Results, image: bytes, *, without: tuple[str, ...] = ()) -> None:
    """Write an image at the place of every picture that the status table names, but for some."""
    for name in results.tables["status"]["picture"].dropna():
        if name not in without:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image)
