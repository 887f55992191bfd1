"""One pass over a series: equal to NumPy on the whole array, whatever the file looks like; broken files are told."""

from __future__ import annotations

import builtins
import gzip

import nibabel
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform

from neurotrial.extract.bold.one_pass import read_pass
from neurotrial.extract.bold.volumes import open_volumes
from neurotrial.extract.scan_result import ScanFault

SHAPE, N = (7, 8, 6), 25
AFFINE = np.array([[3.0, 0, 0, -9], [0, 3, 0, -12], [0, 0, 3.5, -6], [0, 0, 0, 1]])
SINGLE = {"rtol": 2e-6, "atol": 0}
"""Running sums of differences in single precision."""


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(3)
    return (1000 + 50 * rng.standard_normal((*SHAPE, 1)) + 9 * rng.standard_normal((*SHAPE, N))).astype("f4")


@pytest.fixture(scope="module")
def brain():
    mask = np.zeros(SHAPE, bool)
    mask[1:-1, 2:-1, 1:-1] = True
    return mask


def groups(count=4, size=9):
    rng = np.random.default_rng(1)
    return [rng.choice(np.prod(SHAPE), size, replace=False) for _ in range(count)]


def saved(data, path, affine=AFFINE, t_r=2.0):
    image = nibabel.Nifti1Image(data, affine)
    if data.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
    nibabel.save(image, path)
    return path


def check(found, data, brain, voxels, scale=SINGLE):
    flat = data.reshape(-1, data.shape[3]).astype("f8")
    for column, own in zip(found.nodes["a"].T, voxels, strict=True):
        assert np.allclose(column, flat[own].mean(axis=0), **scale)
    inside = data[brain].astype("f8")
    assert np.allclose(found.global_signal, inside.mean(axis=0), **scale)
    step = np.diff(inside, axis=1)
    assert np.isnan(found.dvars[0])
    assert np.allclose(found.dvars[1:], np.sqrt((step**2).mean(axis=0)), rtol=1e-5)
    assert np.allclose(found.mean[brain], inside.mean(axis=1), **scale)
    assert np.allclose(found.sd[brain], inside.std(axis=1, ddof=1), rtol=1e-4)
    assert np.allclose(found.tsnr[brain], inside.mean(axis=1) / inside.std(axis=1, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("name", ["bold.nii", "bold.nii.gz"])
@pytest.mark.parametrize("kind", ["f4", "f8", "<i2", ">i2", ">f4", "u1"])
def test_every_kind_of_number_and_file(series, brain, tmp_path, name, kind):
    data = (series / 8 if kind == "u1" else series).astype(kind)
    voxels = groups()
    stream = open_volumes(saved(data, tmp_path / name))
    assert (stream.n_volumes, stream.t_r) == (N, 2.0)
    keep = {"few": brain & (np.arange(SHAPE[0])[:, None, None] == 3)}
    found = read_pass(stream, {"a": voxels}, brain=brain, keep=keep, average={"all": np.ones(SHAPE, bool)})
    check(found, data.astype("f4"), brain, voxels)
    assert np.allclose(np.sort(found.kept["few"], axis=1), np.sort(data[keep["few"]].T.astype("f4"), axis=1))
    assert np.allclose(found.means["all"], data.reshape(-1, N).astype("f8").mean(axis=0), **SINGLE)
    assert not found.broken.any()


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "PIR", "SAL"])
def test_orientation_changes_nothing(series, brain, tmp_path, codes):
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    turned = apply_orientation(series, turn)
    path = saved(turned, tmp_path / "bold.nii.gz", AFFINE @ inv_ornt_aff(turn, SHAPE))
    stream = open_volumes(path)
    assert stream.shape == SHAPE
    assert np.allclose(stream.affine, AFFINE)
    check(read_pass(stream, {"a": groups()}, brain=brain), series, brain, groups())


def test_scaled_numbers_are_scaled(series, brain, tmp_path):
    image = nibabel.Nifti1Image(np.rint(series).astype("i2"), AFFINE)
    image.header.set_slope_inter(-0.25, 700)
    nibabel.save(image, tmp_path / "bold.nii.gz")
    found = read_pass(open_volumes(tmp_path / "bold.nii.gz"), {"a": groups()}, brain=brain)
    check(found, np.rint(series) * np.float32(-0.25) + np.float32(700), brain, groups())


def test_an_image_in_memory_is_a_series_too(series, brain):
    found = read_pass(open_volumes(nibabel.Nifti1Image(series, AFFINE)), {"a": groups()}, brain=brain)
    check(found, series, brain, groups())


