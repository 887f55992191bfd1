"""Effects without a unit on a table: Hedges' g, the pretest-posttest-control d, Cliff's delta, each with its definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.change import Comparison
from neurotrial.models.checks import arm_table, check_level
from neurotrial.models.effect_sizes import StandardisedEffect, hedges_correction, hedges_g
from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["EFFECTS", "cliffs_delta", "d_ppc", "effects_of_table", "standardised_effects"]

Effect = Literal["hedges_g", "d_ppc", "cliffs_delta"]
EFFECTS: tuple[Effect, ...] = ("hedges_g", "d_ppc", "cliffs_delta")

_FEWEST = 5
"""Participants in both arms below which the variance of `d_ppc` is not defined."""


def standardised_effects(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    conf_level: float = 0.95,
    visit: str = "",
) -> Comparison:
    """Return the difference between arms without a unit, by three definitions.

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
        For each arm against the reference a row ``hedges_g`` (of the change, in SDs of the change), ``d_ppc`` (of the
        change, in baseline SDs) and ``cliffs_delta`` (of the change, between -1 and 1); `reason` names the definition.

    Raises
    ------
    InputError
        If the data break a rule of `neurotrial.models.checks.arm_table`, or values do not vary.
    """
    return effects_of_table(
        data, EFFECTS, outcome=outcome, baseline=baseline, arm=arm, reference=reference, conf_level=conf_level, visit=visit
    )  # fmt: skip


def effects_of_table(
    data: pd.DataFrame,
    kinds: Sequence[Effect],
    *,
    outcome: str,
    baseline: str | None,
    arm: str,
    reference: str | None,
    conf_level: float,
    visit: str,
) -> Comparison:
    """Return some of the effects; arguments as `standardised_effects`, without baseline of the outcome itself."""
    check_level(conf_level)
    table = arm_table(
        data, arm=arm, numeric=[outcome, *([baseline] if baseline else [])], reference=reference
    )
    after = {name: table.values(outcome, name) for name in table.arms}
    before = {name: table.values(baseline, name) if baseline else 0 * after[name] for name in table.arms}
    rows = []
    for name in table.compared:
        label = Estimate("", "arm", f"{name} - {table.reference}", table.pair(name), visit=visit)
        for kind in kinds:
            effect = _effect(kind, [(before[one], after[one]) for one in (name, table.reference)], conf_level)
            rows.append(effect.row(label))
    return Comparison(tuple(rows), table.note)


def _effect(
    kind: Effect, pairs: Sequence[tuple[FloatArray, FloatArray]], conf_level: float
) -> StandardisedEffect:
    if kind == "d_ppc":
        (first, second), (third, fourth) = pairs
        return d_ppc(first, second, third, fourth, conf_level)
    changes = [after - before for before, after in pairs]
    if kind == "cliffs_delta":
        return cliffs_delta(changes[0], changes[1], conf_level)
    return hedges_g(changes[0], changes[1], conf_level)


def d_ppc(
    treated_before: FloatArray,
    treated_after: FloatArray,
    reference_before: FloatArray,
    reference_after: FloatArray,
    conf_level: float = 0.95,
) -> StandardisedEffect:
    """Return the difference of mean changes over the standard deviation at baseline, pooled over both groups.

    Parameters
    ----------
    treated_before, treated_after : array of float, shape (n_treated,)
        Finite values of the same participants.
    reference_before, reference_after : array of float, shape (n_reference,)
        As those.
    conf_level : float
        In (0, 1).

    Returns
    -------
    StandardisedEffect
        With the variance and the small-sample factor of Morris; the interval is normal, since no exact one is known.

    Raises
    ------
    InputError
        If there are fewer than five participants, values do not vary, or the pairs differ in length.

    References
    ----------
    Morris SB. Organ Res Methods 2008;11:364-386. https://doi.org/10.1177/1094428106291059
    """
    from scipy import stats

    pairs = [
        (np.asarray(before, dtype="float64"), np.asarray(after, dtype="float64"))
        for before, after in ((treated_before, treated_after), (reference_before, reference_after))
    ]
    n1, n0 = (before.size for before, _ in pairs)
    if n1 + n0 < _FEWEST or any(before.shape != after.shape for before, after in pairs):
        raise refuse(
            "values", "d_ppc needs five participants with both values", "give both values of everybody"
        )
    df = n1 + n0 - 2
    squares = [_squares(before, before) for before, _ in pairs]
    later = [_squares(after, after) for _, after in pairs]
    if not (sum(squares) > 0 and sum(later) > 0):
        raise refuse("values", "do not vary within the groups", "there is no standard deviation to divide by")
    sd = float(np.sqrt(sum(squares) / df))
    rho = sum(_squares(before, after) for before, after in pairs) / float(np.sqrt(sum(squares) * sum(later)))
    changes = [float(after.mean() - before.mean()) for before, after in pairs]
    d, c = (changes[0] - changes[1]) / sd, hedges_correction(df)
    g = c * d
    spread = 2 * (1 - rho) * (n1 + n0) / (n1 * n0)
    variance = c**2 * spread * df / (df - 2) * (1 + g**2 / spread) - g**2
    half = float(stats.norm.isf((1 - conf_level) / 2)) * float(np.sqrt(variance))
    said = "of the change, in baseline SDs pooled over the arms (Morris 2008)"
    return StandardisedEffect(g, d, variance, g - half, g + half, conf_level, said, "d_ppc", "normal")


def cliffs_delta(treated: FloatArray, reference: FloatArray, conf_level: float = 0.95) -> StandardisedEffect:
    """Return how much more often a treated value is larger than a reference value than smaller, between -1 and 1.

    Parameters
    ----------
    treated, reference : array of float
        At least two finite values each.
    conf_level : float
        In (0, 1).

    Returns
    -------
    StandardisedEffect
        With Cliff's consistent variance and his asymmetric interval; without one where the groups do not overlap.

    Raises
    ------
    InputError
        If a group has fewer than two values.

    References
    ----------
    Cliff N. Psychol Bull 1993;114:494-509. https://doi.org/10.1037/0033-2909.114.3.494
    Feng D, Cliff N. J Mod Appl Stat Methods 2004;3:322-332. https://doi.org/10.22237/jmasm/1099267560
    """
    from scipy import stats

    groups = [np.asarray(values, dtype="float64") for values in (treated, reference)]
    if min(values.size for values in groups) < 2:  # noqa: PLR2004
        raise refuse("values", "a group has fewer than two", "give at least two finite numbers")
    signs = np.sign(np.subtract.outer(*groups))
    m, n = signs.shape
    delta = float(signs.mean())
    rows, columns = (((signs.mean(axis=axis) - delta) ** 2).sum() for axis in (1, 0))
    variance = float(
        (m**2 * columns + n**2 * rows - ((signs - delta) ** 2).sum()) / (m * n * (m - 1) * (n - 1))
    )
    said = "of pairs: share larger less share smaller (Cliff 1993)"
    if abs(delta) == 1 or not variance > 0:
        return StandardisedEffect(
            delta, delta, np.nan, np.nan, np.nan, conf_level, f"{said}; no interval: the arms do not overlap",
            "cliffs_delta", "none",
        )  # fmt: skip
    z = float(stats.norm.isf((1 - conf_level) / 2))
    half = z * float(np.sqrt(variance * ((1 - delta**2) ** 2 + z**2 * variance)))
    low, high = ((delta - delta**3 + sign * half) / (1 - delta**2 + z**2 * variance) for sign in (-1, 1))
    return StandardisedEffect(delta, delta, variance, low, high, conf_level, said, "cliffs_delta", "normal")


def _squares(one: FloatArray, two: FloatArray) -> float:
    return float(((one - one.mean()) * (two - two.mean())).sum())
