"""The linear functions that a trial asks for: arms at each visit, changes within arms, and group x time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.models.repeated_measures.functions import Label, Split, compared
from neurotrial.models.repeated_measures.grid import mean_functions
from neurotrial.models.repeated_measures.roles import check_choice

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.repeated_measures.design_matrix import DesignMatrix
    from neurotrial.models.student import FloatArray

__all__ = ["trial_functions"]


def trial_functions(
    design: DesignMatrix,
    frame: pd.DataFrame,
    arm: str,
    visit: str,
    changes: Literal["reference", "successive"] = "reference",
) -> tuple[FloatArray, tuple[Label, ...]]:
    """Return differences between arms, changes within them, differences in the changes, and the means behind them.

    Parameters
    ----------
    design : DesignMatrix
        With the rule that makes the columns.
    frame : DataFrame
        Rows of the fit.
    arm, visit : str
        The two factors.
    changes : {"reference", "successive"}
        Whether a change counts from the first visit or from the one before.

    Returns
    -------
    tuple of (array of float, shape (m, p), tuple of Label)
        Without functions that the model sets to zero, as the arms at baseline under a common baseline mean.
    """
    check_choice("changes", changes, ("reference", "successive"))
    by_visit, visit_labels = mean_functions(design, frame, arm, visit, visit=visit)
    by_arm, arm_labels = mean_functions(design, frame, visit, arm, visit=visit)
    between = compared(by_visit, visit_labels, Split(arm, visit, visit))
    change = compared(by_arm, arm_labels, Split(visit, arm, visit), changes)
    weights = np.vstack([between[0], change[0], *_crossed(*change), by_visit])
    labels = (*between[1], *change[1], *_crossed_labels(change[1]), *visit_labels)
    free = np.abs(weights).max(axis=1) > 0
    return weights[free], tuple(label for label, kept in zip(labels, free, strict=True) if kept)


def _crossed(weights: FloatArray, labels: Sequence[Label]) -> list[FloatArray]:
    reference = {
        label.visit: row for row, label in zip(weights, labels, strict=True) if _is_first(label, labels)
    }
    return [
        row - reference[label.visit]
        for row, label in zip(weights, labels, strict=True)
        if not _is_first(label, labels)
    ]


def _crossed_labels(labels: Sequence[Label]) -> list[Label]:
    return [
        Label(
            "group_by_time",
            f"{label.within} - {labels[0].within} @ {label.contrast.removesuffix(f' @ {label.within}')}",
            label.visit,
        )
        for label in labels
        if not _is_first(label, labels)
    ]


def _is_first(label: Label, labels: Sequence[Label]) -> bool:
    return label.within == labels[0].within
