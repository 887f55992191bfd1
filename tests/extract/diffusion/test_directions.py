"""Directions of largest diffusivity: those of dipy, and good enough to follow the tract of the simulated head."""

from __future__ import annotations

import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel

from neurotrial.errors import InputError
from neurotrial.extract import fit_tensor, image_directions, track_cst
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import simulate_dwi
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scans import scan_rng
from neurotrial.simulation.tissue import Pathology

PROTOCOL = PRESETS["small"].dwi
GRID = PROTOCOL.grid
HEAD = Anatomy().on(GRID)


def fitted(integrity):
    """Fit the scan of a stroke on the right, with directions as its files have them: x from right to left."""
    state = Pathology("right", 30.0, integrity, 1.0)
    signal = simulate_dwi(HEAD, state, PROTOCOL, scan_rng(3, 1, 0, "dwi"))
    return fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs * [-1, 1, 1], directions=True), signal


def volume(values):
    image = np.zeros((np.prod(GRID.shape), *np.shape(values)[1:]))
    image[HEAD.voxels] = values
    return image.reshape(*GRID.shape, *np.shape(values)[1:], order="F")


def test_directions_are_those_of_dipy():
    fit, signal = fitted(0.9)
    table = gradient_table(PROTOCOL.bvals, bvecs=PROTOCOL.bvecs * [-1, 1, 1])
    dipy = TensorModel(table).fit(signal[:2000]).directions[:, 0]
    clear = fit.fa[:2000] > 0.1
    along = np.abs((dipy * fit.directions[:2000]).sum(axis=1))
    # where two eigenvalues are nearly equal their directions are no numbers of the data
    assert np.allclose(along[clear], 1, rtol=0, atol=1e-8)
    assert np.allclose(np.linalg.norm(fit.directions, axis=1), 1, rtol=0, atol=1e-12)


def test_they_cost_nothing_where_they_are_not_asked_for_and_are_refused_where_there_are_none():
    _, signal = fitted(0.9)
    assert fit_tensor(signal[:10], PROTOCOL.bvals, PROTOCOL.bvecs).directions is None
    with pytest.raises(InputError, match="directions: come with ols, wls, iwls, not with nlls"):
        fit_tensor(signal[:10], PROTOCOL.bvals, PROTOCOL.bvecs, method="nlls", directions=True)


def test_streamlines_of_the_lesioned_tract_vanish_with_its_integrity():
    centres = HEAD.centres
    counts = {}
    for integrity in (1.0, 0.3):
        fit, _ = fitted(integrity)
        directions = volume(image_directions(fit.directions, GRID.affine))
        fa = volume(fit.fa)
        for side, sign, letter in (("right", 1, "R"), ("left", -1, "L")):
            start = volume((np.abs(centres[:, 2] + 15) < 5) & HEAD.regions["CST", letter]) > 0
            end = volume((centres[:, 2] > 45) & (sign * centres[:, 0] > 15)) > 0
            counts[side, integrity] = len(track_cst(directions, fa, GRID.affine, start, end))
    assert counts["left", 1.0] > 10
    assert counts["left", 0.3] > 10
    assert counts["right", 0.3] < counts["right", 1.0]
    assert counts["right", 0.3] == 0
