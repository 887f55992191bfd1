"""Every number of the R references that ship with the package, computed again and compared."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models.verify_values import Key, multiplicity_values, two_visit_values

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["verify"]

_AT_ZERO = 1e-12


def verify() -> pd.DataFrame:
    """Compute every reference number again.

    Returns
    -------
    DataFrame
        A row for each number: case, model, method, term_or_contrast, quantity, reference, ours,
        relative_difference (absolute where the reference is 0), tolerance, ok. A number that this package does not
        compute is missing in `ours` and not ok. What the tolerances rest on stands in ``oracles/README.md``.

    Examples
    --------
    >>> table = verify()
    >>> bool(table["ok"].all())
    True
    """
    folder = files("neurotrial.models").joinpath("oracles")
    return pd.concat(
        [_case(folder.joinpath(case)) for case in ("two_visit", "multiplicity")], ignore_index=True
    )


def _case(folder: Traversable) -> pd.DataFrame:
    expected = _read(folder, "expected.csv").rename(
        columns={"value": "reference", "tolerance_rel": "tolerance"}
    )
    found = _values(folder)
    keys = expected[["model", "method", "term_or_contrast", "quantity"]].itertuples(index=False, name=None)
    expected["ours"] = np.array([found.get(key, np.nan) for key in keys], dtype="float64")
    expected["case"] = folder.name
    difference = (expected["ours"] - expected["reference"]).abs()
    size = expected["reference"].abs()
    expected["relative_difference"] = difference / size.where(size > 0, 1.0)
    limit = expected["tolerance"].where(size > 0, _AT_ZERO)
    expected["ok"] = expected["relative_difference"] <= limit
    front = ["case", "model", "method", "term_or_contrast", "quantity", "reference", "ours"]
    return expected[[*front, "relative_difference", "tolerance", "ok"]]


def _values(folder: Traversable) -> dict[Key, float]:
    spec: dict[str, Any] = json.loads(folder.joinpath("spec.json").read_text(encoding="utf-8"))
    data = _read(folder, "data.csv")
    if folder.name == "two_visit":
        return dict(two_visit_values(data, spec))
    return dict(multiplicity_values(data, spec, _read(folder, "pvalues.csv")))


def _read(folder: Traversable, name: str) -> pd.DataFrame:
    with folder.joinpath(name).open(encoding="utf-8") as stream:
        return pd.read_csv(stream)
