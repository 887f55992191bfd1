"""A change and its own baseline: what can be asked without mathematical coupling.

The correlation of baseline with change follows from two numbers, the correlation of the visits and the ratio of
their variances; only whether follow-up varies less than baseline is a question about recovery.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.association.paired_table import PairedTable
    from neurotrial.models.student import FloatArray
    from neurotrial.models.tidy import Estimate

__all__ = ["coupled_rows"]


def coupled_rows(table: PairedTable, baseline: str, follow_up: str, label: Estimate) -> tuple[Estimate, ...]:
    """Return Oldham's correlation with its test, and the coupled one without.

    Parameters
    ----------
    table : PairedTable
        Participants; values are taken less the mean of their arm, so that a difference between arms adds nothing.
    baseline, follow_up : str
        The two visits of one measure.
    label : Estimate
        Labels of the rows.

    Notes
    -----
    Oldham's correlation of the change with the mean of both visits is 0 exactly where the two variances are equal; its
    t test is that of Pitman and Morgan.
    """
    before, after = (_within(table.values(name), table.arm) for name in (baseline, follow_up))
    change, mean = after - before, (after + before) / 2
    df = float(table.n - len(table.arms) - 1)
    ratio = float(np.sqrt((after @ after) / (before @ before)))
    rho = _correlation(before, after)
    said = (
        f"SD at follow-up over SD at baseline {ratio:.3g}, correlation of the visits {rho:.2f}, within arms"
    )
    return (
        _tested(replace(label, method="oldham_correlation"), _correlation(change, mean), df, said),
        replace(
            label,
            method="coupled_correlation",
            estimate=_correlation(before, change),
            conf_level=np.nan,
            reason=f"baseline with change: follows from the two numbers alone and tests nothing (Hope 2019); {said}",
        ),
    )


def _tested(label: Estimate, r: float, df: float, said: str) -> Estimate:
    from scipy import stats

    statistic = r * float(np.sqrt(df / (1 - r**2)))
    half = float(stats.norm.isf((1 - label.conf_level) / 2)) / np.sqrt(df - 1)
    return replace(
        label,
        estimate=r,
        df=df,
        statistic=statistic,
        conf_low=float(np.tanh(np.arctanh(r) - half)),
        conf_high=float(np.tanh(np.arctanh(r) + half)),
        interval_kind="normal",
        p_value=2 * float(stats.t.sf(abs(statistic), df)),
        reason=f"change with the mean of both visits; below 0: follow-up varies less than baseline (Pitman-Morgan); {said}",
    )


def _within(values: FloatArray, arm: np.ndarray) -> FloatArray:
    means = np.array([values[arm == number].mean() for number in range(arm.max() + 1)])
    return np.asarray(values - means[arm])


def _correlation(one: FloatArray, two: FloatArray) -> float:
    return float(one @ two / np.sqrt((one @ one) * (two @ two)))
