"""A resting-state scan as a whole: sweeps, other spaces, lost nodes, tissues away from the lesion, and what is refused."""

from __future__ import annotations

import gzip
from dataclasses import replace

import nibabel
import numpy as np
import pandas as pd
import pytest
from imaged_study import PLAN, edit, extracted, made, of_scan, only, save, scan_file, table

from neurotrial.extract.network.planned import expected_rows, planned_networks
from neurotrial.extract.nodes.variants import planned_variants
from neurotrial.extract.scan import extract_scan
from neurotrial.extract.scan_result import ScanFault
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.protocols import PRESETS

KEY = [
    "feature",
    "definition",
    "region",
    "hemisphere",
    "side",
    "statistic",
    "method",
    "lesion_policy",
    "threshold",
]
RIGID = (
    "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
    "Parameters: 1 0 0 0 1 0 0 0 1 {x} {y} {z}\nFixedParameters: 0 0 0\n"
)


def plan_with(cleaning=None, network=None, sweep=None):
    """Return the plan of the study with other settings."""
    own = PLAN.network.model_copy(update=network or {})
    if sweep:
        own = own.model_copy(update={"sensitivity": own.sensitivity.model_copy(update=sweep)})
    return PLAN.model_copy(
        update={"cleaning": PLAN.cleaning.model_copy(update=cleaning or {}), "network": own}
    )


def measured(scan, plan, study):
    return extract_scan(scan, plan, study, simulated=True).tables


def values(tables, **where):
    rows = tables["features"]
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    return rows.set_index(KEY)["value"].sort_index()


@pytest.fixture(scope="module")
def scan(extracted_study):
    return made(extracted_study, "bold")


def test_a_sweep_gives_in_one_pass_what_each_plan_gives_alone(scan, extracted_study):
    swept = measured(
        scan,
        plan_with(
            {"sensitivity": ["6p", "none"]},
            sweep={
                "radii_mm": [9.0],
                "kinds": ["ledoit_wolf"],
                "lesion": ["exclude"],
                "nodes": ["seitzman_motor12"],
            },
        ),
        extracted_study,
    )
    features = swept["features"]
    assert not features.duplicated(KEY).any()
    assert features["method"].nunique() == 2 * 2 * 2 * 3
    alone = {
        "spheres_pearson_24p": plan_with(),
        "spheres_pearson_6p": plan_with({"strategy": "6p"}),
        "spheres_ledoit_wolf_24p": plan_with(network={"kind": "ledoit_wolf"}),
    }
    for method, plan in alone.items():
        own = values(measured(scan, plan, extracted_study))
        both = values(swept, method=method, lesion_policy="include")
        assert both.index.equals(own.index)
        assert np.array_equal(both, own, equal_nan=True)
    # nodes without lesioned voxels differ only where a node has some
    nodes = swept["nodes"].query("node_set == 'spheres'")
    same = values(swept, method="spheres_pearson_24p", lesion_policy="exclude")
    plain = values(swept, method="spheres_pearson_24p", lesion_policy="include")
    assert (
        np.allclose(same.to_numpy(), plain.to_numpy(), equal_nan=True)
        == (nodes["lesion_fraction"] == 0).all()
    )
    radii = swept["nodes"].groupby("node_set")["radius_mm"].unique()
    assert radii["spheres9mm"].tolist() == [9.0]
    assert set(swept["edges"]["node_set"]) == {
        "spheres",
        "spheres9mm",
        "seitzman_motor12",
        "seitzman_motor129mm",
    }


def test_the_grid_is_the_planned_one(scan, extracted_study):
    plan = plan_with({"sensitivity": ["36p"]}, sweep={"radii_mm": [9.0]}, network={"significance": 0.05})
    tables = measured(scan, plan, extracted_study)
    expected = pd.DataFrame(
        expected_rows(planned_networks(plan, planned_variants(plan.network, extracted_study)))
    )
    fixed = ["feature", "definition", "region", "statistic", "method", "lesion_policy", "threshold", "unit"]
    assert tables["features"][fixed].equals(expected[fixed])


def test_a_strategy_that_cannot_be_is_a_row_with_its_reason(scan, extracted_study):
    tables = measured(scan, plan_with({"sensitivity": ["acompcor"]}), extracted_study)
    rows = tables["features"].query("method == 'spheres_pearson_acompcor'")
    assert (rows["status"] == "failed").all()
    assert rows["reason"].str.contains("comp_cor").all()
    own = tables["features"].query("method == 'spheres_pearson_24p'")
    assert own["value"].notna().all()


