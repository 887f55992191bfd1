"""The maps of a scan come back from their file as they went in."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.extract.visits.scan_maps import ScanMaps, maps_bytes, read_maps

SHAPE = (5, 4, 3)
AFFINE = np.array([[2.0, 0, 0, -4], [0, 2.5, 0, -1], [0, 0, 3, 7], [0, 0, 0, 1]])


def scan(*, lesion: bool = True, regions: bool = True) -> ScanMaps:
    rng = np.random.default_rng(1)
    brain = rng.random(SHAPE) < 0.7
    fa = np.where(brain, rng.random(SHAPE), np.nan).astype(np.float32)
    weights = np.where(rng.random(SHAPE) < 0.3, rng.random(SHAPE), 0).astype(np.float32)
    return ScanMaps(
        "sub-001_baseline_dwi", "baseline", AFFINE, brain, brain & (fa > 0.8) if lesion else None, {"fa": fa, "md": 2 * fa},
        {("cst", "left"): weights, ("plic", "left"): weights / 2} if regions else {}, "left",
        ("the lesion mask is empty",), ("snr 8 < 10",),
    )  # fmt: skip


@pytest.mark.parametrize("parts", [{}, {"lesion": False}, {"regions": False}])
def test_what_is_stored_comes_back(parts):
    before = scan(**parts)
    after = read_maps(maps_bytes(before))
    for name in ("name", "visit", "side", "notes", "flags", "note"):
        assert getattr(after, name) == getattr(before, name)
    assert np.array_equal(after.affine, before.affine)
    assert np.array_equal(after.brain, before.brain)
    assert np.array_equal(after.lesion, before.lesion) if before.lesion is not None else after.lesion is None
    for kind in ("scalars", "regions"):
        stored, made = getattr(after, kind), getattr(before, kind)
        assert stored.keys() == made.keys()
        assert all(np.array_equal(stored[name], made[name], equal_nan=True) for name in made)


def test_a_file_on_disk_is_read_too(tmp_path):
    path = tmp_path / "maps.npz"
    path.write_bytes(maps_bytes(scan()))
    assert read_maps(path).name == "sub-001_baseline_dwi"


def test_the_same_scan_gives_the_same_bytes():
    assert maps_bytes(scan()) == maps_bytes(scan())


def test_sizes_and_coordinates_are_those_of_the_affine():
    maps = scan()
    assert maps.voxel_mm == (2.0, 2.5, 3.0)
    assert maps.x[:, 0, 0].tolist() == [-4, -2, 0, 2, 4]
    assert (maps.x == maps.x[:, :1, :1]).all()
