"""The tensor of least squares: closed forms, an estimator written out, dipy, and real data."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.data import get_fnames
from dipy.reconst.dti import TensorModel
from scipy.spatial.transform import Rotation

from neurotrial.extract import fit_tensor
from neurotrial.extract.diffusion.gradients import Gradients, read_gradients
from neurotrial.extract.diffusion.linear_fit import _CHUNK, REWEIGHTINGS
from neurotrial.imaging_plan import TensorPlan
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import simulate_dwi
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.tissue import Pathology

ALL = TensorPlan(max_b=3000)
FLOOR = 1e-4
"""What dipy raises samples to."""
DIPY = 1e-9
"""In FA, and in um2/ms: both solve the same equations in double precision, dipy by singular values, the ill conditioned among
them with a condition number of 1e6."""
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


def phantom():
    """Return signal and gradients of every third voxel of the small simulated head after a stroke."""
    protocol = PRESETS["small"].dwi
    state = Pathology("left", 60.0, 0.8, 0.97)
    signal = simulate_dwi(Anatomy().on(protocol.grid), state, protocol, np.random.default_rng(7))
    b0 = protocol.bvals == 0
    return signal[::3], Gradients(protocol.bvals, protocol.bvecs, b0, np.ones_like(b0))


def by_dipy(signal, gradients, method="WLS"):
    table = gradient_table(gradients.bvals, bvecs=gradients.bvecs, b0_threshold=50)
    fit = TensorModel(table, fit_method=method).fit(signal.astype("float64"))
    return {"fa": fit.fa, "md": 1000 * fit.md, "ad": 1000 * fit.ad, "rd": 1000 * fit.rd}


def scalars(signal, gradients, method="wls", **options):
    """Return FA, MD, AD and RD of a signal whose gradients were read, all volumes."""
    fit = fit_tensor(signal, gradients.bvals, gradients.bvecs, None, method, max_b=5000, **options)
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
    # noise lets some voxels be ill conditioned
    assert np.allclose(found["fa"][whole][positive], fa[positive], rtol=0, atol=1e-10)
    assert np.allclose(found["md"][whole][positive], md[positive], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", QUANTILES)
def test_single_precision_is_enough(name):
    signal, gradients = crop(name)
    double, single = (
        scalars(signal.astype(kind), gradients, min_signal=FLOOR) for kind in ("float64", "float32")
    )
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


@pytest.mark.parametrize("method", ["wls", "ols"])
@pytest.mark.parametrize("name", [*QUANTILES, "small_101D", "phantom"])
def test_every_voxel_is_that_of_dipy(name, method):
    signal, gradients = phantom() if name == "phantom" else crop(name)
    found = scalars(signal, gradients, method, min_signal=FLOOR)
    for scalar, values in by_dipy(signal, gradients, method.upper()).items():
        assert np.allclose(found[scalar], values, rtol=0, atol=DIPY), scalar


def test_the_crops_have_eigenvalues_that_are_raised():
    signal, gradients = crop("small_64D")
    found = scalars(signal, gradients, min_signal=FLOOR)
    # one that was raised to next to nothing lets AD, twice RD and thrice MD still agree, and FA stays below 1
    assert np.allclose(found["ad"] + 2 * found["rd"], 3 * found["md"], rtol=0, atol=1e-12)
    assert 0.99 < found["fa"].max() < 1


def test_reweighting_goes_on_from_the_weighted_fit():
    signal, gradients = crop("small_64D")
    signal = np.maximum(signal, 1)[::7]
    design = np.column_stack([np.ones(65), -gradients.bvals[:, None] / 1000 * products(gradients.bvecs)])
    logs = np.log(signal)
    predicted = logs @ np.linalg.pinv(design).T @ design.T
    for _ in range(3):
        roots = np.exp(predicted - predicted.max(axis=1, keepdims=True))
        found = [
            np.linalg.lstsq(design * root[:, None], root * own, rcond=None)[0]
            for root, own in zip(roots, logs, strict=True)
        ]
        predicted = np.array(found) @ design.T
    md = np.array(found)[:, 1:4].mean(axis=1)
    own = scalars(signal, gradients, "iwls")
    positive = np.linalg.eigvalsh(matrices(np.array(found)[:, 1:]))[:, 0] > 0.01
    assert positive.mean() > 0.9
    assert np.allclose(own["md"][positive], md[positive], rtol=0, atol=1e-9)


def products(vectors):
    x, y, z = vectors.T
    return np.column_stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z])


def matrices(elements):
    return elements[:, [0, 3, 4, 3, 1, 5, 4, 5, 2]].reshape(-1, 3, 3)


@pytest.mark.parametrize("bad", [0.0, -5.0, np.nan, np.inf])
@pytest.mark.parametrize("method", REWEIGHTINGS)
def test_bad_samples_have_no_weight(method, bad):
    signal, gradients = crop("small_64D")
    signal = np.maximum(signal[:40], 1)
    spoilt = signal.copy()
    spoilt[:20, [5, 17]] = bad
    fit = fit_tensor(spoilt, gradients.bvals, gradients.bvecs, method=method)
    kept = np.delete(np.arange(65), [5, 17])
    without = fit_tensor(signal[:20, kept], gradients.bvals[kept], gradients.bvecs[kept], method=method)
    whole = fit_tensor(signal[20:], gradients.bvals, gradients.bvecs, method=method)
    assert fit.n_bad.tolist() == [2] * 20 + [0] * 20
    for name, values in fit.scalars.items():
        expected = np.concatenate([without.scalars[name], whole.scalars[name]])
        # the equations are the same, the order of their sums is not
        assert np.allclose(values, expected, rtol=0, atol=1e-10)
    assert np.allclose(fit.residual, np.concatenate([without.residual, whole.residual]), rtol=0, atol=1e-6)


def test_a_voxel_without_enough_good_samples_is_missing():
    signal = np.tile(signal_of(TENSORS["fibre"], Rotation.identity(), PROTOCOL.bvecs), (5, 1))
    signal[0, 7:] = 0  # 4 unweighted, 3 directions
    signal[1, : PROTOCOL.n_b0] = 0  # none unweighted
    signal[2] = 0
    signal[3, PROTOCOL.n_b0 + 6 :] = np.nan  # 6 directions are enough
    fit = fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs)
    for values in (*fit.scalars.values(), fit.residual):
        assert np.isnan(values).tolist() == [True, True, True, False, False]
    assert fit.fa[3:] == pytest.approx([0.7990222] * 2, abs=1e-7)
    assert fit.n_bad.tolist() == [29, 4, 36, 26, 0]


def test_good_directions_on_a_cone_determine_nothing():
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    cone = np.column_stack([np.cos(turn), np.sin(turn), np.full(12, 1.5)]) / np.sqrt(3.25)
    others = np.vstack([np.eye(3), [[0, np.sqrt(0.5), np.sqrt(0.5)]]])
    bvecs = np.vstack([np.zeros((2, 3)), cone, others])
    bvals = np.repeat([0.0, 1000.0], [2, 16])
    signal = np.tile(signal_of(TENSORS["fibre"], Rotation.identity(), bvecs, bvals), (2, 1))
    signal[0, 14:] = 0
    assert np.isnan(fit_tensor(signal, bvals, bvecs).fa).tolist() == [True, False]


def test_maps_have_the_shape_of_a_volume_whatever_the_order_of_memory():
    signal, gradients = crop("small_64D")
    volumes = signal.reshape(10, 10, 10, 65)
    mask = np.random.default_rng(3).random((10, 10, 10)) < 0.5
    everywhere = fit_tensor(signal, gradients.bvals, gradients.bvecs)
    for array in (
        volumes,
        np.asfortranarray(volumes.astype("float32")),
        volumes[::-1][::-1],
        volumes.astype(">i2"),
    ):
        fit = fit_tensor(array, gradients.bvals, gradients.bvecs.T, mask)
        assert np.isnan(fit.fa[~mask]).all()
        assert not fit.n_bad[~mask].any()
        assert np.allclose(fit.fa[mask], everywhere.fa.reshape(mask.shape)[mask], rtol=0, atol=1e-11)
        assert np.allclose(
            fit.residual[mask], everywhere.residual.reshape(mask.shape)[mask], rtol=0, atol=1e-6
        )
    one = fit_tensor(signal[3], gradients.bvals, gradients.bvecs)
    assert one.fa.shape == ()
    assert one.fa == pytest.approx(everywhere.fa[3], abs=1e-11)
    nothing = fit_tensor(volumes, gradients.bvals, gradients.bvecs, np.zeros_like(mask))
    assert np.isnan(nothing.fa).all()
    assert np.isnan(nothing.residual_by_volume).all()


def test_threads_and_chunks_change_nothing():
    signal, gradients = phantom()
    signal = np.concatenate([signal, signal[::-1]])
    assert len(signal) > 1.5 * _CHUNK
    fits = [fit_tensor(signal, gradients.bvals, gradients.bvecs, threads=count) for count in (1, 2, 5)]
    for fit in fits[1:]:
        assert np.array_equal(fit.fa, fits[0].fa)
        assert np.array_equal(fit.residual_by_volume, fits[0].residual_by_volume)
    halves = [fit_tensor(part, gradients.bvals, gradients.bvecs).fa for part in np.array_split(signal, 2)]
    assert np.allclose(np.concatenate(halves), fits[0].fa, rtol=0, atol=1e-11)


def test_the_signal_is_not_changed():
    signal, gradients = crop("small_64D")
    before = signal.copy()
    fit_tensor(signal, gradients.bvals, gradients.bvecs)
    assert np.array_equal(signal, before)


def test_residuals_are_the_noise():
    rng = np.random.default_rng(4)
    clean = signal_of(TENSORS["plane"], Rotation.identity(), PROTOCOL.bvecs)
    exact = fit_tensor(clean[None], PROTOCOL.bvals, PROTOCOL.bvecs)
    # the predicted signal is in single precision
    assert exact.residual.item() == pytest.approx(0, abs=1e-6)
    noisy = fit_tensor(clean + rng.normal(0, 10, (20000, 36)), PROTOCOL.bvals, PROTOCOL.bvecs)
    # of 36 samples 7 are fitted; noise is 1 % of the unweighted signal
    assert np.sqrt(np.mean(noisy.residual_by_volume**2) * 36 / 29) == pytest.approx(0.01, rel=0.01)
    assert np.isnan(noisy.residual_by_volume).sum() == 0
    assert noisy.residual.mean() > exact.residual.item()