def test_an_own_space_with_a_transform_gives_the_same_nodes(scan, extracted_study, tmp_path):
    image = nibabel.load(scan.files["bold"])
    # ITK writes points to the left and posterior; the scan lies 6 mm to the right of the template, 12 mm above
    way = tmp_path / "sub_from-MNI152NLin6Asym_to-T1w_mode-image_xfm.txt"
    way.write_text(RIGID.format(x=6, y=0, z=-12), encoding="utf-8")
    affine = image.affine.copy()
    affine[:3, 3] += [6, 0, 12]
    files = dict(scan.files)
    for role in ("bold", "brain", "lesion"):
        own = nibabel.load(files[role])
        files[role] = tmp_path / f"sub_space-T1w_{role}.nii.gz"
        moved = nibabel.Nifti1Image(np.asanyarray(own.dataobj), affine)
        moved.header.set_zooms(own.header.get_zooms())
        nibabel.save(moved, files[role])
    native = replace(scan, files=files | {"from_template": way})
    here, there = (
        values(measured(scan, PLAN, extracted_study)),
        values(measured(native, PLAN, extracted_study)),
    )
    assert np.allclose(here, there, rtol=0, atol=1e-9, equal_nan=True)
    with pytest.raises(
        ScanFault, match="stands in the space T1w, the nodes in a template, and there is no transform"
    ):
        measured(replace(scan, files=files), PLAN, extracted_study)


def test_tissues_away_from_the_lesion_stand_in_for_those_of_the_table(scan, extracted_study, tmp_path):
    head = Anatomy().on(PRESETS["small"].bold.grid)
    grid = PRESETS["small"].bold.grid
    where = np.flatnonzero(np.asarray(nibabel.load(scan.files["brain"]).dataobj).ravel(order="F"))
    files = dict(scan.files)
    for role, inside in (
        ("white_matter", head.white & ~head.ventricle),
        ("csf", ~head.white),
    ):  # the ventricles of this small head are too few
        path = tmp_path / f"sub_space-MNI152NLin2009cAsym_label-{role}_probseg.nii.gz"
        weights = np.zeros(np.prod(grid.shape), np.float32)
        weights[where] = inside
        nibabel.save(nibabel.Nifti1Image(weights.reshape(grid.shape, order="F"), grid.affine), path)
        files[role] = path
    plan = plan_with({"strategy": "32p", "lesion_dilation_mm": 0.0})
    by_table = measured(scan, plan, extracted_study)["features"]
    by_masks = measured(replace(scan, files=files), plan, extracted_study)["features"]
    assert by_table["reason"].str.contains("signals of the table, which hold the lesion: white_matter").all()
    assert not by_masks["reason"].astype("str").str.contains("white_matter").any()
    both = by_table.merge(by_masks, on=KEY)
    strength = both[both["feature"] == "strength"]
    assert not np.allclose(strength["value_x"], strength["value_y"])
    assert np.corrcoef(strength["value_x"], strength["value_y"])[0, 1] > 0.8
    components = measured(
        replace(scan, files=files),
        plan_with({"strategy": "acompcor", "lesion_dilation_mm": 0.0}),
        extracted_study,
    )
    assert components["features"]["value"].notna().all()


def test_a_missing_lesion_mask_costs_no_value(scan, extracted_study):
    files = {role: path for role, path in scan.files.items() if role != "lesion"}
    tables = measured(replace(scan, files=files), PLAN, extracted_study)
    assert tables["features"]["value"].notna().all()
    assert (tables["features"]["status"] == "flagged").all()
    assert tables["features"]["reason"].str.contains("there is no lesion mask").all()
    assert tables["nodes"]["lesion_fraction"].isna().all()


def spoilt(study, change):
    """Change the volumes of a scan."""
    path = scan_file(study, "func/*_bold.nii.gz")
    image = nibabel.load(path)
    data = np.asanyarray(image.dataobj).astype(np.float32)
    made_image = nibabel.Nifti1Image(change(data), image.affine)
    made_image.header.set_zooms(image.header.get_zooms())
    path.write_bytes(gzip.compress(made_image.to_bytes(), 1))
    return made(study, "bold")


