"""The door of the models of bounded scores: an adjusted design whose outcome stays on a declared scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.adjusted_design import AdjustedDesign, adjusted_design
from neurotrial.models.checks import check_level
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["check_scale", "ends", "scaled_design", "with_arm"]


def scaled_design(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    covariates: Sequence[str],
    reference: str | None,
    minimum: float,
    maximum: float,
    conf_level: float,
) -> AdjustedDesign:
    """Check a table; arguments as `neurotrial.models.fractional_logit`.

    Raises
    ------
    InputError
        As `neurotrial.models.ancova`; if the scale is empty, a value lies outside it, or all are the same.
    """
    check_level(conf_level)
    made = adjusted_design(
        data, outcome=outcome, baseline=baseline, arm=arm, covariates=covariates, reference=reference
    )
    check_scale(made.table.frame, outcome, minimum, maximum)
    if np.ptp(made.y) == 0:
        rule = f"is {made.y[0]:g} in all {made.y.size} participants"
        raise refuse(f"column {outcome!r}", rule, "there is nothing to compare")
    return made


def check_scale(frame: pd.DataFrame, column: str, minimum: float, maximum: float) -> None:
    """Refuse values that lie outside a scale.

    Raises
    ------
    InputError
        With the rows.
    """
    if not minimum < maximum:
        raise refuse("maximum", f"{maximum:g} is not above the minimum, {minimum:g}", "correct the scale")
    outside = frame.index[(frame[column] < minimum) | (frame[column] > maximum)]
    if len(outside):
        rule = f"must lie on the scale, from {minimum:g} to {maximum:g}"
        rows = describe_rows(frame, outside, frame.columns)
        raise refuse(f"column {column!r}", rule, "correct the values or the scale", rows)


def ends(values: FloatArray, minimum: float, maximum: float) -> str:
    """Say how many values stand at the ends of the scale."""
    return f"{int((values <= minimum).sum())} at {minimum:g}, {int((values >= maximum).sum())} at {maximum:g}"


def with_arm(made: AdjustedDesign, arm: str) -> FloatArray:
    """Return the model matrix as if everybody were in one arm, shape (n, p)."""
    reference = made.table.reference
    own = np.array([
        made.design.contrast(name, reference) for name in made.table.frame[made.table.arm].astype("str")
    ])  # fmt: skip
    return np.asarray(made.matrix - own + made.design.contrast(arm, reference))
