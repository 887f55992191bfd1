"""The association of the change of one measure with the change of another, adjusted for arm and both baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.association.coupled import coupled_rows
from neurotrial.models.association.paired_table import PairedTable, paired_table
from neurotrial.models.checks import check_level
from neurotrial.models.least_squares import least_squares
from neurotrial.models.randomisation.relabelling import p_value, reached
from neurotrial.models.student import t_test
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["ChangeAssociation", "change_association"]

_FEWEST_LEFT = 4


@dataclass(frozen=True)
class ChangeAssociation:
    """How two changes go together.

    Attributes
    ----------
    estimates : tuple of Estimate
        In the order of `tidy`.
    slopes : DataFrame
        A row for each arm: arm, n, slope (unit of y in one unit of x) and std_error; they describe, and a slope that is
        significant in one arm only is no difference between arms.
    note : str
        Who was left out and why; empty where nobody was.
    """

    estimates: tuple[Estimate, ...]
    slopes: pd.DataFrame
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def change_association(
    data: pd.DataFrame,
    *,
    x: str,
    y: str,
    arm: str,
    x_baseline: str | None = None,
    y_baseline: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    coupling: Literal["refuse", "corrected"] = "refuse",
    n_resamples: int = 10_000,
    conf_level: float = 0.95,
    visit: str = "",
    seed: Seed = 0,
) -> ChangeAssociation:
    """Relate the change of one measure (imaging) to the change of another (motor score).

    With both baselines among the covariates the association of the changes is that of the follow-up values.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    x, y : str
        Columns with the values at follow-up.
    arm : str
        Column with the arm.
    x_baseline, y_baseline : str, optional
        Columns with their baselines.
    covariates : sequence of str
        Further terms.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    coupling : {"refuse", "corrected"}
        What is done where a change is related to its own baseline: the two share that value, so that they correlate
        whatever the truth is [1]_. ``refuse`` is an error; ``corrected`` asks instead whether follow-up varies less than
        baseline: Oldham's correlation of the change with the mean of both, tested by Pitman and Morgan [2]_.
    n_resamples : int
        Permutations.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the visit, for the table only.
    seed : int or SeedSequence
        Of the permutations.

    Returns
    -------
    ChangeAssociation
        Rows ``partial_correlation`` (interval by Fisher's z, p by permuted residuals, Freedman and Lane), ``change_slope``
        (unit of y in one unit of x, HC3), and for each arm against the reference ``change_slope_difference`` (arm x x
        interaction, HC3). With ``corrected``: ``oldham_correlation`` and, beside it, ``coupled_correlation`` without a test.

    Raises
    ------
    InputError
        If a change is related to its own baseline, a column breaks its rule, or too few participants are left.

    References
    ----------
    .. [1] Hope TMH et al. Brain 2019;142:15-22. https://doi.org/10.1093/brain/awy302
    .. [2] Oldham PD. J Chronic Dis 1962;15:969-977. https://doi.org/10.1016/0021-9681(62)90116-9

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> simulated = pd.DataFrame({"arm": ["control", "cells"] * 12, "fa0": rng.normal(size=24), "fma0": rng.normal(size=24)})
    >>> simulated["fa"] = simulated["fa0"] + rng.normal(size=24)
    >>> simulated["fma"] = simulated["fma0"] + simulated["fa"] - simulated["fa0"] + rng.normal(size=24)
    >>> found = change_association(simulated, x="fa", x_baseline="fa0", y="fma", y_baseline="fma0", arm="arm", n_resamples=999)
    >>> found.tidy()["method"].tolist()
    ['partial_correlation', 'change_slope', 'change_slope_difference']
    """
    check_level(conf_level)
    shared = _coupled(x, y, x_baseline, y_baseline)
    if coupling not in {"refuse", "corrected"}:
        raise refuse("coupling", f"{coupling!r} is unknown", "use one of: refuse, corrected")
    if shared and coupling == "refuse":
        rule = f"{shared} stands on both sides: the two correlate whatever the truth is (Hope 2019)"
        remedy = (
            'relate changes of two different measures; or ask coupling="corrected", which tests whether follow-up varies '
            "less than baseline"
        )
        raise refuse("x, y", rule, remedy)
    table = paired_table(
        data, arm, [name for name in (x, y, x_baseline, y_baseline) if name], covariates, reference
    )
    label = Estimate("", "association", f"{y} ~ {x}", table.n_per_arm, visit=visit, conf_level=conf_level)
    if shared:
        rows = coupled_rows(table, shared, _other(shared, x, y), label)
        return ChangeAssociation(rows, pd.DataFrame(columns=["arm", "n", "slope", "std_error"]), table.note)
    adjusting = [name for name in (x_baseline, y_baseline) if name]
    rows = (
        _partial(table, x, y, adjusting, label, n_resamples, seed),
        _slope(table, x, y, adjusting, label),
        *_differences(table, x, y, adjusting, label),
    )
    return ChangeAssociation(rows, _by_arm(table, x, y, adjusting), table.note)


def _coupled(x: str, y: str, x_baseline: str | None, y_baseline: str | None) -> str:
    """Return the column that stands on both sides, empty if none does."""
    if x == y:
        raise InputError([Problem("x, y", f"{x!r} is related to itself", "name two columns")])
    both = {x, x_baseline} & {y, y_baseline} - {None}
    return str(min(str(name) for name in both)) if both else ""


def _other(shared: str, x: str, y: str) -> str:
    """Return the follow-up value of the change whose baseline is shared."""
    return y if y != shared else x


def _partial(
    table: PairedTable,
    x: str,
    y: str,
    adjusting: Sequence[str],
    label: Estimate,
    n_resamples: int,
    seed: Seed,
) -> Estimate:
    from scipy import stats

    z = table.matrix(adjusting)
    basis = np.linalg.qr(z)[0]
    first, second = (_without(table.values(name), basis) for name in (x, y))
    left = table.n - z.shape[1]
    if left < _FEWEST_LEFT:
        raise refuse(
            "covariates", f"{table.n} participants are too few for {z.shape[1]} terms", "leave out covariates"
        )
    r = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    half = float(stats.norm.isf((1 - label.conf_level) / 2)) / np.sqrt(left - 2)
    low, high = np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)
    share, error = _permuted(first, second, basis, n_resamples, seed)
    return replace(
        label,
        method="partial_correlation",
        estimate=r,
        df=float(left - 1),
        statistic=r * float(np.sqrt((left - 1) / (1 - r**2))),
        conf_low=float(low),
        conf_high=float(high),
        interval_kind="normal",
        p_value=share,
        reason=f"adjusted for arm{_listed(adjusting)}; p by {n_resamples} permutations of residuals, approximate, "
        f"Monte Carlo error {error:.2g}; interval by Fisher's z",
    )


def _permuted(
    first: FloatArray, second: FloatArray, basis: FloatArray, n_resamples: int, seed: Seed
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    drawn = rng.permuted(np.tile(first, (n_resamples, 1)), axis=1)
    again = drawn - (drawn @ basis) @ basis.T
    size = np.sqrt((again**2).sum(axis=1))
    found = np.divide(again @ second, size, out=np.zeros(n_resamples), where=size > 0)
    return p_value(reached(found, float(first @ second / np.sqrt(first @ first))), exact=False)


def _slope(table: PairedTable, x: str, y: str, adjusting: Sequence[str], label: Estimate) -> Estimate:
    z = table.matrix(adjusting)
    matrix = pd.DataFrame(np.column_stack([z, table.values(x)]))
    weights = np.zeros(matrix.shape[1])
    weights[-1] = 1.0
    reason = f"{y} in one unit of {x}, adjusted for arm{_listed(adjusting)}; HC3"
    return _tested(replace(label, method="change_slope", reason=reason), matrix, table.values(y), weights)


def _differences(
    table: PairedTable, x: str, y: str, adjusting: Sequence[str], label: Estimate
) -> list[Estimate]:
    z, values, dummies = table.matrix(adjusting), table.values(x), table.dummies
    matrix = pd.DataFrame(np.column_stack([z, values, dummies * values[:, None]]))
    rows = []
    for number, name in enumerate(table.arms[1:]):
        weights = np.zeros(matrix.shape[1])
        weights[z.shape[1] + 1 + number] = 1.0
        own = replace(
            label,
            method="change_slope_difference",
            contrast=f"{label.contrast} @ {name} - {table.arms[0]}",
            reason="difference between the arms in the slope (interaction); HC3",
        )
        rows.append(_tested(own, matrix, table.values(y), weights))
    return rows


def _tested(label: Estimate, matrix: pd.DataFrame, y: FloatArray, weights: FloatArray) -> Estimate:
    fit = least_squares(y, matrix, "HC3")
    value = float(weights @ fit.coefficients)
    error = float(np.sqrt(weights @ fit.vcov["HC3"] @ weights))
    test = t_test(value, error, fit.df_resid, label.conf_level, 0.0)
    return replace(
        label,
        estimate=value,
        std_error=error,
        df=fit.df_resid,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        interval_kind="t",
        p_value=test.p_value,
    )


def _by_arm(table: PairedTable, x: str, y: str, adjusting: Sequence[str]) -> pd.DataFrame:
    rows = []
    for number, name in enumerate(table.arms):
        own = table.arm == number
        matrix = np.column_stack([np.ones(own.sum()), table.adjusting(adjusting)[own], table.values(x)[own]])
        slope = error = np.nan
        if own.sum() > matrix.shape[1] and np.linalg.matrix_rank(matrix) == matrix.shape[1]:
            fit = least_squares(table.values(y)[own], pd.DataFrame(matrix), "HC3")
            slope, error = float(fit.coefficients[-1]), float(np.sqrt(fit.vcov["HC3"][-1, -1]))
        rows.append({"arm": name, "n": int(own.sum()), "slope": slope, "std_error": error})
    return pd.DataFrame(rows)


def _without(values: FloatArray, basis: FloatArray) -> FloatArray:
    return np.asarray(values - basis @ (basis.T @ values))


def _listed(names: Sequence[str]) -> str:
    return "".join(f", {name}" for name in names)
