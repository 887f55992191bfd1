"""Estimators of dipy: called directly they give the same, the truth is found, and scans that cannot support them are refused."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.data import get_fnames
from dipy.reconst.dki import DiffusionKurtosisModel
from dipy.reconst.dti import TensorModel
from dipy.reconst.fwdti import FreeWaterTensorModel

from neurotrial.errors import InputError
from neurotrial.extract import fit_tensor
from neurotrial.simulation.protocols import PRESETS

DIRECTIONS = PRESETS["full"].dwi.bvecs[4:]
BVALS = np.repeat([0.0, 1000.0, 2000.0], [4, 32, 32])
BVECS = np.vstack([np.zeros((4, 3)), DIRECTIONS, DIRECTIONS])
TABLE = gradient_table(BVALS, bvecs=BVECS)
SCALARS = ("fa", "md", "ad", "rd")


def fibres(n, b=BVALS, bvecs=BVECS):
    """Return the decay of n fibres of 1.7 and 0.3 um2/ms, each in its own direction."""
    along = np.random.default_rng(5).normal(size=(n, 3))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return np.exp(-b / 1000 * (0.3 + 1.4 * (along @ bvecs.T) ** 2))


def with_noise(signal, sd=8.0):
    return signal + np.random.default_rng(6).normal(0, sd, signal.shape)


def in_um2(fit):
    return {"fa": fit.fa, "md": 1000 * fit.md, "ad": 1000 * fit.ad, "rd": 1000 * fit.rd}


def same(found, expected):
    for name, values in expected.items():
        # the same code; directions were scaled to unit length once more
        assert np.allclose(getattr(found, name), values, rtol=0, atol=1e-9), name


@pytest.mark.parametrize("method", ["nlls", "restore"])
def test_tensors_are_those_of_dipy(method):
    image, bval, bvec = get_fnames(name="small_64D")
    data = np.asanyarray(nibabel.load(image).dataobj)[2:4, 3, 4:7].astype("float64")
    bvals, bvecs = np.loadtxt(bval).ravel(), np.nan_to_num(np.loadtxt(bvec))
    lengths = np.where(bvals > 50, np.linalg.norm(bvecs, axis=1), 1)
    table = gradient_table(bvals, bvecs=bvecs / lengths[:, None], b0_threshold=50)
    same(
        fit_tensor(data, bvals, bvecs, method=method), in_um2(TensorModel(table, fit_method=method).fit(data))
    )


@pytest.mark.parametrize("method", ["nlls", "restore"])
def test_a_tensor_without_noise_is_found(method):
    single = BVALS < 1500
    fit = fit_tensor(1000 * fibres(3), BVALS, BVECS, method=method)
    assert fit.md == pytest.approx(np.full(3, 2.3 / 3), abs=1e-6)
    assert fit.fa == pytest.approx(np.full(3, 0.7990222), abs=1e-6)
    assert fit.residual == pytest.approx(np.zeros(3), abs=1e-6)
    assert np.isnan(fit.residual_by_volume).tolist() == (~single).tolist()


def test_restore_is_not_moved_by_a_spike_that_moves_nlls():
    signal = with_noise(1000 * fibres(4))
    spoilt = signal.copy()
    spoilt[:, 12] *= 3
    clean, robust, plain = (
        fit_tensor(data, BVALS, BVECS, method=method).fa
        for data, method in ((signal, "nlls"), (spoilt, "restore"), (spoilt, "nlls"))
    )
    assert np.abs(robust - clean).max() < 0.02
    assert np.abs(plain - clean).max() > 0.05


def test_kurtosis_is_that_of_dipy():
    signal = with_noise(600 * fibres(4) + 400 * np.exp(-BVALS / 1000))
    fit = DiffusionKurtosisModel(TABLE, fit_method="WLS").fit(signal)
    found = fit_tensor(signal, BVALS, BVECS, method="dki")
    same(found, in_um2(fit))
    expected = {"mk": fit.mk(), "ak": fit.ak(), "rk": fit.rk(), "kfa": fit.kfa}
    assert list(found.extra) == list(expected)
    for name, values in expected.items():
        assert np.allclose(found.extra[name], values, rtol=0, atol=1e-9)
    assert np.isfinite(found.residual_by_volume).all()


def test_the_kurtosis_of_two_balls_by_hand():
    # half of the water with 0.5, half with 1.5 um2/ms: mean 1, variance 0.25, excess kurtosis 3 * 0.25 / 1
    decay = 0.5 * np.exp(-0.5 * BVALS / 4000) + 0.5 * np.exp(-1.5 * BVALS / 4000)
    fit = fit_tensor(1000 * decay, BVALS / 4, BVECS, method="dki", b0_threshold=10)
    # the third power of b is left out of the model: b is 0.25 and 0.5 ms/um2
    assert fit.md == pytest.approx(1.0, abs=5e-3)
    assert fit.extra["mk"] == pytest.approx(0.75, abs=0.05)


def test_free_water_is_that_of_dipy_and_that_which_was_put_in():
    signal = 1000 * (0.75 * fibres(3) + 0.25 * np.exp(-3 * BVALS / 1000))
    found = fit_tensor(signal, BVALS, BVECS, method="free_water")
    assert found.extra["free_water"] == pytest.approx(np.full(3, 0.25), abs=1e-3)
    assert found.fa == pytest.approx(np.full(3, 0.7990222), abs=1e-3)
    same(found, in_um2(FreeWaterTensorModel(TABLE).fit(signal)))
    assert found.residual == pytest.approx(np.zeros(3), abs=1e-3)


def test_a_voxel_of_water_has_no_tissue_to_measure():
    found = fit_tensor(1000 * np.exp(-3 * BVALS / 1000)[None], BVALS, BVECS, method="free_water")
    assert found.extra["free_water"].tolist() == [1]
    assert all(np.isnan(getattr(found, name)).all() for name in SCALARS)


@pytest.mark.parametrize("method", ["nlls", "dki"])
def test_bad_samples_are_left_out(method):
    signal = with_noise(1000 * fibres(4))
    spoilt = signal.copy()
    spoilt[:2, [9, 40]] = 0, np.nan
    spoilt[2] = -1
    kept = np.delete(np.arange(68), [9, 40])
    fit = fit_tensor(spoilt, BVALS, BVECS, method=method)
    without = fit_tensor(signal[:2, kept], BVALS[kept], BVECS[kept], method=method)
    whole = fit_tensor(signal[3:], BVALS, BVECS, method=method)
    used = 36 if method == "nlls" else 68
    assert fit.n_bad.tolist() == [1 if method == "nlls" else 2] * 2 + [used, 0]
    for name in SCALARS:
        parts = getattr(without, name), [np.nan], getattr(whole, name)
        assert np.allclose(getattr(fit, name), np.concatenate(parts), rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize(
    ("method", "volumes", "rule"),
    [
        ("dki", np.arange(36), "dki needs 2 shells beside b = 0, there are 1"),
        ("free_water", np.arange(36), "free_water needs 2 shells beside b = 0, there are 1"),
        ("dki", np.r_[0:15, 36:46], "dki needs 15 directions, there are 11"),
        ("dki", np.r_[0:14, 36:43], "dki needs 22 volumes, there are 21"),
        ("restore", np.r_[0, 4:10], "restore needs 8 volumes, there are 7"),
    ],
)
def test_a_scan_that_cannot_support_a_method_is_refused(method, volumes, rule):
    with pytest.raises(InputError, match=rule):
        fit_tensor(np.ones((1, len(volumes))), BVALS[volumes], BVECS[volumes], method=method)


def test_a_largest_b_that_leaves_one_shell_is_refused_by_name():
    with pytest.raises(InputError, match="or raise `max_b`"):
        fit_tensor(np.ones((1, 68)), BVALS, BVECS, method="dki", max_b=1500)
