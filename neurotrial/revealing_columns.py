"""Columns of participants that tell their arm, and would unblind whoever sees them beside outcomes."""

from __future__ import annotations

from math import comb, factorial, prod
from typing import TYPE_CHECKING, Any

from neurotrial.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["revealing_problems"]

_ALL, _SOME = 0.01, 1e-4
"""Chance that an innocent column tells the arm of all, or of some, as it does: below it is taken to reveal the arm."""


def revealing_problems(people: pd.DataFrame, arms: pd.Series[Any] | None, label: str) -> list[Problem]:
    """Find columns whose values tell the arm more often than chance would.

    Parameters
    ----------
    people : DataFrame
        Columns that are to be shown, shape (n, n_columns).
    arms : Series or None, shape (n,)
        The true arms; without at least two of them nothing can be found.
    label : str
        What messages call the file.

    Returns
    -------
    list of Problem
        One for each column that tells the arm: of everybody, by its values or by a cut of them; or of some, where a value,
        or having or lacking one, goes with one arm only.
    """
    if arms is None or len(arms.dropna().unique()) <= 1:
        return []
    remedy = "leave the column out, or what in it tells the arm, until the trial is unblinded"
    known = arms.notna()
    return [
        Problem(f"{label}: {name}", f"tells the arm of {told}: a mock with it would unblind", remedy)
        for name, values in people.items()
        if (told := _told(values[known], arms[known]))
    ]


def _told(values: pd.Series[Any], arms: pd.Series[Any]) -> str:
    """Return whose arm the values tell; empty for nobody's."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    sortable = numbers if (numbers.notna() == values.notna()).all() else values.astype("str")
    sizes = arms.value_counts().tolist()
    levels = [own for _, own in arms.groupby(sortable, dropna=False)]
    pure = [len(own) for own in levels if _pure(own)]
    chances = [_chance(size, sizes) for size in pure]
    if len(pure) == len(levels) and min([*chances, _chance_of_cut(sortable, arms, sizes)]) < _ALL:
        return "everybody"
    given = [own for _, own in arms.groupby(values.notna()) if _pure(own)]
    lone = [_chance(len(own), sizes) for own in given]
    if min((chance * len(levels) for chance in [*chances, *lone]), default=1.0) < _SOME:
        return "some participants"
    return ""


def _pure(arms: pd.Series[Any]) -> bool:
    return bool((arms == arms.iloc[0]).all())


def _chance(size: int, sizes: Iterable[int]) -> float:
    """Return the probability that so many participants, chosen at random, are all in one arm."""
    numbers = list(sizes)
    return sum(comb(n, size) for n in numbers) / comb(sum(numbers), size)


def _chance_of_cut(values: pd.Series[Any], arms: pd.Series[Any], sizes: list[int]) -> float:
    """Return the probability that values in order have the arms one after the other; 1 where they have not."""
    ordered = arms.loc[values.dropna().sort_values(kind="stable").index]
    runs = int((ordered != ordered.shift()).sum())
    if len(ordered) < len(arms) or runs != len(sizes):
        return 1.0
    return factorial(len(sizes)) * prod(factorial(n) for n in sizes) / factorial(sum(sizes))
