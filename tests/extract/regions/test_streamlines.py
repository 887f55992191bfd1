"""Streamlines of other programs: what their files must say, on which side they lie, and what is measured along them."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.streamlines import Tractogram

from neurotrial.errors import InputError
from neurotrial.extract.regions.bundles import core_weights, one_sided, resampled
from neurotrial.extract.regions.streamline_features import expected_streamline_rows, streamline_features
from neurotrial.extract.regions.streamline_files import read_streamlines
from neurotrial.extract.regions.streamline_profiles import streamline_profile
from neurotrial.extract.scan_result import ScanFault
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
AFFINE[:3, 3] = [-40, -30, -60]
SHAPE = (41, 31, 61)


def tube(n=12, x=20.0, seed=0, wide=3.0):
    """Streamlines that go up along x = 20 mm, with a spread about it, each with its own number of points."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(n):
        z = np.linspace(-40, 40, rng.integers(30, 60))
        bend = rng.normal(0, wide, 3)[:, None] + np.outer(rng.normal(0, 1, 3), np.sin(z / 20))
        line = np.column_stack([x + bend[0], bend[1] - 5, z])
        lines.append(line[:: rng.choice([-1, 1])])
    return lines


def mirrored(lines):
    return [line * [-1, 1, 1] for line in lines]


def world():
    """The coordinates of the centres of all voxels in mm, three volumes."""
    return np.moveaxis(nib.affines.apply_affine(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1)), -1, 0)


def saved(lines, path):
    tractogram = Tractogram(lines, affine_to_rasmm=np.eye(4))
    header = {"voxel_to_rasmm": AFFINE, "dimensions": SHAPE, "voxel_sizes": (2, 2, 2), "voxel_order": "RAS"}
    nib.streamlines.save(tractogram, path, header=header if path.suffix == ".trk" else None)
    return path


@pytest.fixture(scope="module")
def real_bundle(tmp_path_factory):
    """A file of 50 streamlines of a right corticospinal tract, whose header has no space."""
    import dipy.data

    archive = Path(dipy.data.__file__).parent / "files" / "minimal_bundles.zip"
    folder = tmp_path_factory.mktemp("bundles")
    with zipfile.ZipFile(archive) as bundles:
        return Path(bundles.extract("sub_1/CST_R.trk", folder))


@pytest.mark.parametrize("suffix", [".trk", ".tck"])
def test_points_come_back_in_mm(tmp_path, suffix):
    lines = tube()
    found = read_streamlines(saved(lines, tmp_path / f"cst{suffix}"))
    assert len(found) == len(lines)
    for line, other in zip(lines, found, strict=True):
        # files hold single precision
        assert np.allclose(line, other, rtol=0, atol=1e-4)


def trx_file(lines, path, compression=zipfile.ZIP_STORED, dimensions=SHAPE):
    """Write the parts of a TRX file: header, points, and where each streamline begins."""
    starts = np.r_[0, np.cumsum([len(line) for line in lines])].astype("<u8")
    header = {"DIMENSIONS": list(dimensions), "VOXEL_TO_RASMM": AFFINE.tolist()}
    header |= {"NB_VERTICES": int(starts[-1]), "NB_STREAMLINES": len(lines)}
    with zipfile.ZipFile(path, "w", compression) as parts:
        parts.writestr("header.json", json.dumps(header))
        parts.writestr("positions.3.float32", np.concatenate(lines).astype("<f4").tobytes())
        parts.writestr("offsets.uint64", starts.tobytes())
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_trx_files_are_read_where_their_library_is_installed(tmp_path, compression):
    pytest.importorskip("trx.trx_file_memmap", reason="trx-python is not installed")
    lines = tube()
    found = read_streamlines(trx_file(lines, tmp_path / "cst.trx", compression))
    assert len(found) == len(lines)
    for line, other in zip(lines, found, strict=True):
        assert np.allclose(line, other, rtol=0, atol=1e-4)
    with pytest.raises(ScanFault, match="its header has an image of 1 x 1 x 1"):
        read_streamlines(trx_file(lines, tmp_path / "cst.trx", compression, (1, 1, 1)))


