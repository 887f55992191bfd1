from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import nibabel as nib
import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from neurotrial.extract.registration.itk import read_transform
from neurotrial.extract.registration.transform import Field
from neurotrial.extract.scan_result import ScanFault


def oblique(voxel: tuple[float, ...], degrees: tuple[float, ...], origin: tuple[float, ...]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * np.array(voxel)
    affine[:3, 3] = origin
    return affine


def waves(shape: tuple[int, ...], *phases: float) -> np.ndarray:
    i, j, k = np.indices(shape)
    parts = [np.sin(0.31 * i + p) * np.cos(0.23 * j - p) + np.sin(0.19 * k + 2 * p) for p in phases]
    return np.stack(parts, axis=-1).astype(np.float32)


# two oblique grids, one of them left-handed; left-posterior-superior vectors, as ITK stores them
MOVING = nib.Nifti1Image(waves((22, 20, 18), 0.3)[..., 0], oblique((2, 2.5, 3), (5, -7, 11), (-20, -25, -30)))
FIXED = nib.Nifti1Image(
    np.zeros((18, 21, 20), np.float32), oblique((-2.2, 2, 2.4), (0, 8, -4), (22, -24, -28))
)
VECTORS = 2 * waves(FIXED.shape, 0, 1, 2)
LINEAR = np.array([[1.04, 0.03, -0.05], [-0.02, 0.97, 0.06], [0.05, -0.04, 1.02]])
AFFINE = [*LINEAR.ravel().tolist(), 1.5, -2.0, 0.7]
CENTRE = [3.0, -4.0, 5.0]
EULER = [0.1, -0.2, 0.3, 1.0, 2.0, 3.0]

# `antsApplyTransforms` of antspyx 0.6.3 (ITK 5.4.5) with the same grids and numbers: four voxels and the sum of all
VOXELS = ((9, 10, 10), (5, 12, 8), (12, 6, 14), (7, 7, 7))
ANTS = {
    "affine": (0.9495713, 0.9287789, -0.0720417, 0.631065, 3650.4650),
    "euler": (0.6984193, 1.0035717, -0.4152123, 0.467662, 3170.9547),
    "field": (0.9434111, 0.9830495, 0.0705847, 0.4310422, 3075.3366),
    "composite": (1.1718962, 0.8965701, 0.2699301, 0.5671297, 3323.6925),
}


def write_text(path: Path, kind: str, numbers: list[float], centre: list[float]) -> Path:
    lines = ["#Insight Transform File V1.0", "#Transform 0", f"Transform: {kind}"]
    lines += [
        "Parameters: " + " ".join(map(repr, numbers)),
        "FixedParameters: " + " ".join(map(repr, centre)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_matrix(path: Path, kind: str, numbers: list[float], centre: list[float]) -> Path:
    savemat(path, {kind: np.array(numbers)[:, None], "fixed": np.array(centre)[:, None]}, format="4")
    return path


def write_field(path: Path, vectors: np.ndarray = VECTORS, intent: int = 1007) -> Path:
    image: Any = nib.Nifti1Image(vectors[:, :, :, None, :], FIXED.affine)
    image.header["intent_code"] = intent
    nib.save(image, path)
    return path


def field_numbers() -> tuple[np.ndarray, np.ndarray]:
    lps = np.diag([-1.0, -1, 1, 1]) @ FIXED.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    fixed = np.concatenate([FIXED.shape, lps[:3, 3], spacing, (lps[:3, :3] / spacing).ravel()])
    return VECTORS.transpose(2, 1, 0, 3).ravel(), fixed


def write_composite(path: Path, word: str = "Transform", numbers: int | None = None) -> Path:
    free, fixed = field_numbers()
    parts = [("CompositeTransform_double_3_3", None, None), ("AffineTransform_double_3_3", AFFINE, CENTRE)]
    parts += [("DisplacementFieldTransform_float_3_3", free[:numbers], fixed)]
    with h5py.File(path, "w") as file:
        for place, (kind, moved, still) in enumerate(parts):
            group = file.create_group(f"TransformGroup/{place}")
            group["TransformType"] = np.array([kind.encode()], dtype=object)
            if moved is not None:
                group[f"{word}Parameters"], group[f"{word}FixedParameters"] = moved, still
    return path


def check(path: Path, case: str) -> None:
    out = read_transform(path).apply(MOVING, FIXED)
    # antspyx keeps parameters in single precision: 1e-7 of 30 mm on slopes of .3 a voxel
    assert [out[voxel] for voxel in VOXELS] == pytest.approx(ANTS[case][:4], abs=2e-6)
    assert out.sum(dtype=float) == pytest.approx(ANTS[case][4], abs=0.01)


def test_affine_text_and_matrix_file_resample_as_ants_does(tmp_path: Path) -> None:
    check(write_text(tmp_path / "a.txt", "AffineTransform_double_3_3", AFFINE, CENTRE), "affine")
    check(
        write_matrix(tmp_path / "x_0GenericAffine.mat", "AffineTransform_double_3_3", AFFINE, CENTRE),
        "affine",
    )
    check(write_matrix(tmp_path / "b.mat", "MatrixOffsetTransformBase_double_3_3", AFFINE, CENTRE), "affine")


def test_euler_angles_resample_as_ants_does(tmp_path: Path) -> None:
    check(write_text(tmp_path / "e.tfm", "Euler3DTransform_double_3_3", EULER, [1.0, 2.0, 3.0, 0.0]), "euler")


def test_displacement_field_resamples_as_ants_does(tmp_path: Path) -> None:
    check(write_field(tmp_path / "warp.nii.gz"), "field")


@pytest.mark.parametrize("word", ["Transform", "Tranform"])
def test_composite_file_resamples_as_ants_does_with_either_spelling(tmp_path: Path, word: str) -> None:
    check(write_composite(tmp_path / "from-T1w_to-MNI_xfm.h5", word), "composite")


def test_composite_is_its_field_first_and_then_its_affine(tmp_path: Path) -> None:
    whole = read_transform(write_composite(tmp_path / "x.h5"))
    parts = read_transform(write_field(tmp_path / "w.nii")).then(
        read_transform(write_text(tmp_path / "a.txt", "AffineTransform_double_3_3", AFFINE, CENTRE))
    )
    assert [type(step) is Field for step in whole.steps] == [True, False]
    points = np.random.default_rng(0).uniform(-15, 15, size=(50, 3))
    # the direction of the field is stored without its rounding in single precision
    np.testing.assert_allclose(whole.map_points(points), parts.map_points(points), atol=1e-5)


def test_affine_is_the_closed_form_in_left_posterior_superior(tmp_path: Path) -> None:
    found = read_transform(write_text(tmp_path / "a.txt", "AffineTransform_float_3_3", AFFINE, CENTRE))
    flip = np.array([-1.0, -1, 1])
    points = np.random.default_rng(1).normal(size=(20, 3)) * 40
    expected = ((points * flip - CENTRE) @ LINEAR.T + AFFINE[9:] + CENTRE) * flip
    np.testing.assert_allclose(found.map_points(points), expected, atol=1e-12)


def test_translation_of_three_mm_to_the_left_reads_the_voxel_there(tmp_path: Path) -> None:
    data = np.arange(125, dtype=np.int16).reshape(5, 5, 5)
    image = nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1]))
    path = write_text(tmp_path / "t.txt", "TranslationTransform_double_3_3", [3.0, 0.0, 0.0], [])
    out = read_transform(path).apply(image, image, interpolation="nearest")
    assert out.dtype == np.int16
    np.testing.assert_array_equal(out[1:], data[:-1])
    assert not out[0].any()


