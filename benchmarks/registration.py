"""Overlap of the internal capsule after registration of simulated strokes: affine, plain SyN, filled once and twice.

Run from the top folder: ``python benchmarks/registration.py [cases]``. Each case bends nilearn's white-matter template by a known
map, sets a lesion over one posterior limb of the internal capsule, and registers the template back. The labels are those of
``jhu-icbm-labels-1mm`` where a copy is installed, else the tube of the phantom. It prints a table and judges nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_wm_template
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from neurotrial.errors import InputError
from neurotrial.extract.atlases.atlas import Atlas
from neurotrial.extract.atlases.loading import read_atlas
from neurotrial.extract.atlases.projection import project_regions
from neurotrial.extract.registration.quality import dice
from neurotrial.extract.registration.registering import Registration, register
from neurotrial.extract.registration.transform import identity
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.protocols import Grid

GRID = Grid((91, 109, 91), 2.0, (-90.0, -126.0, -72.0))
CASES = {11: (5, 6, 6), 12: (7, 9, 8), 13: (9, 12, 10), 14: (11, 15, 12)}
"""Seed, and semi-axes of the lesion in voxels of 2 mm; an odd seed puts it to the right."""
FIXED = (11, 12)
"""The cases of the slow test."""
BRAIN = 0.02
"""White-matter probability from which a voxel belongs to the person."""
METHODS: dict[str, dict[str, Any]] = {
    "affine only": {"deformable": False},
    "plain SyN (dipy's smoothing)": {"lesion_fill": "none", "sigma_diff": 2.0},
    "filled once": {"lesion_fill": "one_pass"},
    "filled twice": {"lesion_fill": "two_pass"},
}
PLIC = [("plic", "left"), ("plic", "right")]


class Case(NamedTuple):
    """A template, a person with a lesion, and where that person's regions are."""

    template: Any
    person: Any
    lesion: np.ndarray
    side: str
    atlas: Atlas
    truth: dict[tuple[str, str], np.ndarray]


def atlas() -> Atlas:
    """Return the atlas whose internal capsule is carried."""
    try:
        return read_atlas("jhu-icbm-labels-1mm", repair=True)
    except InputError:
        head = Anatomy().on(GRID)
        masks = [head.regions["PLIC", letter].astype(np.float32) for letter in "LR"]
        volumes = [np.asarray(GRID.volume(head.voxels, mask)) for mask in masks]
        return Atlas.from_regions(dict(zip(PLIC, volumes, strict=True)), GRID.affine, name="phantom")


def template() -> Any:
    """Return the white-matter probability map on the grid of 2 mm."""
    empty = nib.Nifti1Image(np.zeros(GRID.shape, dtype=np.float32), GRID.affine)
    return nib.Nifti1Image(identity().apply(load_mni152_wm_template(resolution=1), empty), GRID.affine)


def make_case(seed: int) -> Case:
    """Bend the template by up to 7 degrees, 6 %, 6 mm and a smooth field of 4 mm, and set a lesion over a capsule."""
    rng = np.random.default_rng(seed)
    image, labels = template(), atlas()
    white = image.get_fdata(dtype=np.float32)
    places = bent(white.shape, rng)
    person = map_coordinates(white, places, order=1).reshape(white.shape)
    brain = person > BRAIN
    person = (0.55 * person + 0.08 + 0.05 * rng.normal(size=white.shape)) * brain
    weights = project_regions(labels, identity(), image, PLIC)
    truth = {
        key: map_coordinates(item, places, order=1).reshape(white.shape) for key, item in weights.items()
    }
    side = "right" if seed % 2 else "left"
    centre = np.argwhere(truth["plic", side] >= 1 / 2).mean(axis=0)
    away = (np.indices(white.shape).T - centre) / np.array(CASES[seed])
    lesion = (np.linalg.norm(away, axis=-1).T < 1) & (person > 0)
    person[lesion] = 0.06 + 0.03 * rng.normal(size=int(lesion.sum()))
    return Case(image, nib.Nifti1Image(person.astype(np.float32), GRID.affine), lesion, side, labels, truth)


def bent(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return where each voxel of the person lies in the template, in voxels, shape (3, n)."""
    field = np.stack([gaussian_filter(rng.normal(size=shape), 10) for _ in range(3)])
    field *= 2.0 / np.abs(field).max()
    turn = Rotation.from_euler("zx", rng.uniform(-7, 7, 2), degrees=True).as_matrix()
    linear = turn @ np.diag(rng.uniform(0.94, 1.06, 3))
    centre = np.array(shape)[:, None] / 2
    moved = linear @ (np.indices(shape).reshape(3, -1) - centre) + centre + rng.uniform(-3, 3, (3, 1))
    return moved + np.stack([map_coordinates(part, moved, order=1) for part in field])


def overlaps(case: Case, found: Registration) -> tuple[float, float]:
    """Return the Dice overlap of the lesioned and of the other internal capsule."""
    carried = project_regions(case.atlas, found.transform, case.person, PLIC)
    scores = {
        side: dice(carried[name, side] >= 1 / 2, case.truth[name, side] >= 1 / 2) for name, side in PLIC
    }
    return scores.pop(case.side), scores.popitem()[1]


def compared(seed: int) -> Iterator[tuple[str, tuple[float, float], float]]:
    """Yield each method with its overlaps and seconds."""
    case = make_case(seed)
    for name, choices in METHODS.items():
        start = time.perf_counter()
        found = register(case.template, case.person, lesion=case.lesion, **choices)
        yield name, overlaps(case, found), time.perf_counter() - start


def main(n_cases: int) -> None:
    """Print one line for each case and method."""
    print(f"labels: {atlas().name}")
    print("| case | method | Dice, lesioned side | Dice, other side | seconds | ratio to affine |")
    print("|---|---|---|---|---|---|")
    for seed in list(CASES)[:n_cases]:
        first = None
        for name, (lesioned, other), seconds in compared(seed):
            first = first or seconds
            print(
                f"| {seed} | {name} | {lesioned:.3f} | {other:.3f} | {seconds:.1f} | {seconds / first:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else len(FIXED))