def test_trx_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trx", None)
    path = tmp_path / "cst.trx"
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"pip install 'neurotrial\[streamlines\]'"):
        read_streamlines(path)


def test_a_header_without_space_is_refused(real_bundle):
    with pytest.raises(
        ScanFault, match=r"in which space its points are: its header has an image of 1 x 1 x 1"
    ):
        read_streamlines(real_bundle)


def test_a_header_without_affine_is_refused(tmp_path):
    path = saved(tube(), tmp_path / "cst.trk")
    stored = bytearray(path.read_bytes())
    stored[440:504] = bytes(64)  # vox_to_ras
    path.write_bytes(stored)
    with pytest.raises(ScanFault, match="in which space its points are"):
        read_streamlines(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", r"is empty \(0 bytes\)"), (b"no streamlines at all", "holds no readable streamlines")],
)
@pytest.mark.parametrize("suffix", [".trk", ".tck", ".trx"])
def test_broken_files_are_faults(tmp_path, content, message, suffix):
    if suffix == ".trx":
        pytest.importorskip("trx.trx_file_memmap", reason="trx-python is not installed")
    path = tmp_path / f"cst{suffix}"
    path.write_bytes(content)
    with pytest.raises(ScanFault, match=message):
        read_streamlines(path)


def test_a_file_cut_off_is_a_fault(tmp_path):
    path = saved(tube(), tmp_path / "cst.trk")
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ScanFault, match="holds no readable streamlines"):
        read_streamlines(path)


def test_other_formats_and_points_that_are_no_numbers_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.trk, \.tck, \.trx"):
        read_streamlines(tmp_path / "cst.vtk")
    lines = tube()
    lines[3][2, 1] = np.nan
    with pytest.raises(ScanFault, match="points that are no numbers"):
        read_streamlines(saved(lines, tmp_path / "cst.trk"))


def test_a_file_without_streamlines_is_an_empty_bundle(tmp_path):
    assert read_streamlines(saved([], tmp_path / "cst.trk")) == []


def test_streamlines_of_the_other_hemisphere_are_left_out_and_told():
    lines = tube(10) + mirrored(tube(3))
    bundle = one_sided(lines, "right", "cst right")
    assert (len(bundle.streamlines), bundle.n_other) == (10, 3)
    rows = streamline_features({"right": lines}, {"fa": world()[2]}, AFFINE, lesion_side="right")
    row = rows.query("hemisphere == 'right'").iloc[0]
    assert (row["n"], row["status"]) == (10, "flagged")
    assert row["reason"] == "3 streamlines of the other hemisphere are left out"
    with pytest.raises(ScanFault, match="10 of 13 streamlines lie in the other"):
        one_sided(lines, "left", "cst left")


def test_points_are_at_equal_distances_from_the_top():
    points = resampled(
        [np.array([[5, 0, 0], [5, 0, 1], [5, 0, 10]]), np.array([[7.0, 0, 9], [7, 0, -1]])], 11
    )
    assert np.allclose(points[0], np.column_stack([np.full(11, 5), np.zeros(11), np.arange(10, -1, -1)]))
    assert np.allclose(points[1, :, 2], np.arange(9, -2, -1))


def test_profiles_of_linear_maps_are_their_values_at_the_core():
    lines = tube()
    x, y, z = world()
    rows = streamline_profile({"right": lines}, {"fa": z, "md": x + 2 * y}, AFFINE, lesion_side="right")
    points = resampled(lines, 100)
    weights = core_weights(points)
    core = (weights[..., None] * points).sum(axis=0)
    found = rows.query("hemisphere == 'right'").set_index(["feature", "node"])["value"]
    # interpolation of a linear map is exact
    assert np.allclose(found["fa"], core[:, 2], rtol=0, atol=1e-9)
    assert np.allclose(found["md"], core[:, 0] + 2 * core[:, 1], rtol=0, atol=1e-9)
    assert found["fa"].is_monotonic_decreasing
    assert rows.query("hemisphere == 'left'")["value"].isna().all()


