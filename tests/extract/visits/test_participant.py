"""The second step: what the visits of a participant share, and regions from an atlas."""

from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np
import pandas as pd
import pytest
from imaged_study import PLAN

from neurotrial.extract.visits.participant import measure_visits
from neurotrial.extract.visits.scan_maps import read_maps
from neurotrial.imaging_plan import RegionPlan, VisitPlan

SCANS = ("sub-002_baseline_dwi", "sub-002_day90_dwi")
KEY = ["feature", "region", "hemisphere", "statistic", "lesion_policy"]


@pytest.fixture(scope="module")
def maps(extracted_study):
    shards = extracted_study / "extraction" / "shards"
    return [read_maps(shards / name / "maps.npz") for name in SCANS]


def measured(maps, folder=None, transforms=None, **parts):
    plan = PLAN.model_copy(update=parts)
    found = measure_visits(
        maps, plan, folder, baseline="baseline", transforms=transforms or {}, simulated=True
    )
    return [found[scan.name] for scan in maps]


def values(scan) -> pd.Series:
    return scan.features.set_index(KEY)["value"].sort_index()


def shrunk(scan):
    """Return a scan with only the lower half of its lesion."""
    lesion = scan.lesion.copy()
    lesion[..., np.flatnonzero(lesion.any(axis=(0, 1)))[-3:]] = False
    return replace(scan, lesion=lesion)


def test_the_lesion_of_all_visits_holds_for_each(maps):
    first, second = maps[0], shrunk(maps[1])
    both = measured([first, second], visits=VisitPlan(lesion="union"))
    alike = measured(maps)
    for found, same in zip(both, alike, strict=True):
        assert found.features.equals(same.features)
        assert found.lesion["used_ml"] == same.lesion["used_ml"]
    assert both[1].lesion["volume_ml"] < both[1].lesion["used_ml"] == both[0].lesion["volume_ml"]


def test_each_visit_may_have_its_own_lesion_or_that_of_the_baseline(maps):
    first, second = shrunk(maps[0]), maps[1]
    own = measured([first, second], visits=VisitPlan(lesion="own"))
    carried = measured([first, second], visits=VisitPlan(lesion="baseline"))
    assert own[1].lesion["used_ml"] > own[0].lesion["used_ml"] == carried[1].lesion["used_ml"]
    excluded = ("fa", "cst", second.side, "mean", "exclude")
    assert values(own[1])[excluded] != values(carried[1])[excluded]
    # what is not of the lesion does not change
    assert values(own[1])[(*excluded[:-1], "include")] == values(carried[1])[(*excluded[:-1], "include")]


def test_regions_are_cut_to_what_both_visits_measured(maps):
    first = maps[0]
    brain = first.brain.copy()
    top = np.flatnonzero(brain.any(axis=(0, 1)))[-8:]
    brain[..., top] = False
    cut = replace(maps[1], brain=brain)
    together = measured([first, cut])
    alone = measured([first])
    counts = [found.features.set_index(KEY)["n"] for found in (together[0], alone[0])]
    row = ("fa", "cst", "left", "mean", "include")
    assert counts[0][row] < counts[1][row]
    assert counts[0][row] == together[1].features.set_index(KEY)["n"][row]
    flagged = {item.name: item for item in together[0].measures}["min_region_coverage"]
    assert flagged.flagged
    apart = measured([first, cut], visits=VisitPlan(common_coverage=False))
    assert values(apart[0]).equals(values(alone[0]))


def test_a_moved_second_visit_is_aligned_and_its_lesion_carried(maps):
    """The second visit's header is turned and shifted: the rigid map brings its lesion back to the first."""
    turn = np.eye(4)
    angle = np.deg2rad(5)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = 4, -3, 2
    first = replace(maps[0], lesion=np.zeros_like(maps[0].lesion))
    moved = replace(maps[1], affine=turn @ maps[1].affine)
    found = measured([first, moved], visits=VisitPlan(alignment="rigid"))
    still = measured([first, maps[1]])
    # half a voxel of 5 mm at the rim of the lesion
    assert found[0].lesion["used_ml"] == pytest.approx(still[0].lesion["used_ml"], rel=0.05)
    row = ("fa", "cst", maps[0].side, "mean", "exclude")
    assert values(found[0])[row] == pytest.approx(values(still[0])[row], abs=0.01)
    by_headers = measured([first, moved])
    assert abs(values(by_headers[0])[row] - values(still[0])[row]) > abs(
        values(found[0])[row] - values(still[0])[row]
    )


def write_atlas(folder, scan, shift):
    """Write the regions of a scan as an atlas whose space is shifted, and the transform that leads there."""
    labels = np.zeros(scan.brain.shape, dtype=np.uint8)
    rows = []
    for value, ((region, hemisphere), weights) in enumerate(sorted(scan.regions.items()), 1):
        labels[weights >= 0.5] = value
        rows.append({"value": value, "structure": region, "hemisphere": hemisphere})
    affine = np.array(scan.affine)
    affine[:3, 3] += shift
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "mine.nii.gz")
    pd.DataFrame(rows).to_csv(folder / "mine.tsv", sep="\t", index=False)
    transform = folder / "from-mine_to-ACPC_mode-image_xfm.txt"
    lps = np.array(shift) * [-1, -1, 1]
    transform.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: 1 0 0 0 1 0 0 0 1 {lps[0]} {lps[1]} {lps[2]}\nFixedParameters: 0 0 0\n",
        encoding="utf-8",
    )
    return transform


def with_plic_on_top(scan):
    """Return a scan whose tract leaves the capsule out: labels cannot overlap."""
    regions = {
        (region, hemisphere): weights * (1 - scan.regions["plic", hemisphere]) if region == "cst" else weights
        for (region, hemisphere), weights in scan.regions.items()
    }
    return replace(scan, regions=regions)


def test_an_atlas_and_a_transform_give_what_masks_give(maps, tmp_path):
    scans = [with_plic_on_top(scan) for scan in maps]
    transform = write_atlas(tmp_path, scans[0], (0.0, 12.0, -7.0))
    plan = RegionPlan(atlas="mine.nii.gz", labels="mine.tsv")
    found = measured(scans, tmp_path, dict.fromkeys(SCANS, transform), regions=plan)
    masks = measured(scans)
    for own, given in zip(found, masks, strict=True):
        assert set(own.features["method"]) == {"atlas_mine"}
        # whole voxels apart in y and z: linear interpolation between them only rounds
        assert np.allclose(values(own), values(given), rtol=0, atol=1e-5, equal_nan=True)


def test_without_a_transform_the_template_is_registered_once(maps, tmp_path):
    scans = [with_plic_on_top(scan) for scan in maps]
    write_atlas(tmp_path, scans[0], (0.0, 6.0, -4.0))
    affine = np.array(scans[0].affine)
    affine[:3, 3] += 0.0, 6.0, -4.0
    nibabel.save(
        nibabel.Nifti1Image(np.nan_to_num(scans[0].scalars["fa"]), affine), tmp_path / "template.nii.gz"
    )
    plan = RegionPlan(atlas="mine.nii.gz", labels="mine.tsv", template="template.nii.gz")
    found = measured(scans, tmp_path, regions=plan)
    masks = measured(scans)
    quality = {item.name: item.value for item in found[0].measures}
    assert quality["registration_dice"] > 0.8
    for own, given in zip(found, masks, strict=True):
        for hemisphere in ("left", "right"):
            row = ("fa", "cst", hemisphere, "mean", "include")
            # voxels of 5 mm: the rim of a tube of 12 mm
            assert values(own)[row] == pytest.approx(values(given)[row], abs=0.05)
