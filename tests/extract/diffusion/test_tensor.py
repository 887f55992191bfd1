"""The tensor of least squares: closed forms, an estimator written out, dipy, and real data."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from dipy.data import get_fnames
from scipy.spatial.transform import Rotation

from neurotrial.extract import fit_tensor
from neurotrial.extract.diffusion.gradients import read_gradients
from neurotrial.extract.diffusion.linear_fit import _CHUNK, REWEIGHTINGS
from neurotrial.imaging_plan import TensorPlan
from neurotrial.simulation.protocols import PRESETS

ALL = TensorPlan(max_b=3000)
FLOOR = 1e-4
"""What dipy raises samples to."""
DIPY = 3e-8
"""In FA, and in um2/ms: weights are in single precision, 6e-8 of each, which moves an estimate by so much of its noise."""
PROTOCOL = PRESETS["full"].dwi
EXACT = 1e-11
"""Solving six unknowns in double precision, with a condition number of some 100 and b-values that are multiplied back in."""
TENSORS = {
    "fibre": (1.7e-3, 0.3e-3, 0.3e-3),
    "plane": (1.2e-3, 1.2e-3, 0.4e-3),
    "three unequal": (1.5e-3, 0.8e-3, 0.2e-3),
    "ball": (0.7e-3, 0.7e-3, 0.7e-3),
}
QUANTILES = {
    "small_64D": (0.095, 0.217, 0.346, 0.519, 0.851),
    "small_25": (0.267, 0.339, 0.386, 0.515, 0.732),
}


def write_gradients(folder, bvals, bvecs):
    paths = folder / "dwi.bval", folder / "dwi.bvec"
    np.savetxt(paths[0], np.atleast_2d(bvals), fmt="%.17g")
    np.savetxt(paths[1], np.asarray(bvecs).T, fmt="%.17g")
    return paths


def read(folder, bvecs, bvals=PROTOCOL.bvals):
    return read_gradients(*write_gradients(folder, bvals, bvecs), len(bvals), ALL)


def scalars(signal, gradients, method="wls", **options):
    """Return FA, MD, AD and RD of a signal whose gradients were read, up to b = 3000."""
    fit = fit_tensor(signal, gradients.bvals, gradients.bvecs, None, method, max_b=3000, **options)
    return fit.scalars


def signal_of(values, rotation, bvecs, bvals=PROTOCOL.bvals):
    """Return the signal of a tensor with given eigenvalues (mm2/s) without noise."""
    axes = rotation.as_matrix()
    tensor = axes @ np.diag(values) @ axes.T
    return 1000 * np.exp(-bvals * np.einsum("ij,jk,ik->i", bvecs, tensor, bvecs))


def crop(name):
    """Return signal and gradients of real white matter that comes with dipy."""
    image, bval, bvec = get_fnames(name=name)
    data = np.asanyarray(nibabel.load(image).dataobj).astype("float64")
    return data.reshape(-1, data.shape[3]), read_gradients(bval, bvec, data.shape[3], ALL)


@pytest.mark.parametrize("fit", REWEIGHTINGS)
@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_without_noise_is_found_exactly(tmp_path, name, fit):
    values = np.array(TENSORS[name])
    signal = signal_of(values, Rotation.from_euler("xyz", [0.3, 1.1, -0.7]), PROTOCOL.bvecs)
    found = scalars(signal[None], read(tmp_path, PROTOCOL.bvecs), fit)
    spread = ((values - values.mean()) ** 2).sum()
    expected = {
        "fa": np.sqrt(1.5 * spread / (values**2).sum()),
        "md": 1000 * values.mean(),
        "ad": 1000 * values[0],
        "rd": 1000 * values[1:].mean(),
    }
    assert {scalar: own.item() for scalar, own in found.items()} == pytest.approx(expected, rel=0, abs=EXACT)


def test_a_fibre_by_hand(tmp_path):
    signal = signal_of(TENSORS["fibre"], Rotation.identity(), PROTOCOL.bvecs)
    found = scalars(signal[None], read(tmp_path, PROTOCOL.bvecs))
    # 1.4 over the root of 1.7 squared and twice 0.3 squared; a third of 2.3
    assert found["fa"].item() == pytest.approx(0.7990222, abs=1e-7)
    assert found["md"].item() == pytest.approx(0.7666667, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_turning_all_directions_changes_no_scalar(tmp_path, seed):
    rng = np.random.default_rng(seed)
    axes = [Rotation.random(rng=rng) for _ in range(20)]
    signal = np.array([signal_of(TENSORS["three unequal"], axis, PROTOCOL.bvecs) for axis in axes])
    signal *= np.exp(rng.normal(0, 0.05, signal.shape))
    turned = Rotation.random(rng=rng).apply(PROTOCOL.bvecs)
    before = scalars(signal, read(tmp_path, PROTOCOL.bvecs))
    after = scalars(signal, read(tmp_path, turned))
    for name, values in before.items():
        assert np.allclose(after[name], values, rtol=0, atol=EXACT)


@pytest.mark.parametrize("direction", [np.nan, 0.0, 0.57])
def test_the_direction_of_an_unweighted_volume_does_not_matter(tmp_path, direction):
    bvecs = PROTOCOL.bvecs.copy()
    bvecs[: PROTOCOL.n_b0] = direction
    signal = signal_of(TENSORS["fibre"], Rotation.identity(), PROTOCOL.bvecs)[None]
    gradients = read(tmp_path, bvecs)
    assert (gradients.bvecs[gradients.b0] == 0).all()
    assert scalars(signal, gradients)["fa"].item() == pytest.approx(0.7990222, abs=1e-7)


@pytest.mark.parametrize("length", [0.96, 0.9995, 1.03])
def test_directions_of_about_unit_length_are_directions(tmp_path, length):
    signal = signal_of(TENSORS["fibre"], Rotation.identity(), PROTOCOL.bvecs)[None]
    gradients = read(tmp_path, length * PROTOCOL.bvecs)
    assert np.allclose(np.linalg.norm(gradients.bvecs[~gradients.b0], axis=1), 1, rtol=0, atol=1e-15)
    assert scalars(signal, gradients)["md"].item() == pytest.approx(2.3 / 3, rel=0, abs=EXACT)


def test_three_rows_or_three_columns_are_the_same_directions(tmp_path):
    rows = read(tmp_path, PROTOCOL.bvecs)
    np.savetxt(tmp_path / "dwi.bvec", PROTOCOL.bvecs, fmt="%.17g")
    columns = read_gradients(tmp_path / "dwi.bval", tmp_path / "dwi.bvec", len(PROTOCOL.bvals), ALL)
    assert np.array_equal(rows.bvecs, columns.bvecs)


def test_volumes_above_the_largest_b_do_not_enter(tmp_path):
    bvals = np.r_[PROTOCOL.bvals, [2500.0] * 6]
    bvecs = np.r_[PROTOCOL.bvecs, PROTOCOL.bvecs[-6:]]
    plan = TensorPlan(max_b=1500)
    gradients = read_gradients(*write_gradients(tmp_path, bvals, bvecs), len(bvals), plan)
    assert gradients.used.tolist() == [True] * len(PROTOCOL.bvals) + [False] * 6
    signal = signal_of(TENSORS["fibre"], Rotation.identity(), bvecs, bvals)[None]
    signal[:, -6:] = 1e6
    assert fit_tensor(signal, bvals, bvecs).md.item() == pytest.approx(2.3 / 3, rel=0, abs=EXACT)


def test_samples_without_a_logarithm_enter_as_dipy_has_them_if_wanted(tmp_path):
    signal = signal_of(TENSORS["fibre"], Rotation.identity(), PROTOCOL.bvecs)
    rows = np.array([signal] * 6)
    rows[1:, 7] = 0, -5, np.nan, np.inf, 1e-4
    found = scalars(rows, read(tmp_path, PROTOCOL.bvecs), min_signal=FLOOR)["fa"]
    assert np.allclose(found[1:], found[-1], rtol=0, atol=EXACT)
    assert found[0] != found[1]


def written_out(signal, gradients, *, weighted):
    """Return FA and MD (um2/ms) by least squares on the log signal, weighted by the squared signal that ordinary least squares predicts."""
    (x, y, z), b = gradients.bvecs.T, gradients.bvals
    design = np.column_stack(
        [np.ones_like(b), *(-b * part for part in (x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z))]
    )
    logs = np.log(signal.astype("float64"))
    found = np.linalg.lstsq(design, logs.T, rcond=None)[0].T
    if weighted:
        roots = np.exp(found @ design.T)
        found = np.array(
            [
                np.linalg.lstsq(design * root[:, None], root * own, rcond=None)[0]
                for root, own in zip(roots, logs, strict=True)
            ]
        )
    xx, yy, zz, xy, xz, yz = found[:, 1:].T
    values = np.linalg.eigvalsh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1))
    mean = values.mean(axis=1)
    fa = np.sqrt(1.5 * ((values - mean[:, None]) ** 2).sum(axis=1) / (values**2).sum(axis=1))
    return fa, 1000 * mean, values[:, 0] > 0


@pytest.mark.parametrize("fit", ["wls", "ols"])
@pytest.mark.parametrize("name", QUANTILES)
def test_real_data_agree_with_the_estimator_written_out(name, fit):
    signal, gradients = crop(name)
    whole = (signal > 0).all(axis=1)
    found = scalars(signal, gradients, fit)
    fa, md, positive = written_out(signal[whole], gradients, weighted=fit == "wls")
    # eigenvalues below 0, in some 3 of 100 voxels, are raised by dipy
    assert positive.mean() > 0.96
    # noise lets some voxels be ill conditioned; weights are in single precision
    tolerance = DIPY if fit == "wls" else 1e-10
    assert np.allclose(found["fa"][whole][positive], fa[positive], rtol=0, atol=tolerance)
    assert np.allclose(found["md"][whole][positive], md[positive], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", QUANTILES)
def test_single_precision_is_enough(name):
    signal, gradients = crop(name)
    double, single = (scalars(signal.astype(kind), gradients, min_signal=FLOOR) for kind in ("float64", "float32"))
    for scalar, values in double.items():
        # seven digits of a logarithm of some hundreds, and six unknowns
        assert np.allclose(single[scalar], values, rtol=0, atol=5e-6)


@pytest.mark.parametrize("name", QUANTILES)
def test_real_data_have_the_fa_that_they_had(name):
    signal, gradients = crop(name)
    # the numbers have three decimals
    fa = scalars(signal, gradients, min_signal=FLOOR)["fa"]
    assert ((fa >= 0) & (fa <= 1)).all()
    assert np.quantile(fa, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx(QUANTILES[name], rel=0, abs=6e-4)