def test_profiles_are_near_those_of_dipy_on_a_real_bundle(real_bundle):
    """dipy makes its distances from half of the covariance matrix: weights differ a little, values hardly."""
    from dipy.stats.analysis import afq_profile, gaussian_weights
    from dipy.tracking.streamline import Streamlines, orient_by_streamline

    stored = list(nib.streamlines.load(real_bundle).streamlines)
    top_down = [line if line[0, 2] > line[-1, 2] else line[::-1] for line in stored]
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-10, -70, -90]
    fa = np.random.default_rng(0).random((30, 55, 75))
    bundle = orient_by_streamline(Streamlines(top_down), top_down[0])
    dipys = afq_profile(fa, bundle, affine, weights=gaussian_weights(bundle, n_points=100))
    ours = streamline_profile({"right": stored}, {"fa": fa}, affine, lesion_side=None)
    found = ours.query("hemisphere == 'right'")["value"].to_numpy()
    assert abs(found - dipys).max() < 0.05
    assert found.mean() == pytest.approx(dipys.mean(), abs=0.002)
    assert np.corrcoef(found, dipys)[0, 1] > 0.97
    # the same points and values: with equal weights both agree to rounding
    equal = afq_profile(fa, bundle, affine, weights=np.full((50, 100), 1 / 50))
    plain = np.array([afq_profile(fa, bundle, affine)])[0]
    assert np.allclose(equal, plain, rtol=0, atol=1e-12)


def test_weights_are_those_of_dipy_where_the_axes_are_independent():
    from dipy.stats.analysis import gaussian_weights
    from dipy.tracking.streamline import Streamlines

    z = np.linspace(40, -40, 30)
    offsets = np.array([[a, b, c] for a in (-1, 2, -1) for b in (-3, 1, 2) for c in (-0.5, 0.5)])
    lines = [
        np.column_stack([20 + x, y + 0 * z, z + dz])
        for x, y, dz in ((a + 0 * z, b, c) for a, b, c in offsets)
    ]
    points = resampled(lines, 30)
    assert np.allclose(core_weights(points), gaussian_weights(Streamlines(lines), n_points=30), rtol=1e-6)
    assert np.allclose(core_weights(points).sum(axis=0), 1, rtol=0, atol=1e-12)


def test_flat_and_equal_bundles_have_finite_weights():
    line = np.column_stack([np.full(5, 20.0), np.zeros(5), np.arange(5.0)])
    for step in ([0, 0, 0], [1, 0, 0], [1, 1, 0]):
        weights = core_weights(resampled([line + k * np.array(step) for k in range(6)], 10))
        assert np.isfinite(weights).all()
        assert np.allclose(weights.sum(axis=0), 1, rtol=0, atol=1e-12)


def features(right, left, side="right", **options):
    maps = {"fa": np.where(world()[0] > 0, 0.4, 0.5), "md": np.full(SHAPE, 0.8)}
    return streamline_features({"right": right, "left": left}, maps, AFFINE, lesion_side=side, **options)


def test_features_are_means_of_the_profile_and_their_ratio():
    rows = features(tube(), mirrored(tube()))
    expected = pd.DataFrame(expected_streamline_rows({"fa": "FA", "md": "um2/ms"}))
    for name in ("feature", "region", "hemisphere", "statistic", "method", "lesion_policy", "unit"):
        assert rows[name].equals(expected[name])
    fa = rows.query("feature == 'fa'").set_index(["side", "statistic"])
    ipsi, contra = (fa["value"][side, "mean"] for side in ("ipsilesional", "contralesional"))
    assert (ipsi, contra) == pytest.approx((0.4, 0.5), abs=1e-9)
    assert fa["value"]["inter", "ratio"] == pytest.approx(0.8, abs=1e-9)
    assert fa["value"]["inter", "log_ratio"] == pytest.approx(np.log(0.8), abs=1e-9)
    assert fa["value"]["inter", "asymmetry"] == pytest.approx(1 / 9, abs=1e-9)
    assert set(rows["n"]) == {12}
    assert set(rows["status"]) == {"ok"}
    full = rows.assign(participant_id="sub-1", visit="base", run=1, modality="dwi")
    assert check_table(full, TABLES["features"], "features")[1] == []


