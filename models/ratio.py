"""The improvement ratio: change as a share of baseline, or of what was left to gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.models.between import against_reference, permutation_estimate, rank_estimate, t_estimate
from neurotrial.models.checks import FEWEST, ArmTable, arm_table, check_level
from neurotrial.models.permutation import PermutationTest, Seed, permutation_test
from neurotrial.models.ranks import RankTest, rank_test
from neurotrial.models.student import FloatArray, welch_t
from neurotrial.models.tidy import Estimate, tidy_frame
from neurotrial.table_checks import describe_rows

__all__ = ["ImprovementRatio", "improvement_ratio"]

Definition = Literal["baseline", "potential"]
Undefined = Literal["missing", "floor"]

FLOOR = 1.0
"""Smallest denominator of the sensitivity analysis: one point of the score."""


@dataclass(frozen=True, slots=True)
class ImprovementRatio:
    """Improvement ratios of the arms, compared.

    Attributes
    ----------
    definition : {"baseline", "potential"}
        What the change is divided by.
    summaries : DataFrame
        A row for each arm: arm, n, n_undefined, n_floored, mean, sd, median, q1, q3, minimum, maximum.
    estimates : tuple of Estimate
        Difference of means with Welch's t, Hodges-Lehmann shift with the Mann-Whitney test, difference of means with
        the permutation test.
    rank_tests, permutation_tests : mapping of str to object
        The details, by compared arm.
    note : str
        Who was left out, which ratios are undefined and what that does to the population; empty if neither.
    """

    definition: Definition
    summaries: pd.DataFrame
    estimates: tuple[Estimate, ...]
    rank_tests: Mapping[str, RankTest]
    permutation_tests: Mapping[str, PermutationTest]
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def improvement_ratio(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    definition: Definition = "baseline",
    maximum: float | None = None,
    undefined: Undefined = "missing",
    reference: str | None = None,
    conf_level: float = 0.95,
    n_resamples: int = 10_000,
    seed: Seed = 0,
    visit: str = "",
) -> ImprovementRatio:
    """Compare improvement ratios between arms.

    The distribution of a ratio depends on baseline, so that arms which differ at baseline differ in it without any
    effect [1]_: read it beside the baseline-adjusted difference of `neurotrial.models.ancova`.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses outcome or baseline is left out and counted.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline (0 or more for ``"baseline"``), and the arm.
    definition : {"baseline", "potential"}
        ``(outcome - baseline) / baseline`` or ``(outcome - baseline) / (maximum - baseline)``.
    maximum : float, optional
        Highest possible value; needed for ``"potential"``.
    undefined : {"missing", "floor"}
        A ratio whose denominator is 0 is left out, or, as a sensitivity analysis, every denominator below 1 becomes 1
        (sensible only where 1 is one point of a score); the methods then end in ``_floor``.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    conf_level : float
        In (0, 1).
    n_resamples, seed : int
        See `neurotrial.models.permutation.permutation_test`.
    visit : str
        Name of the follow-up visit, for the table only.

    Returns
    -------
    ImprovementRatio
        Undefined ratios are counted by arm; leaving them out changes the population, which the note says.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, a choice is unknown, the maximum is missing,
        or a denominator is negative.

    References
    ----------
    .. [1] Vickers AJ. BMC Med Res Methodol 2001;1:6. https://doi.org/10.1186/1471-2288-1-6

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"arm": ["control"] * 3 + ["cells"] * 3, "baseline": [0.0, 30, 40, 20, 30, 40],
    ...                        "day90": [28.0, 36, 52, 30, 42, 50]})
    >>> result = improvement_ratio(scores, outcome="day90", baseline="baseline", arm="arm", reference="control")
    >>> result.note
    'undefined ratios left out: 1 (control 1), so that the population is not the one analysed without ratios'
    """
    check_level(conf_level)
    _check_choices(definition, maximum, undefined)
    table = arm_table(data, arm=arm, numeric=(outcome, baseline), reference=reference)
    denominators = _denominators(table, outcome, baseline, maximum if definition == "potential" else None)
    floored = denominators < FLOOR if undefined == "floor" else denominators < 0
    denominators = denominators.mask(floored, FLOOR)
    ratios = ((table.frame[outcome] - table.frame[baseline]) / denominators).where(denominators != 0)
    values = _by_arm(table, ratios.dropna())
    reference_values = values[table.reference]
    usable = _usable(values, table)
    ranks = {name: rank_test(values[name], reference_values, conf_level=conf_level) for name in usable}
    permutations = {
        name: permutation_test(values[name], reference_values, n_resamples=n_resamples, seed=seed)
        for name in usable
    }
    makers: dict[str, Callable[[str, Estimate], Estimate]] = {
        "welch": lambda name, row: t_estimate(
            welch_t(values[name], reference_values, conf_level), row, conf_level
        ),
        "mann_whitney": lambda name, row: rank_estimate(ranks[name], row, conf_level),
        "permutation": lambda name, row: permutation_estimate(permutations[name], row),
    }
    undefined_note = _undefined_note(table, ratios)
    suffix = "_floor" if undefined == "floor" else ""
    estimates = tuple(
        _counted(make(name, row) if name in usable else _too_few(row), values, undefined_note)
        for test, make in makers.items()
        for name, row in against_reference(table, f"ratio_{definition}_{test}{suffix}", visit)
    )
    notes = [table.note, undefined_note, _floor_note(table, floored)]
    summaries = _summaries(table, ratios, floored)
    return ImprovementRatio(
        definition, summaries, estimates, ranks, permutations, "; ".join(filter(None, notes))
    )


def _check_choices(definition: str, maximum: float | None, undefined: str) -> None:
    problems = []
    if definition not in {"baseline", "potential"}:
        problems.append(Problem("definition", f"{definition!r} is unknown", "use baseline or potential"))
    if undefined not in {"missing", "floor"}:
        problems.append(Problem("undefined", f"{undefined!r} is unknown", "use missing or floor"))
    if definition == "potential" and (maximum is None or not np.isfinite(maximum)):
        rule = "the share of potential needs the highest possible value"
        problems.append(Problem("maximum", rule, "give it, e.g. maximum=100"))
    if problems:
        raise InputError(problems)


def _denominators(table: ArmTable, outcome: str, baseline: str, maximum: float | None) -> pd.Series[float]:
    """Return what the change is divided by, 0 or more; `maximum` is None for the ratio to baseline."""
    frame = table.frame
    if maximum is None:
        wrong = frame.index[frame[baseline] < 0]
        rule = "a ratio to baseline needs values of 0 or more"
        remedy = "compare the change or the adjusted difference instead"
    else:
        wrong = frame.index[(frame[baseline] > maximum) | (frame[outcome] > maximum)]
        rule = f"a value exceeds the maximum {maximum:g}"
        remedy = "correct the values or the maximum"
    if len(wrong):
        raise InputError(
            [Problem(f"column {baseline!r}", rule, remedy, describe_rows(frame, wrong, frame.columns))]
        )
    return frame[baseline] if maximum is None else maximum - frame[baseline]


def _by_arm(table: ArmTable, ratios: pd.Series[float]) -> dict[str, FloatArray]:
    arms = table.frame.loc[ratios.index, table.arm]
    return {name: ratios[arms == name].to_numpy(dtype="float64") for name in table.arms}


def _usable(values: Mapping[str, FloatArray], table: ArmTable) -> list[str]:
    """Return the compared arms that have, as the reference has, enough defined ratios."""
    if values[table.reference].size < FEWEST:
        return []
    return [name for name in table.compared if values[name].size >= FEWEST]


def _too_few(row: Estimate) -> Estimate:
    reason = f"fewer than {FEWEST} participants of an arm have a defined ratio"
    return replace(row, status="failed", reason=reason)


def _counted(row: Estimate, values: Mapping[str, FloatArray], note: str) -> Estimate:
    counts = {name: int(values[name].size) for name in row.n_per_arm}
    return replace(row, n_per_arm=counts, reason="; ".join(filter(None, [row.reason, note])))


def _per_arm(table: ArmTable, hits: pd.Series[bool]) -> dict[str, int]:
    return {name: int((hits & (table.frame[table.arm] == name)).sum()) for name in table.arms}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def _undefined_note(table: ArmTable, ratios: pd.Series[float]) -> str:
    counts = _per_arm(table, ratios.isna())
    if not any(counts.values()):
        return ""
    changed = "so that the population is not the one analysed without ratios"
    return f"undefined ratios left out: {sum(counts.values())} ({_listed(counts)}), {changed}"


def _floor_note(table: ArmTable, floored: pd.Series[bool]) -> str:
    counts = _per_arm(table, floored)
    total = sum(counts.values())
    return f"denominators raised to {FLOOR:g}: {total} ({_listed(counts)})" if total else ""


def _summaries(table: ArmTable, ratios: pd.Series[float], floored: pd.Series[bool]) -> pd.DataFrame:
    undefined, raised, values = (
        _per_arm(table, ratios.isna()),
        _per_arm(table, floored),
        _by_arm(table, ratios.dropna()),
    )
    return pd.DataFrame([
        {"arm": name, "n": own.size, "n_undefined": undefined[name], "n_floored": raised[name], **_summary(own)}
        for name, own in values.items()
    ])  # fmt: skip


def _summary(values: FloatArray) -> dict[str, float]:
    names = ("mean", "sd", "median", "q1", "q3", "minimum", "maximum")
    if not values.size:
        return dict.fromkeys(names, np.nan)
    low, q1, median, q3, high = (float(q) for q in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    sd = float(values.std(ddof=1)) if values.size > 1 else np.nan
    return dict(zip(names, (float(values.mean()), sd, median, q1, q3, low, high), strict=True))
