"""Group x time against the mixed model, the network by arm and visit, and the imaging branch of the flow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from neurotrial.models.compare import estimate_methods
from neurotrial.models.connectivity import summarise_connectivity
from neurotrial.models.flow import count_flow
from neurotrial.study import Study

IDS = ["sub-1", "sub-2", "sub-3", "sub-4"]


@pytest.fixture
def study() -> Study:
    source = {"table": "features", "where": {"feature": "strength"}}
    return Study.model_validate({
        "version": 1,
        "study": {"title": "Networks"},
        "arms": [{"name": "control", "label": "Control", "reference": True}, {"name": "cells", "label": "Cells"}],
        "allocation": {"ratio": {"control": 1, "cells": 1}},
        "visits": [
            {"name": "baseline", "label": "Baseline", "day": 0, "baseline": True},
            {"name": "day90", "label": "Day 90", "day": 90},
        ],
        "populations": [{"name": "imaging", "label": "Imaging", "flag": "imaging"}],
        "outcomes": [
            {"name": "z", "label": "z", "unit": "z", "direction": "higher_is_better", "source": source},
        ],
        "estimands": [{
            "name": "main", "label": "Main", "population": "imaging", "treatment": "x", "outcomes": ["z"],
            "visit": "day90", "variable": "z", "intercurrent_events": [], "summary": "difference",
        }],
        "analyses": [
            {"name": "primary", "label": "P", "estimand": "main", "role": "primary", "methods": ["ancova"]},
        ],
        "imaging": {"derivatives": ["derivatives/x"], "sessions": {"01": "baseline", "02": "day90"}},
    })  # fmt: skip


@pytest.fixture
def participants() -> pd.DataFrame:
    arms = ["cells", "cells", "control", "control"]
    return pd.DataFrame({"participant_id": IDS, "arm": arms, "imaging": [True, True, True, False]})


def test_group_by_time_is_the_interaction_of_the_mixed_model(trial):
    rows = estimate_methods(
        trial.rename(columns={"day90": "follow_up"}), methods=["group_time"], arm_order=["control", "cells"], reference="control"
    )  # fmt: skip
    assert rows["method"].tolist() == ["mmrm_group_time"]
    parts = [trial.assign(time=time, value=trial[name]) for time, name in enumerate(("baseline", "day90"))]
    long = pd.concat(parts, ignore_index=True).assign(cells=lambda frame: (frame["arm"] == "cells") * 1.0)
    fit = smf.mixedlm("value ~ cells * time", long, groups=long["participant_id"]).fit(reml=True)
    row = rows.iloc[0]
    assert row["estimate"] == pytest.approx(fit.fe_params["cells:time"], rel=1e-9)
    # the mixed model's variance components are found by an optimiser, to about five figures
    assert row["std_error"] == pytest.approx(fit.bse_fe["cells:time"], rel=1e-4)
    assert row["df"] == len(trial) - 2


def edges() -> pd.DataFrame:
    """Each scan has the edges m1_l-m1_r (z = 0.1 i), m1_l-s1_r (0.2 i), m1_l-s1_l (0.3 i), for the i-th participant."""
    rows = [
        {"participant_id": person, "visit": "baseline", "run": None, "node_i": "m1_l", "node_j": other, "z": size * (i + 1)}
        for i, person in enumerate(IDS)
        for other, size in (("m1_r", 0.1), ("s1_r", 0.2), ("s1_l", 0.3))
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"run": "Int64"})


def nodes(sides: dict[str, str]) -> pd.DataFrame:
    other = {"left": "right", "right": "left"}
    rows = [
        {
            "participant_id": person, "visit": "baseline", "run": None, "node": f"{pair}_{hemisphere[0]}", "pair": pair,
            "hemisphere": hemisphere,
            "side": {side: "ipsilesional", other[side]: "contralesional"}[hemisphere],
        }
        for person, side in sides.items()
        for pair in ("m1", "s1")
        for hemisphere in ("left", "right")
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"run": "Int64"})


def test_edges_are_averaged_in_the_frame_of_the_lesion(study, participants):
    sides = {"sub-1": "left", "sub-2": "right", "sub-3": "left", "sub-4": "left"}
    tables = {"participants": participants, "edges": edges(), "nodes": nodes(sides)}
    found = summarise_connectivity(study, tables).set_index("key")
    assert set(found["arm"]) == {"cells", "control"}
    assert set(found.loc[found["arm"] == "control", "n"]) == {1}
    # sub-1 (left): m1 - s1 within the lesioned side is 0.3; sub-2 (right): left is the other side, there it is 0.6
    where = "connectivity/imaging/cells/baseline"
    assert found.loc[f"{where}/ipsilesional/m1/ipsilesional/s1", "mean_z"] == pytest.approx(0.3)
    assert found.loc[f"{where}/contralesional/m1/contralesional/s1", "mean_z"] == pytest.approx(0.6)
    homotopic = found.loc[f"{where}/ipsilesional/m1/contralesional/m1"]
    assert homotopic["mean_z"] == pytest.approx(np.mean([0.1, 0.2]))
    assert homotopic["sd_z"] == pytest.approx(np.std([0.1, 0.2], ddof=1))
    # m1_l - s1_r: for sub-1 ipsilesional m1 with contralesional s1, for sub-2 ipsilesional s1 with contralesional m1
    assert found.loc[f"{where}/ipsilesional/m1/contralesional/s1", "mean_z"] == pytest.approx(0.2)
    assert found.loc[f"{where}/ipsilesional/s1/contralesional/m1", "mean_z"] == pytest.approx(0.4)


def test_an_excluded_scan_is_not_averaged(study, participants):
    decisions = pd.DataFrame({
        "participant_id": ["sub-1", "sub-2"], "visit": "baseline", "run": pd.array([None, None], dtype="Int64"),
        "modality": ["bold", "dwi"], "include": [False, False],
    })  # fmt: skip
    tables = {
        "participants": participants,
        "edges": edges(),
        "nodes": nodes(dict.fromkeys(IDS, "left")),
        "decisions": decisions,
    }
    found = summarise_connectivity(study, tables).set_index("key")
    key = "connectivity/imaging/cells/baseline/ipsilesional/m1/ipsilesional/s1"
    assert found.loc[key, "mean_z"] == pytest.approx(0.6)
    assert found.loc[key, "n"] == 1


def test_without_networks_the_table_is_empty(study, participants):
    assert summarise_connectivity(study, {"participants": participants}).empty


def test_the_flow_counts_who_was_scanned_excluded_and_not_measurable(study, participants):
    scans = pd.DataFrame(
        [
            (person, visit, kind)
            for person in IDS
            for visit in ("baseline", "day90")
            for kind in ("dwi", "bold")
        ],
        columns=["participant_id", "visit", "modality"],
    ).assign(state="ok")
    scans.loc[(scans["participant_id"] == "sub-4") & (scans["visit"] == "day90"), "state"] = "skipped"
    scans.loc[scans["participant_id"].isin(["sub-2", "sub-3"]) & (scans["modality"] == "dwi"), "state"] = (
        "failed"
    )
    decisions = pd.DataFrame({"participant_id": ["sub-1", "sub-2"], "include": [True, False]})
    outcomes = pd.DataFrame(
        {"participant_id": IDS, "outcome": "z", "visit": "day90", "value": 1.0, "baseline": 1.0}
    )
    tables = {"participants": participants, "status": scans, "decisions": decisions}
    flow = count_flow(study, tables, outcomes).set_index("key")["n"]
    assert [flow[f"flow/imaging:scanned/{arm}"] for arm in ("cells", "control", "all")] == [2, 1, 3]
    assert [flow[f"flow/imaging:excluded/{arm}"] for arm in ("cells", "control", "all")] == [1, 0, 1]
    assert [flow[f"flow/imaging:failed/{arm}"] for arm in ("cells", "control", "all")] == [0, 1, 1]
