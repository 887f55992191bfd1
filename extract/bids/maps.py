"""Units of maps and tables that others made."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

__all__ = ["check_unit"]

_PLAUSIBLE = (0.05, 5.0)
"""Median diffusivity in um2/ms: tissue has about 0.7, free water 3. The next usual units are a thousand times away."""


def check_unit(values: Any, feature: str, where: str) -> None:
    """Refuse values that cannot be in our unit: FA between 0 and 1, diffusivities in um2/ms.

    Parameters
    ----------
    values : ndarray
        After the factor of their producer; what is not finite or 0 does not count.
    feature : str
        ``fa``, or a diffusivity: ``md``, ``ad``, ``rd``, ``l2``, ``l3``.
    where : str
        File, for the message.

    Raises
    ------
    ScanFault
        If the median of FA is not between 0 and 1, or that of a diffusivity is none of tissue or water.

    Examples
    --------
    >>> check_unit(np.array([0.7, 0.8]), "md", "md.nii.gz")
    """
    there = values[np.isfinite(values) & (values != 0)]
    if not there.size:
        return
    median = float(np.median(there))
    if feature == "fa" and not 0 < median <= 1:
        raise ScanFault(
            where, f"the median of FA is {median:.3g}", "take the map of FA, which lies between 0 and 1"
        )
    low, high = _PLAUSIBLE
    if feature != "fa" and not low <= median <= high:
        rule = f"the median of {feature.upper()} is {median:.3g} um2/ms by the unit of its producer"
        raise ScanFault(
            where, rule, "correct `factor` of the producer, see `imaging: producers` in study.yaml"
        )
