"""Tractography of the simulated corticospinal tract: it arrives, is the same on every run, and ends where anisotropy does."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract.regions.streamline_features import streamline_features
from neurotrial.extract.regions.tracking import track_cst
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.protocols import PRESETS

GRID = PRESETS["small"].dwi.grid
HEAD = Anatomy().on(GRID)


def volume(values):
    image = np.zeros(np.prod(GRID.shape))
    image[HEAD.voxels] = values
    return image.reshape(GRID.shape, order="F")


@pytest.fixture(scope="module")
def tract():
    """Directions and FA of the right tract, the peduncle and the white matter under the motor cortex."""
    directions = np.stack([volume(HEAD.directions[:, 1, axis]) for axis in range(3)], axis=-1)
    z = HEAD.centres[:, 2]
    start = volume((np.abs(z + 15) < 5) & HEAD.regions["CST", "R"]) > 0
    return directions, volume(HEAD.fractions[:, 1]), start, volume((z > 45) & (HEAD.centres[:, 0] > 15)) > 0


def test_streamlines_follow_the_tract_and_are_the_same_on_every_run(tract):
    directions, fa, start, end = tract
    found, again = (track_cst(directions, fa, GRID.affine, start, end) for _ in range(2))
    assert len(found) > 20
    assert all(np.array_equal(one, other) for one, other in zip(found, again, strict=True))
    line = Anatomy().centre_lines["cst_right"]
    for points in found:
        # the tube and half a voxel to each side
        distance = np.linalg.norm(line[1:-1, None] - points, axis=-1).min(axis=1)
        assert distance.max() < Anatomy().tube_mm + GRID.voxel_mm
    rows = streamline_features({"right": found}, {"fa": fa}, GRID.affine, lesion_side="right")
    assert rows.query("hemisphere == 'right'")["n"].iloc[0] == len(found)
    assert rows.query("hemisphere == 'right'")["value"].iloc[0] > 0.4


def test_a_lesion_that_cuts_the_tract_leaves_no_streamline(tract):
    directions, fa, start, end = tract
    cut = np.where(np.abs(volume(HEAD.centres[:, 2]) - 14) < 6, 0.05, fa)
    assert track_cst(directions, cut, GRID.affine, start, end) == []
    assert track_cst(directions, np.full(fa.shape, np.nan), GRID.affine, start, end) == []


def test_other_grids_are_refused(tract):
    directions, fa, start, end = tract
    with pytest.raises(InputError, match="track_cst"):
        track_cst(directions, fa, GRID.affine, start[1:], end)
