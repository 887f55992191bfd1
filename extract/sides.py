"""From left and right to the side of the lesion and the other: the one place where the mapping is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HEMISPHERES", "LETTERS", "feature_sides", "hemisphere_side"]

HEMISPHERES = ("left", "right")
LETTERS: Mapping[str, str] = MappingProxyType({"left": "L", "right": "R"})
"""How file names tell the hemispheres."""
_MARK = {"ipsilesional": True, "contralesional": False}


def hemisphere_side(hemisphere: str, lesion_side: str | None) -> str:
    """Return the side of a hemisphere relative to the lesion.

    Parameters
    ----------
    hemisphere : str
        ``left``, ``right``, ``both`` or ``none``.
    lesion_side : str or None
        ``left``, ``right``, ``both``, ``none``, or None where it is not known.

    Returns
    -------
    str
        ``ipsilesional``, ``contralesional``, or ``none`` where one of the two has no side.

    Examples
    --------
    >>> hemisphere_side("left", "right")
    'contralesional'
    """
    if hemisphere not in HEMISPHERES or lesion_side not in HEMISPHERES:
        return "none"
    return "ipsilesional" if hemisphere == lesion_side else "contralesional"


def feature_sides(rows: pd.DataFrame, lesion_side: str | None) -> pd.DataFrame:
    """Complete hemisphere and side of feature rows: each is known from the other and the side of the lesion.

    Parameters
    ----------
    rows : DataFrame
        Columns hemisphere and side, one of them ``?`` where it follows from the other.
    lesion_side : str or None
        Side of the lesion.

    Returns
    -------
    DataFrame
        The rows with both; hemisphere ``none`` or side ``none`` where the lesion has no single side.
    """
    sides = [
        hemisphere_side(hemisphere, lesion_side) if side == "?" else side
        for hemisphere, side in zip(rows["hemisphere"], rows["side"], strict=True)
    ]
    hemispheres = [
        _hemisphere_of(side, lesion_side) if hemisphere == "?" else hemisphere
        for hemisphere, side in zip(rows["hemisphere"], rows["side"], strict=True)
    ]
    return rows.assign(side=sides, hemisphere=hemispheres)


def _hemisphere_of(side: str, lesion_side: str | None) -> str:
    if side not in _MARK or lesion_side not in HEMISPHERES:
        return "none"
    other = HEMISPHERES[1 - HEMISPHERES.index(lesion_side)]
    return lesion_side if _MARK[side] else other