def test_volumes_without_numbers_are_left_out_and_told(study):
    def _holes(data):
        data[..., [20, 21]] = np.nan
        return data

    found = measured(spoilt(study, _holes), PLAN, study)
    assert found["features"]["value"].notna().all()
    assert (
        found["features"]["reason"].str.contains("2 volumes hold no numbers and are left out: 20, 21").all()
    )
    kept = found["quality"].set_index("measure").loc["volumes_kept", "value"]
    assert found["edges"]["n_volumes"].eq(kept).all()
    assert kept <= 148


def test_a_node_that_never_varies_is_lost(study):
    node = planned_variants(PLAN.network, study)[0].nodes.iloc[0]
    path = scan_file(study, "func/*_bold.nii.gz")
    affine = nibabel.load(path).affine

    def _flat(data):
        places = nibabel.affines.apply_affine(affine, np.indices(data.shape[:3]).reshape(3, -1).T)
        near = (
            np.linalg.norm(places - node[["x", "y", "z"]].to_numpy(dtype=float), axis=1) <= node["radius_mm"]
        )
        data[near.reshape(data.shape[:3])] = 7
        return data

    found = measured(spoilt(study, _flat), PLAN, study)
    rows = found["features"]
    assert rows["reason"].str.contains(r"nodes lost: m1_l \(constant\)").any()
    assert set(rows.loc[rows["value"].isna(), "region"]) == {"m1_m1", "m1"}
    assert len(found["edges"]) == 55
    quality = found["quality"].set_index("measure")
    assert (quality.loc["nodes_lost", "value"], quality.loc["nodes_lost", "flagged"]) == (1, True)


def test_a_lost_node_shrinks_the_network_and_flags_it(study):
    only(study, session="01")
    edit(study / "study.yaml", "common_volumes: 100", "common_volumes: 149")
    path = scan_file(study, "func/*_desc-brain_mask.nii.gz")
    image = nibabel.load(path)
    mask = np.asanyarray(image.dataobj).copy()
    places = nibabel.affines.apply_affine(image.affine, np.indices(mask.shape).reshape(3, -1).T)
    mask[(np.linalg.norm(places - (-38.0, -20.0, 56.0), axis=1) < 8).reshape(mask.shape)] = 0
    save(mask, image.affine, path)
    assert not extracted(study).failed
    features = of_scan(table(study, "features"), "bold")
    density = features["feature"] == "density"
    assert (features.loc[density, "status"] == "low_coverage").all()
    own = features["region"].isin(["m1", "m1_m1"]) & (features["hemisphere"] != "right")
    measured_rows = features[~density & ~own]
    assert (measured_rows["status"] == "flagged").all()
    assert measured_rows["reason"].str.startswith("nodes lost: m1_l").all()
    whole = features.set_index(["feature", "definition", "side"]).sort_index()
    assert whole.loc[("strength", "all_pairs"), "n"].to_dict() == {
        "inter": 30,
        "ipsilesional": 15,
        "contralesional": 10,
    }
    assert whole.loc[("global_efficiency", "weighted"), "n"].tolist() == [55]
    assert features["coverage"].dropna().unique() == pytest.approx([11 / 12])
    edges = table(study, "edges").query("participant_id == 'sub-002' and visit == 'baseline'")
    assert len(edges) == 55
    assert not edges[["node_i", "node_j"]].isin(["m1_l"]).any(axis=None)
    nodes = (
        table(study, "nodes").query("participant_id == 'sub-002' and visit == 'baseline'").set_index("node")
    )
    assert nodes.loc["m1_l", "coverage"] == 0
    assert (nodes["coverage"].drop("m1_l") == 1).all()


def test_a_scan_of_two_volumes_is_refused(study):
    scan = spoilt(study, lambda data: data[..., :2])
    confounds = scan.files["confounds"]
    table_of = pd.read_csv(confounds, sep="\t")
    with pytest.raises(ScanFault, match="has 150 rows, the image has 2 volumes"):
        measured(scan, PLAN, study)
    table_of.iloc[:2].to_csv(confounds, sep="\t", index=False, na_rep="n/a")
    with pytest.raises(ScanFault, match=r"2 of 2 volumes .* at least 2 are needed"):
        measured(scan, PLAN, study)
