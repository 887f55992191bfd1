"""Unadjusted comparisons: the change score, the follow-up value alone, and the change within each arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.models.between import t_estimate, t_rows
from neurotrial.models.checks import arm_table, check_level
from neurotrial.models.student import paired_t, pooled_t, welch_t
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.checks import ArmTable
    from neurotrial.models.student import FloatArray

__all__ = ["Comparison", "change_score", "follow_up_only", "within_arm"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Estimates of one method.

    Attributes
    ----------
    estimates : tuple of Estimate
        In the order of `tidy`.
    note : str
        Who was left out and why; empty where nobody was.
    """

    estimates: tuple[Estimate, ...]
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def change_score(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the mean change from baseline between arms.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses outcome or baseline is left out and counted.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline, and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``change_welch`` and a row ``change_pooled``; both use the
        participants of these two arms only.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 3 + ["cells"] * 3, "baseline": [20.0, 31, 45, 22, 30, 47],
    ...                        "day90": [28.0, 40, 52, 35, 41, 60]})
    >>> result = change_score(scores, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> float(result.tidy()["estimate"].iloc[0].round(2))
    4.33
    """
    check_level(conf_level)
    table = arm_table(data, arm=arm, numeric=(outcome, baseline), reference=reference)
    tests = {"change_welch": welch_t, "change_pooled": pooled_t}
    rows = t_rows(table, _changes(table, outcome, baseline), tests, conf_level, visit)
    return Comparison(tuple(rows), table.note)


def follow_up_only(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    baseline: str | None = None,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Compare the mean value at follow-up between arms, without regard to baseline.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses one of the columns is left out and counted.
    outcome, arm : str
        Columns with the value at follow-up and the arm.
    baseline : str, optional
        Column with the baseline value; where it is given, only participants who have one are compared, as in the
        methods that use it.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``follow_up_welch``.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`.
    """
    check_level(conf_level)
    numeric = [outcome, *([baseline] if baseline else [])]
    table = arm_table(data, arm=arm, numeric=numeric, reference=reference)
    values = {name: table.values(outcome, name) for name in table.arms}
    rows = t_rows(table, values, {"follow_up_welch": welch_t}, conf_level, visit)
    return Comparison(tuple(rows), table.note)


def within_arm(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
    baseline_visit: str = "",
) -> Comparison:
    """Test the change within each arm, and with it the change between arms.

    A change that is significant in one arm and not in the other is no difference between arms, so the rows within
    arms never come without the row that compares them.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses outcome or baseline is left out and counted.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline, and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    visit, baseline_visit : str
        Names of the two visits; by default the names of the two columns.

    Returns
    -------
    Comparison
        For each arm against the reference a row ``change_welch``, then for each arm a row ``paired_t`` with the
        contrast ``visit - baseline_visit @ arm``.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`.

    References
    ----------
    Bland JM, Altman DG. Trials 2011;12:264. https://doi.org/10.1186/1745-6215-12-264
    """
    check_level(conf_level)
    table = arm_table(data, arm=arm, numeric=(outcome, baseline), reference=reference)
    changes = _changes(table, outcome, baseline)
    between = t_rows(table, changes, {"change_welch": welch_t}, conf_level, visit)
    label = f"{visit or outcome} - {baseline_visit or baseline}"
    within = (
        t_estimate(
            paired_t(table.values(baseline, name), table.values(outcome, name), conf_level),
            _within(f"{label} @ {name}", {name: n}, visit),
            conf_level,
        )
        for name, n in table.n_per_arm.items()
    )
    return Comparison((*between, *within), table.note)


def _within(contrast: str, n: dict[str, int], visit: str) -> Estimate:
    return Estimate("paired_t", "within_arm", contrast, n, visit, rows_per_participant=2)


def _changes(table: ArmTable, outcome: str, baseline: str) -> dict[str, FloatArray]:
    return {name: table.values(outcome, name) - table.values(baseline, name) for name in table.arms}
