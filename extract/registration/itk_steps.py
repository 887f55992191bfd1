"""One transform of ITK, by its kind and its two lists of numbers, as a step in mm to the right, anterior, superior."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurotrial.extract.registration.transform import Affine, Field
from neurotrial.extract.scan_result import ScanFault

__all__ = ["step_of"]

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
_LENGTHS = {"matrix": 12, "euler": 6, "translation": 3, "field": 18}


def step_of(kind: str, free: Any, fixed: Any, name: str) -> list[Affine | Field]:
    """Return the step of a transform; none for the identity and the head of a composite.

    Parameters
    ----------
    kind : str
        Such as ``AffineTransform_double_3_3``.
    free, fixed : array
        ``Parameters`` and ``FixedParameters`` of the file.
    name : str
        The file, for messages.

    Raises
    ------
    ScanFault
        If the kind is not one that is read, or has another number of parameters than its kind.
    """
    word = kind.split("_", 1)[0]
    if word in {"CompositeTransform", "IdentityTransform"}:
        return []
    if word == "DisplacementFieldTransform":
        return [_field(free, np.asarray(fixed, dtype=float), name)]
    numbers, centre = np.asarray(free, dtype=float), _centre(fixed)
    if word in {"AffineTransform", "MatrixOffsetTransformBase"}:
        _expect(numbers, "matrix", kind, name)
        return [_affine(numbers[:9].reshape(3, 3), numbers[9:], centre)]
    if word == "Euler3DTransform":
        _expect(numbers, "euler", kind, name)
        return [_affine(_euler(numbers[:3], zyx=_zyx(fixed)), numbers[3:], centre)]
    if word == "TranslationTransform":
        _expect(numbers, "translation", kind, name)
        return [_affine(np.eye(3), numbers, centre)]
    raise ScanFault(
        name, f"holds a {kind}, which is not read", "write it as an affine or as a displacement field"
    )


def _expect(numbers: Any, form: str, kind: str, name: str) -> None:
    if np.size(numbers) != _LENGTHS[form]:
        rule = f"its {kind} has {np.size(numbers)} parameters, {_LENGTHS[form]} are needed"
        raise ScanFault(name, rule, "give a transform of three dimensions")


def _centre(fixed: Any) -> Any:
    """Return the centre of rotation; the first three of the fixed parameters, where there are any."""
    numbers = np.ravel(np.asarray([] if fixed is None else fixed, dtype=float))
    return numbers[:3] if numbers.size >= 3 else np.zeros(3)  # noqa: PLR2004 - a point has three coordinates


def _zyx(fixed: Any) -> bool:
    numbers = np.ravel(np.asarray([] if fixed is None else fixed, dtype=float))
    return numbers.size > 3 and bool(numbers[3])  # noqa: PLR2004 - the fourth tells the order of the rotations


def _euler(angles: Any, *, zyx: bool) -> Any:
    """Return the rotation of ITK's Euler angles about x, y, z in radians: Z X Y, or Z Y X where the file says so."""
    from scipy.spatial.transform import Rotation

    x, y, z = (Rotation.from_rotvec(angle * axis) for angle, axis in zip(angles, np.eye(3), strict=True))
    return (z * y * x if zyx else z * x * y).as_matrix()


def _affine(linear: Any, shift: Any, centre: Any) -> Affine:
    """Return y = A (x - c) + t + c in right-anterior-superior mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = shift + centre - linear @ centre
    return Affine(_FLIP @ matrix @ _FLIP)


def _field(free: Any, fixed: Any, name: str) -> Field:
    """Return a displacement field; x is fastest in the file, and the three components of a voxel stand together."""
    _expect(fixed, "field", "DisplacementFieldTransform", name)
    size, origin, spacing = fixed[:3].astype(int), fixed[3:6], fixed[6:9]
    if np.size(free) != 3 * size.prod():
        rule = f"its displacement field has {np.size(free)} numbers, its grid of {' x '.join(map(str, size))} needs three a voxel"
        raise ScanFault(name, rule, "make the transform again")
    affine = np.eye(4)
    affine[:3, :3] = fixed[9:].reshape(3, 3) * spacing
    affine[:3, 3] = origin
    vectors = np.asarray(free, dtype=np.float32).reshape(*size[::-1], 3).transpose(2, 1, 0, 3)
    return Field(vectors * np.array([-1, -1, 1], dtype=np.float32), _FLIP @ affine)
