"""Left is left: an atlas whose labels lie on the other side than their names say is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import Problem

if TYPE_CHECKING:
    from neurotrial.extract.atlases.atlas import Atlas
    from neurotrial.extract.atlases.registry import Region

__all__ = ["centroids", "check_sides", "side_problems"]

SIDE_RULE = (
    "left is x < 0: the centroid of every region must lie in the hemisphere of its name; these do not, the atlas is mirrored "
    "or its labels are swapped (Rohlfing 2013, https://doi.org/10.3389/fnins.2013.00004)"
)


def centroids(atlas: Atlas) -> dict[Region, tuple[float, float, float]]:
    """Return the weighted centre of each region in mm.

    Parameters
    ----------
    atlas : Atlas

    Returns
    -------
    dict of (str, str) to tuple of float
        x (to the right), y (to the front), z (upwards); regions without a voxel are left out.
    """
    data = np.asanyarray(atlas.image.dataobj)
    sums = _label_sums(data) if data.ndim == 3 else _map_sums(data)  # noqa: PLR2004 - a volume of labels
    found: dict[Region, tuple[float, float, float]] = {}
    for region, values in atlas.labels.items():
        total = sum((sums[value] for value in values if value in sums), start=np.zeros(4))
        if total[3] > 0:
            x, y, z = (np.asarray(atlas.image.affine)[:3] @ np.append(total[:3] / total[3], 1.0)).tolist()
            found[region] = (x, y, z)
    return found


def side_problems(atlas: Atlas, where: str, remedy: str) -> list[Problem]:
    """Return the problem of an atlas with regions on the wrong side, naming each with its centroid; empty if there are none.

    References
    ----------
    Rohlfing T. Incorrect ICBM-DTI-81 atlas orientation and white matter labels. Front Neurosci 2013;7:4.
    https://doi.org/10.3389/fnins.2013.00004
    """
    rows = tuple(
        f"{region}_{hemisphere}: centroid at x = {x:+.1f}, y = {y:+.1f}, z = {z:+.1f} mm"
        for (region, hemisphere), (x, y, z) in centroids(atlas).items()
        if (hemisphere == "left" and x >= 0) or (hemisphere == "right" and x <= 0)
    )
    return [Problem(where, SIDE_RULE, remedy, rows)] if rows else []


def check_sides(atlas: Atlas, where: str) -> None:
    """Refuse an atlas with regions on the wrong side.

    Raises
    ------
    InputError
        Names the regions with their centroids.
    """
    from neurotrial.errors import InputError

    problems = side_problems(atlas, where, "mirror the arrays, or mend the affine or the names")
    if problems:
        raise InputError(problems)


def _label_sums(data: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each value the sums of i, j, k over its voxels, and their number."""
    places = np.nonzero(data)
    values, inverse = np.unique(data[places], return_inverse=True)
    columns = [np.bincount(inverse, weights=axis, minlength=len(values)) for axis in places]
    table = np.stack([*columns, np.bincount(inverse, minlength=len(values))], axis=1)
    return {int(value): row for value, row in zip(values, table, strict=True)}


def _map_sums(data: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each map the weighted sums of i, j, k, and the sum of weights."""
    sums = {}
    for number in range(data.shape[3]):
        weights = data[..., number]
        sides = [weights.sum(axis=other, dtype=float) for other in ((1, 2), (0, 2), (0, 1))]
        moments = [float(side @ np.arange(side.size)) for side in sides]
        sums[number] = np.array([*moments, sides[0].sum()])
    return sums
