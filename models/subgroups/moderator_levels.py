"""The levels of a categorical moderator: as they stand, or a number that is cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.models.checks import number_problems

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["moderator_levels"]

_MOST = 10
_TWO = 2


def moderator_levels(values: pd.Series[Any], cut: Sequence[float]) -> pd.Series[Any]:
    """Return an ordered categorical of levels, named for readers; what is missing stays missing.

    Parameters
    ----------
    values : Series
        A column: words, true and false, a categorical, or numbers.
    cut : sequence of float
        Points at which numbers are cut, each the first value of its level; empty for levels as they stand.

    Raises
    ------
    InputError
        If there are fewer than two levels, numbers with more than 10 values are not cut, or the points do not ascend.
    """
    where = f"column {values.name!r}"
    given = _cut(values, cut) if len(cut) else _as_they_stand(values)
    found = given.cat.remove_unused_categories()
    levels = list(found.cat.categories)
    if len(levels) < _TWO:
        rule = f"subgroups need two levels or more; found: {', '.join(levels) or 'none'}"
        raise refuse(where, rule, "name a column that varies, or other cut points")
    if not len(cut) and _is_number(values) and len(levels) > _MOST:
        rule = f"holds {len(levels)} different numbers, too many for subgroups"
        raise refuse(where, rule, "give cut points, or take it as continuous, which loses less")
    return found


def _cut(values: pd.Series[Any], cut: Sequence[float]) -> pd.Series[Any]:
    points = [float(point) for point in cut]
    if not np.isfinite(points).all() or any(b <= a for a, b in itertools.pairwise(points)):
        raise refuse("cut", f"{points} do not ascend", "give finite points from low to high, each once")
    problems = list(number_problems(values.to_frame(), str(values.name)))
    if problems:
        raise InputError(problems)
    names = [
        f"below {points[0]:g}",
        *(f"{low:g} to below {high:g}" for low, high in itertools.pairwise(points)),
        f"{points[-1]:g} or more",
    ]
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    made = pd.cut(numbers, [-np.inf, *points, np.inf], right=False, labels=names)
    return pd.Series(made, index=values.index, name=values.name)


def _as_they_stand(values: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        order: list[Hashable] = list(values.cat.categories)
    else:
        order = sorted(values.dropna().unique().tolist())
    names = {level: _named(level) for level in order}
    words = values.astype("object").map(names)
    return words.astype(pd.CategoricalDtype(list(dict.fromkeys(names.values())), ordered=True))


def _named(level: Any) -> str:
    if isinstance(level, (bool, np.bool_)):
        return "yes" if level else "no"
    return f"{level:g}" if isinstance(level, float) else str(level)


def _is_number(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
