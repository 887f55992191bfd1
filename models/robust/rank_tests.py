"""Rank tests of two arms on a table: Mann-Whitney with its shift, and the probability of superiority."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.change import Comparison
from neurotrial.models.checks import arm_table, check_level
from neurotrial.models.ranks import rank_test
from neurotrial.models.robust.brunner_munzel import superiority
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["rank_comparison"]


def rank_comparison(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    baseline: str | None = None,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the ranks of arms, of the change from baseline where a baseline is named.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, arm : str
        Columns with the value at follow-up and the arm.
    baseline : str, optional
        Column with the baseline; the change is compared then.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``mann_whitney``: Hodges-Lehmann shift in the unit of the outcome with
        its interval, exact for up to 100 participants; and a row ``brunner_munzel``: probability that a treated value
        exceeds a reference value (ties a half), with its test against 1/2, which needs no equal spreads.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 4 + ["cells"] * 4, "day90": [28.0, 40, 31, 35, 38, 41, 60, 52]})
    >>> rank_comparison(scores, outcome="day90", arm="arm", reference="control").tidy()["estimate"].round(2).tolist()
    [12.5, 0.94]
    """
    check_level(conf_level)
    table = arm_table(
        data, arm=arm, numeric=[outcome, *([baseline] if baseline else [])], reference=reference
    )
    values = {name: table.values(outcome, name) for name in table.arms}
    if baseline:
        values = {name: own - table.values(baseline, name) for name, own in values.items()}
    rows = []
    for name in table.compared:
        template = Estimate(
            "", "arm", f"{name} - {table.reference}", table.pair(name), visit=visit, conf_level=conf_level
        )
        pair = values[name], values[table.reference]
        rows += [_mann_whitney(template, *pair), _brunner_munzel(template, *pair)]
    return Comparison(tuple(rows), table.note)


def _mann_whitney(template: Estimate, treated: FloatArray, reference: FloatArray) -> Estimate:
    found = rank_test(treated, reference, conf_level=template.conf_level)
    exact = "exact given the ties" if found.method == "exact_conditional" else "normal approximation"
    return replace(
        template,
        method="mann_whitney",
        estimate=found.hodges_lehmann,
        statistic=found.u,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        interval_kind=found.interval_kind,
        p_value=found.p_value,
        reason=f"Hodges-Lehmann shift; p {exact}",
    )


def _brunner_munzel(template: Estimate, treated: FloatArray, reference: FloatArray) -> Estimate:
    found = superiority(treated, reference, template.conf_level)
    label = replace(template, method="brunner_munzel", estimate=found.estimate)
    if not np.isfinite(found.p_value):
        reason = "the arms do not overlap: the probability of superiority has no standard error"
        return replace(label, status="failed", reason=reason)
    return replace(
        label,
        std_error=found.std_error,
        df=found.df,
        statistic=found.statistic,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        interval_kind="t",
        p_value=found.p_value,
        reason="probability of superiority, tested against 1/2; interval on the log odds",
    )
