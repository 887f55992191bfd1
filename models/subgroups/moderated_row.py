"""Rows of a moderated effect: estimates with the level or value of the moderator that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.tidy import tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.linear_functions import FTest
    from neurotrial.models.tidy import Estimate

__all__ = ["ModeratedRow", "moderated_table", "with_test", "without_test"]


@dataclass(frozen=True, slots=True)
class ModeratedRow:
    """An estimate and what it is about.

    Attributes
    ----------
    estimate : Estimate
        The numbers; its contrast names arms and level or value.
    contrast : str
        The arms that are compared.
    level : str
        Level of a categorical moderator; empty where there is none.
    value : float
        Value of a continuous moderator; NaN where there is none.
    num_df : float
        Numerator degrees of freedom of an F test; NaN for other rows.
    """

    estimate: Estimate
    contrast: str
    level: str = ""
    value: float = np.nan
    num_df: float = np.nan


def moderated_table(rows: Sequence[ModeratedRow]) -> pd.DataFrame:
    """Return the rows as a table: the columns of `neurotrial.models.tidy` with level, value and num_df, and plain contrasts."""
    return tidy_frame(row.estimate for row in rows).assign(
        contrast=[row.contrast for row in rows],
        level=[row.level for row in rows],
        value=[row.value for row in rows],
        num_df=[row.num_df for row in rows],
    )


def with_test(template: Estimate, found: FTest, note: str = "") -> Estimate:
    """Fill the labels of `template` with an F test; the note says what should be known about it."""
    if found.reason:
        return replace(template, status="failed", reason=found.reason)
    return replace(template, df=found.den_df, statistic=found.f, p_value=found.p_value, reason=note)


def without_test(found: Estimate, reason: str = "") -> Estimate:
    """Take the test off an estimate, so that only the interaction is tested; with a reason it is a failed row."""
    if reason:
        return replace(found, status="failed", reason=reason)
    return replace(found, statistic=np.nan, p_value=np.nan)