def test_the_mirror_twin_has_the_same_features():
    right, left = tube(seed=1), mirrored(tube(9, seed=2))
    fa = np.random.default_rng(0).random(SHAPE)
    before, after = (
        streamline_features(lines, {"fa": data}, AFFINE, lesion_side=side)
        for lines, data, side in (
            ({"right": right, "left": left}, fa, "right"),
            ({"left": mirrored(right), "right": mirrored(left)}, fa[::-1], "left"),
        )
    )
    key = ["side", "statistic"]
    frames = [
        frame.sort_values(key)[[*key, "value", "n", "status"]].reset_index(drop=True)
        for frame in (before, after)
    ]
    assert frames[0].drop(columns="value").equals(frames[1].drop(columns="value"))
    assert np.allclose(frames[0]["value"], frames[1]["value"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_too_few_streamlines_have_no_value(n):
    rows = features(tube(n), mirrored(tube()))
    lost = rows.query("side != 'contralesional'")
    assert set(lost["n"]) == {n}
    if n < 5:
        assert lost["value"].isna().all()
        assert set(lost["status"]) == {"low_coverage"}
        reason = f"{n} streamlines, fewer than 5"
        assert set(lost["reason"]) == {reason, f"ipsilesional: {reason}"}
    else:
        assert lost["value"].notna().all()
    assert rows.query("side == 'contralesional'")["value"].notna().all()


def test_a_tract_that_was_not_made_is_missing_input():
    rows = streamline_features({"right": tube()}, {"fa": world()[2]}, AFFINE, lesion_side="left")
    lost = rows.query("side == 'ipsilesional'")
    assert set(lost["status"]) == {"missing_input"}
    assert set(lost["reason"]) == {"no streamlines were made"}


def test_points_outside_the_map_lower_the_coverage():
    x, _, z = world()
    fa = np.where(z > 0, 0.5, np.nan)
    rows = streamline_features({"right": tube()}, {"fa": fa}, AFFINE, lesion_side=None)
    row = rows.query("hemisphere == 'right'").iloc[0]
    assert row["value"] == pytest.approx(0.5, abs=1e-12)
    # half of the length, and half a voxel of interpolation
    assert row["coverage"] == pytest.approx(0.5, abs=0.02)
    nowhere = (
        streamline_features({"right": tube()}, {"fa": np.full(SHAPE, np.nan)}, AFFINE, lesion_side=None)
        .query("hemisphere == 'right'")
        .iloc[0]
    )
    assert (nowhere["status"], nowhere["coverage"]) == ("low_coverage", 0)
    assert nowhere["reason"] == "no point of the streamlines has a value"
    far = [line + np.array([500, 0, 0]) for line in tube()]
    assert streamline_features({"right": far}, {"fa": x}, AFFINE, lesion_side=None)["value"].isna().all()


def test_the_lesioned_share_of_a_tract():
    lesion = np.abs(world()[2]) < 9
    rows = features(tube(), mirrored(tube()), lesion=lesion, note="motion")
    fraction = rows.query("hemisphere == 'right' and feature == 'fa'")["lesion_fraction"].iloc[0]
    # from the middle of a voxel inside to that of one outside: 18 of 80 mm
    assert fraction == pytest.approx(18 / 80, abs=0.02)
    assert set(rows["reason"]) == {"motion"}
