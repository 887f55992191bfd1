"""A small atlas of four labels, and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

AFFINE = np.array([[4.0, 0, 0, -18], [0, 4, 0, -16], [0, 0, 4, -12], [0, 0, 0, 1]])
TABLE = "value\tstructure\themisphere\n1\tPLIC\tleft\n2\tplic\tright\n3\tcst\tleft\n4\tcst\tright\n5\tgenu\tboth\n"


def volume() -> np.ndarray:
    data = np.zeros((10, 9, 7), dtype=np.int16)
    data[2, 3:5, 3], data[7, 3:5, 3] = 1, 2
    data[3, 4, 1:5], data[6, 4, 1:5] = 3, 4
    data[4:6, 7, 4] = 5
    return data


def write(folder: Path, data: Any = None, affine: np.ndarray = AFFINE, table: str | None = TABLE) -> Path:
    path = folder / "own.nii.gz"
    nib.save(nib.Nifti1Image(volume() if data is None else data, affine), path)
    if table is not None:
        (folder / "own.tsv").write_text(table, encoding="utf-8")
    return path
