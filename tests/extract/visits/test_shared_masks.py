"""One lesion and common coverage for all visits of a participant."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.extract.visits.alignment import align_visits
from neurotrial.extract.visits.scan_maps import ScanMaps
from neurotrial.extract.visits.shared_masks import shared_masks
from neurotrial.imaging_plan import VisitPlan

SHAPE = (6, 1, 1)


def scan(visit: str, lesion: str | None, brain: str = "111111", shift: float = 0.0) -> ScanMaps:
    def mask(bits):
        return np.array([bit == "1" for bit in bits]).reshape(-1, 1, 1)

    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = shift
    return ScanMaps(
        f"sub-001_{visit}_dwi",
        visit,
        affine,
        mask(brain),
        None if lesion is None else mask(lesion),
        {},
        {},
        "left",
    )


def shared(scans, plan):
    """Return the masks of scans that stand in one space by their headers."""
    return shared_masks(scans, plan, "baseline", align_visits(scans, plan).carry)


def bits(mask) -> str:
    return "".join("1" if value else "0" for value in mask.ravel())


@pytest.mark.parametrize(
    ("plan", "baseline", "day90"),
    [
        (VisitPlan(), "011100", "011100"),
        (VisitPlan(lesion="baseline"), "011000", "011000"),
        (VisitPlan(lesion="own"), "011000", "001100"),
    ],
)
def test_the_lesion_that_holds_is_the_one_asked_for(plan, baseline, day90):
    scans = [scan("baseline", "011000"), scan("day90", "001100")]
    found = shared(scans, plan)
    assert [bits(found[one.name].lesion) for one in scans] == [baseline, day90]
    assert {one.note for one in found.values()} == {""}


def test_regions_are_cut_to_what_all_visits_cover_unless_they_are_not_to_be():
    scans = [scan("baseline", "000000", "111110"), scan("day90", "000000", "011111")]
    common = shared(scans, VisitPlan())
    assert {bits(one.covered) for one in common.values()} == {"011110"}
    own = shared(scans, VisitPlan(common_coverage=False))
    assert [bits(own[one.name].covered) for one in scans] == ["111110", "011111"]


def test_a_visit_without_a_mask_takes_that_of_the_other():
    scans = [scan("baseline", "011000"), scan("day90", None)]
    assert bits(shared(scans, VisitPlan())["sub-001_day90_dwi"].lesion) == "011000"
    without = shared(scans, VisitPlan(lesion="own"))
    assert without["sub-001_day90_dwi"].lesion is None


def test_a_missing_baseline_mask_is_told():
    scans = [scan("baseline", None), scan("day90", "001100")]
    found = shared(scans, VisitPlan(lesion="baseline"))
    assert found["sub-001_baseline_dwi"].lesion is None
    assert bits(found["sub-001_day90_dwi"].lesion) == "001100"
    assert all("each scan's own holds" in one.note for one in found.values())


def test_masks_meet_in_world_coordinates():
    near, far = scan("baseline", "011000"), scan("day90", "000000", shift=2.0)
    carry = align_visits([near, far], VisitPlan()).carry
    # voxel 0 of the second grid lies where voxel 1 of the first does; beyond the grid there is no lesion
    assert bits(carry(near.lesion, near, far)) == "110000"
    assert bits(carry(np.ones(SHAPE, dtype=bool), near, far)) == "111110"
