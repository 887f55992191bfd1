"""Every number of the R references that ship with the package, computed again and compared."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models import verify_repeated as repeated
from neurotrial.models.verify_bounded import bounded_values
from neurotrial.models.verify_missing import imputation_values
from neurotrial.models.verify_values import multiplicity_values, two_visit_values

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["verify"]

_AT_ZERO = 1e-12
_CASES = ("two_visit", "four_visit", "random_slopes", "clustered_cr2", "multiplicity", "rbmi", "bounded")
_KEY = ["model", "structure", "method", "term_or_contrast", "quantity"]

Key = tuple[str, str, str, str, str]


def verify() -> pd.DataFrame:
    """Compute every reference number again.

    Returns
    -------
    DataFrame
        A row for each number: case, model, structure, method, term_or_contrast, quantity, reference, ours,
        relative_difference (absolute where the reference is 0), tolerance, ok. A number that this package does not
        compute is missing in `ours` and not ok. What the tolerances rest on stands in ``oracles/README.md``.

    Examples
    --------
    >>> table = verify()
    >>> bool(table["ok"].all())
    True
    """
    folder = files("neurotrial.models").joinpath("oracles")
    return pd.concat([_case(folder.joinpath(case)) for case in _CASES], ignore_index=True)


def _case(folder: Traversable) -> pd.DataFrame:
    expected = _read(folder, "expected.csv").rename(
        columns={"value": "reference", "tolerance_rel": "tolerance"}
    )
    found = _values(folder)
    keys = expected[_KEY].itertuples(index=False, name=None)
    expected["ours"] = np.array([found.get(key, np.nan) for key in keys], dtype="float64")
    expected["case"] = folder.name
    difference = (expected["ours"] - expected["reference"]).abs()
    size = expected["reference"].abs()
    expected["relative_difference"] = difference / size.where(size > 0, 1.0)
    limit = expected["tolerance"].where(size > 0, _AT_ZERO)
    expected["ok"] = expected["relative_difference"] <= limit
    return expected[["case", *_KEY, "reference", "ours", "relative_difference", "tolerance", "ok"]]


def _values(folder: Traversable) -> dict[Key, float]:
    spec: dict[str, Any] = json.loads(folder.joinpath("spec.json").read_text(encoding="utf-8"))
    data = _read(folder, "data.csv")
    makers: dict[str, Callable[[], Iterable[tuple[Key, float]]]] = {
        "two_visit": lambda: itertools.chain(
            _unstructured(two_visit_values(data, spec)), repeated.two_visit_model_values(data, spec)
        ),
        "four_visit": lambda: repeated.four_visit_values(data, spec),
        "random_slopes": lambda: repeated.random_slopes_values(data, spec),
        "clustered_cr2": lambda: repeated.clustered_values(data, spec),
        "multiplicity": lambda: _unstructured(multiplicity_values(data, spec, _read(folder, "pvalues.csv"))),
        "bounded": lambda: bounded_values(data, spec),
        "rbmi": lambda: imputation_values(
            data, spec, _read(folder, "ice.csv"), _read(folder, "estimates.csv")
        ),
    }
    return dict(makers[folder.name]())


def _unstructured(values: Iterable[tuple[tuple[str, str, str, str], float]]) -> Iterator[tuple[Key, float]]:
    """Add the structure to the keys of models that have none."""
    for (model, method, term, quantity), value in values:
        yield (model, "none", method, term, quantity), value


def _read(folder: Traversable, name: str) -> pd.DataFrame:
    with folder.joinpath(name).open(encoding="utf-8") as stream:
        return pd.read_csv(stream)
