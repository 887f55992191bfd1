from __future__ import annotations

import numpy as np
import pytest

from neurotrial.extract import fit_tensor
from neurotrial.extract.diffusion.gradients import Sources, check_gradients
from neurotrial.extract.diffusion.volumes import neighbour_correlation, outlier_volumes
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import simulate_dwi
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.tissue import Pathology

PROTOCOL = PRESETS["small"].dwi


@pytest.fixture(scope="module")
def signal():
    head = Anatomy().on(PROTOCOL.grid)
    state = Pathology("left", 60.0, 0.8, 0.97)
    return simulate_dwi(head, state, PROTOCOL, np.random.default_rng(8)).astype("float32")


def outliers(signal, method="wls", volumes=slice(None), **options):
    fit = fit_tensor(signal[:, volumes], PROTOCOL.bvals[volumes], PROTOCOL.bvecs[volumes], method=method)
    return outlier_volumes(fit, **options)


@pytest.mark.parametrize("method", ["wls", "ols", "iwls"])
def test_a_clean_scan_has_none(signal, method):
    found = outliers(signal, method)
    assert found.count == 0
    assert np.nanmax(np.abs(found.z)) < 2.5


@pytest.mark.parametrize("method", ["wls", "iwls"])
@pytest.mark.parametrize("volume", [5, 21])
def test_a_volume_that_lost_signal_in_a_part_of_the_head_is_told(signal, method, volume):
    spoilt = signal.copy()
    spoilt[:3000, volume] *= 0.7
    found = outliers(spoilt, method)
    # of 20 directions one that is wrong takes those beside it along, less than itself
    assert found.outlier[volume]
    assert found.count <= 2
    assert found.z[volume] == np.nanmax(found.z)
    assert outliers(spoilt, method, threshold=np.inf).count == 0


def test_a_single_unweighted_volume_cannot_be_judged(signal):
    found = outliers(signal, volumes=slice(1, None))
    assert np.isnan(found.z).tolist() == [True] + [False] * 20
    assert found.count == 0


def test_an_exact_fit_has_no_outliers():
    exact = 1000 * np.exp(-PROTOCOL.bvals / 1000 * (0.3 + 1.4 * PROTOCOL.bvecs[:, 2] ** 2))
    fit = fit_tensor(np.tile(exact, (50, 1)), PROTOCOL.bvals, PROTOCOL.bvecs)
    assert np.isfinite(outlier_volumes(fit).z).all()


def test_a_volume_unlike_its_neighbour_correlates_less(signal):
    gradients = check_gradients(
        PROTOCOL.bvals, PROTOCOL.bvecs, b0_threshold=50, max_b=1500, sources=Sources()
    )
    whole = neighbour_correlation(signal, gradients)
    spoilt = signal.copy()
    spoilt[:, 9] = np.random.default_rng(9).permutation(spoilt[:, 9])
    found = neighbour_correlation(spoilt, gradients)
    # it is the nearest of one other, too
    assert set(found.argsort()[:2]) == {4, 9}
    assert np.abs(found[[4, 9]]).max() < 0.1
    assert whole.min() > 0.5
    # the two unweighted volumes are each other's neighbours
    assert whole[0] == whole[1] == pytest.approx(np.corrcoef(signal[:, 0], signal[:, 1])[0, 1], abs=1e-6)


def test_volumes_without_variance_have_no_correlation():
    gradients = check_gradients(
        PROTOCOL.bvals, PROTOCOL.bvecs, b0_threshold=50, max_b=1500, sources=Sources()
    )
    assert np.isnan(neighbour_correlation(np.ones((9, 22)), gradients)).all()