def test_without_isal_the_numbers_are_the_same(series, brain, tmp_path, monkeypatch):
    path = saved(series, tmp_path / "bold.nii.gz")
    found = read_pass(open_volumes(path), {"a": groups()}, brain=brain)
    real = builtins.__import__

    def _no_isal(name, *rest):
        if name == "isal":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", _no_isal)
    again = read_pass(open_volumes(path), {"a": groups()}, brain=brain)
    assert np.array_equal(found.nodes["a"], again.nodes["a"])
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ScanFault, match=r"bold\.nii\.gz: is cut off or damaged|ends before its last volume"):
        read_pass(open_volumes(path), {"a": groups()})


def test_a_volume_without_numbers_is_broken_and_the_others_stay(series, brain):
    data = series.copy()
    data[..., 4] = np.nan
    data[2, 3, 2, 9] = np.inf
    found = read_pass(open_volumes(nibabel.Nifti1Image(data, AFFINE)), {"a": groups()}, brain=brain)
    assert np.flatnonzero(found.broken).tolist() == [4, 9]
    whole = np.delete(np.arange(N), [4, 9])
    assert np.isnan(found.nodes["a"][[4, 9]]).all()
    check_nodes = np.delete(series, [4, 9], axis=3).reshape(-1, len(whole)).astype("f8")
    assert np.allclose(found.nodes["a"][whole, 0], check_nodes[groups()[0]].mean(axis=0), **SINGLE)
    assert np.flatnonzero(np.isnan(found.dvars)).tolist() == [0, 4, 5, 9, 10]
    inside = np.delete(series, [4, 9], axis=3)[brain].astype("f8")
    assert np.allclose(found.sd[brain], inside.std(axis=1, ddof=1), rtol=1e-4)


def test_voxels_that_never_hold_numbers_are_no_voxels(series, brain):
    data = series.copy()
    data[0] = np.nan
    lost, half = np.arange(3), np.array([1, np.ravel_multi_index((3, 3, 3), SHAPE)])
    found = read_pass(open_volumes(nibabel.Nifti1Image(data, AFFINE)), {"a": [lost, half]}, brain=brain)
    assert not found.broken.any()
    assert not found.finite[0].any()
    assert np.isnan(found.nodes["a"][:, 0]).all()
    assert np.allclose(found.nodes["a"][:, 1], series[3, 3, 3], **SINGLE)


def test_a_voxel_that_never_varies_has_no_tsnr(series, brain):
    data = series.copy()
    data[3, 3, 3] = 7
    found = read_pass(open_volumes(nibabel.Nifti1Image(data, AFFINE)), {}, brain=brain)
    assert np.isnan(found.tsnr[3, 3, 3])
    assert found.nodes == {}


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\)"),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), r"cut off or damaged|ends before its last volume"),
        (lambda path: path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-300])), "ends before its last volume"),
        (lambda path: path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8), "is cut off or damaged"),
        (lambda path: saved(np.zeros((3, 3, 3), "f4"), path), r"must have 4 dimensions, it is 3 x 3 x 3"),
        (lambda path: saved(np.zeros((3, 3, 3, 1, 4), "f4"), path), "must have 4 dimensions"),
        (lambda path: saved(np.zeros((3, 3, 3, 4), "c8"), path), "holds numbers of the type complex64"),
        (lambda path: saved(np.full((3, 3, 3, 4), np.nan, "f4"), path), "no volume holds numbers"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told(series, tmp_path, spoil, rule):
    path = tmp_path / "bold.nii.gz"
    nibabel.save(nibabel.Nifti1Image(series, AFFINE), path)
    spoil(path)
    with pytest.raises(ScanFault, match=rule):
        read_pass(open_volumes(path), {"a": [np.array([0])]})


def test_a_plain_file_that_is_cut_off_is_told(series, tmp_path):
    path = saved(series, tmp_path / "bold.nii")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ScanFault, match=r"bold\.nii: is cut off: \d+ bytes of \d+"):
        read_pass(open_volumes(path), {"a": [np.array([0])]})


@pytest.mark.parametrize("name", ["functional.nii", "example4d.nii.gz"])
def test_real_files_of_nibabel(name):
    from nibabel.testing import data_path

    path = f"{data_path}/{name}"
    image = nibabel.as_closest_canonical(nibabel.load(path))
    data = np.asanyarray(image.dataobj).astype("f8")
    stream = open_volumes(path)
    rng = np.random.default_rng(0)
    own = [rng.choice(data[..., 0].size, 50, replace=False) for _ in range(3)]
    found = read_pass(stream, {"a": own}, brain=np.ones(stream.shape, bool))
    flat = data.reshape(-1, data.shape[3])
    expected = np.stack([flat[places].mean(axis=0) for places in own], axis=1)
    assert np.allclose(found.nodes["a"], expected, **SINGLE)
    assert np.allclose(found.global_signal, flat.mean(axis=0), **SINGLE)
