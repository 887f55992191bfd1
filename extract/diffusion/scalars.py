"""Scalars of many tensors: anisotropy and diffusivities, without eigenvectors."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SCALARS", "principal_directions", "tensor_scalars"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

SCALARS = {"fa": "FA", "md": "um2/ms", "ad": "um2/ms", "rd": "um2/ms"}
"""Scalars of the tensor with their units."""

_NEARLY_PLANE = -1 + 1e-6


def tensor_scalars(elements: FloatArray, lowest: float) -> FloatArray:
    """Return FA, MD, AD and RD of symmetric tensors.

    Parameters
    ----------
    elements : ndarray, shape (6, voxels)
        xx, yy, zz, xy, xz, yz in um2/ms.
    lowest : float
        Eigenvalues below it are raised to it, as dipy does: negative ones are noise, and FA would exceed 1.

    Returns
    -------
    ndarray, shape (4, voxels)
        In the order of `SCALARS`.

    Notes
    -----
    With mean diffusivity m, A = D - m I, q = sqrt(tr(A A) / 6) and 3 phi = arccos(det(A) / (2 q^3)), the largest eigenvalue
    is m + 2 q cos(phi); FA is sqrt(3/2) times the norm of A over that of D. Where the two largest eigenvalues are nearly
    equal the arc cosine loses half of its digits, and where one has to be raised, which the leading minors tell, all three
    are needed: there they are computed numerically.

    References
    ----------
    Hasan KM et al. J Magn Reson 2001;152:41-47. https://doi.org/10.1006/jmre.2001.2400
    """
    xx, yy, zz, xy, xz, yz = elements
    mean = (xx + yy + zz) / 3
    a, b, c = xx - mean, yy - mean, zz - mean
    crossed = xy * xy, xz * xz, yz * yz
    squares = a * a + b * b + c * c + 2 * sum(crossed)
    q = np.sqrt(squares / 6)
    shape = _determinant(a, b, c, *elements[3:]) / np.maximum(2 * q * q * q, np.finfo(float).tiny)
    largest = mean + 2 * q * np.cos(np.arccos(np.clip(shape, -1, 1)) / 3)
    fa = np.sqrt(1.5 * squares / np.maximum(squares + 3 * mean * mean, np.finfo(float).tiny))
    found = np.stack([fa, mean, largest, (3 * mean - largest) / 2])
    above = xx - lowest, yy - lowest, zz - lowest
    definite = (above[0] > 0) & (above[0] * above[1] > crossed[0])
    definite &= _determinant(*above, *elements[3:]) > 0
    numerical = np.flatnonzero(~definite | (shape < _NEARLY_PLANE))
    if numerical.size:
        found[:, numerical] = _by_eigenvalues(elements[:, numerical], lowest)
    return found


def principal_directions(elements: FloatArray) -> FloatArray:
    """Return the direction of largest diffusivity of symmetric tensors.

    Parameters
    ----------
    elements : ndarray, shape (6, voxels)
        xx, yy, zz, xy, xz, yz.

    Returns
    -------
    ndarray, shape (3, voxels)
        Of unit length, with a third part that is not negative: a direction and its opposite are the same.
    """
    vectors = np.linalg.eigh(_matrices(elements))[1][:, :, 2].T
    return np.where(vectors[2] < 0, -vectors, vectors)


def _matrices(elements: FloatArray) -> FloatArray:
    return np.asarray(elements[[0, 3, 4, 3, 1, 5, 4, 5, 2]].T.reshape(-1, 3, 3))


def _determinant(xx: Any, yy: Any, zz: Any, xy: Any, xz: Any, yz: Any) -> Any:
    return xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)


def _by_eigenvalues(elements: FloatArray, lowest: float) -> FloatArray:
    values = np.linalg.eigvalsh(_matrices(elements)).clip(min=lowest)
    mean = values.mean(axis=1)
    spread = ((values - mean[:, None]) ** 2).sum(axis=1)
    fa = np.sqrt(1.5 * spread / (values**2).sum(axis=1))
    return np.stack([fa, mean, values[:, 2], values[:, :2].mean(axis=1)])