def test_inverse_brings_points_back(tmp_path: Path) -> None:
    found = read_transform(write_text(tmp_path / "a.txt", "AffineTransform_double_3_3", AFFINE, CENTRE))
    points = np.random.default_rng(2).normal(size=(20, 3)) * 40
    np.testing.assert_allclose(found.then(found.inverse()).map_points(points), points, atol=1e-11)


def test_several_volumes_are_resampled_as_each_is(tmp_path: Path) -> None:
    found = read_transform(write_field(tmp_path / "w.nii"))
    both = nib.Nifti1Image(np.stack([MOVING.dataobj, 2 * np.asarray(MOVING.dataobj)], axis=-1), MOVING.affine)
    out = found.apply(both, FIXED)
    assert out.shape == (*FIXED.shape, 2)
    np.testing.assert_allclose(out[..., 1], 2 * found.apply(MOVING, FIXED), rtol=1e-6)


def test_the_orientation_of_the_stored_image_does_not_matter(tmp_path: Path) -> None:
    found = read_transform(write_composite(tmp_path / "x.h5"))
    turned = MOVING.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))
    np.testing.assert_allclose(found.apply(turned, FIXED), found.apply(MOVING, FIXED), atol=1e-6)


def test_faults_name_file_rule_and_remedy(tmp_path: Path) -> None:
    empty = tmp_path / "x.h5"
    empty.touch()
    spline = write_text(tmp_path / "s.txt", "BSplineTransform_double_3_3", [1.0], [1.0])
    flat = write_text(tmp_path / "d.txt", "AffineTransform_double_2_2", [1.0, 0, 0, 1, 0, 0], [0.0, 0.0])
    folded = write_text(tmp_path / "z.txt", "AffineTransform_double_3_3", [0.0] * 12, [0.0] * 3)
    (tmp_path / "no.txt").write_text("1 0 0 0\n", encoding="utf-8")
    (tmp_path / "no.h5").write_bytes(b"not hdf5")
    holes = write_field(tmp_path / "nan.nii", np.full_like(VECTORS, np.nan))
    nib.save(nib.Nifti1Image(VECTORS, FIXED.affine), tmp_path / "fsl.nii.gz")
    for path, rule in (
        (tmp_path / "gone.h5", "does not exist"),
        (empty, "0 bytes"),
        (spline, "BSplineTransform_double_3_3, which is not read"),
        (flat, "has 6 parameters, 12 are needed"),
        (folded, "has no inverse"),
        (tmp_path / "no.txt", "first line"),
        (tmp_path / "no.h5", "no readable transform"),
        (write_composite(tmp_path / "cut.h5", numbers=300), "its grid of 18 x 21 x 20 needs three a voxel"),
        (holes, "not finite"),
        (tmp_path / "fsl.nii.gz", "is no displacement field"),
        (write_field(tmp_path / "plain.nii", intent=0), "no intent"),
        (Path(__file__), "is no transform that is read"),
    ):
        with pytest.raises(ScanFault, match=rule) as caught:
            read_transform(path)
        assert caught.value.problem.where == path.name
