"""How far imputed outcomes would have to be from what was assumed for the conclusion to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.missing_data.imputation import Imputation, impute

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["TippingPoint", "tipping_point"]

_STEPS = 21
_SPREAD = 2.0
_FARTHEST = 5.0
_SCAN = 101


@dataclass(frozen=True)
class TippingPoint:
    """A grid of deltas, and where the conclusion changes.

    Attributes
    ----------
    grid : DataFrame
        A row for each visit and pair of deltas: visit, delta (of the compared arm), delta_reference, estimate,
        std_error, df, statistic, p_value, conf_low, conf_high.
    crossings : DataFrame
        A row for each visit and direction: visit, direction (lower, higher), delta at which p is alpha with no delta in
        the reference arm; NaN where there is none up to 5 residual SDs.
    imputation : Imputation
        Without deltas.
    compared, reference : str
        The arms.
    alpha : float
        Two-sided level of the conclusion.
    sd : dict of str to float
        SD of the imputation model at each visit given baseline, in the unit of the outcome.
    """

    grid: pd.DataFrame
    crossings: pd.DataFrame
    imputation: Imputation
    compared: str
    reference: str
    alpha: float
    sd: dict[str, float]

    def tidy(self) -> pd.DataFrame:
        """Return the grid."""
        return self.grid.copy()

    def sentence(self, visit: str | None = None, label: str = "") -> str:
        """Say in words where the conclusion changes at a visit, the last by default; `label` names the compared arm."""
        at = self.imputation.table.visits[-1] if visit is None else visit
        base = self.imputation.inferred()
        number = self.imputation.table.visits.index(at)
        column = self.imputation.table.arms.index(self.compared) - 1
        p = float(base.p_value[0, number, column])
        found = self.crossings[self.crossings["visit"] == at].dropna(subset="delta")
        held = "significant" if p < self.alpha else "not significant"
        start, arm = f"Without delta the difference is {held} at {self.alpha:g}", label or self.compared
        if found.empty:
            return f"{start}, and no delta of the imputed values in {arm} up to {_FARTHEST:g} residual SDs changes that."
        where = " or ".join(
            f"{delta:+.3g} ({abs(delta) / self.sd[at]:.2g} residual SDs)" for delta in found["delta"].tolist()
        )
        shifted = where.replace("-", "\N{MINUS SIGN}")
        return f"{start}; it would change if imputed values in {arm} were shifted by {shifted}."


def tipping_point(
    data: pd.DataFrame,
    *,
    deltas: Sequence[float] | None = None,
    deltas_reference: Sequence[float] | None = None,
    compared: str | None = None,
    alpha: float = 0.05,
    **imputation: Any,
) -> TippingPoint:
    """Add deltas to the imputed outcomes of both arms and test again, for each pair.

    The estimate is linear in the deltas: no model is fitted again, for the jackknife neither.

    Parameters
    ----------
    data : DataFrame
        As in `neurotrial.models.impute`.
    deltas, deltas_reference : sequence of float, optional
        Of the compared arm and of the reference; 21 each between -2 and 2 residual SDs of the imputation model (the
        last visit's) by default.
    compared : str, optional
        The arm that is compared with the reference; the first other arm by default.
    alpha : float
        In (0, 1).
    **imputation
        As in `neurotrial.models.impute`, which has the data, the strategy and the method; but for ``delta``.

    Returns
    -------
    TippingPoint
        `tidy` has a row for each visit and pair of deltas.

    Raises
    ------
    InputError
        As `neurotrial.models.impute`; if nothing is missing in the arms, or a delta is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"participant_id": [f"sub-{i}" for i in range(10)] * 2,
    ...                        "arm": ["control"] * 5 + ["cells"] * 5 + ["control"] * 5 + ["cells"] * 5,
    ...                        "visit": ["baseline"] * 10 + ["day90"] * 10,
    ...                        "fma": [20, 31, 45, 22, 30, 47, 25, 38, 28, 45,
    ...                                22, 33, 45, None, 30, 60, 37, None, 44, 57]})
    >>> found = tipping_point(scores, outcome="fma", subject="participant_id", visit="visit", arm="arm",
    ...                       reference="control", deltas=[-20, -10, 0], deltas_reference=[0])
    >>> found.tidy()["p_value"].round(3).tolist()
    [0.104, 0.008, 0.0]
    """
    if "delta" in imputation:
        raise refuse("delta", "is what the grid varies", "use `deltas` and `deltas_reference`")
    if not 0 < alpha < 1:
        raise refuse("alpha", f"{alpha:g} is not between 0 and 1", "give the level as a share, e.g. 0.05")
    found = impute(data, **imputation)
    arms = found.table.arms
    name = arms[1] if compared is None else compared
    if name not in arms[1:]:
        raise refuse("compared", f"{name!r} is no arm to compare", f"use one of: {', '.join(arms[1:])}")
    number = arms.index(name)
    involved = np.isin(found.table.arm, (0, number))
    if not found.table.missing[involved].any():
        rule = f"nothing is missing in {arms[0]} and {name}"
        raise refuse("outcome", rule, "there is nothing to shift: report the analysis as it is")
    sd = _residual_sd(found)
    own, other = (
        _axis(given, sd[-1], place)
        for given, place in ((deltas, "deltas"), (deltas_reference, "deltas_reference"))
    )
    return TippingPoint(
        grid=_grid(found, number, own, other),
        crossings=_crossings(found, number, sd, alpha),
        imputation=found,
        compared=name,
        reference=arms[0],
        alpha=alpha,
        sd=dict(zip(found.table.visits, sd.tolist(), strict=True)),
    )


def _residual_sd(found: Imputation) -> FloatArray:
    covariance, n_visits = found.covariance.mean(axis=0), len(found.table.visits)
    variance = np.diag(covariance)
    if len(variance) > n_visits:  # the baseline is an outcome of the model
        variance = (variance - covariance[:, 0] ** 2 / covariance[0, 0])[1:]
    return np.asarray(np.sqrt(variance))


def _axis(given: Sequence[float] | None, sd: float, place: str) -> FloatArray:
    if given is None:
        return np.linspace(-_SPREAD * sd, _SPREAD * sd, _STEPS)
    values = np.asarray(given, dtype="float64")
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InputError(
            [Problem(place, "must be a list of finite numbers", "give deltas in the unit of the outcome")]
        )
    return values


def _rows(found: Imputation, number: int, own: FloatArray, other: FloatArray) -> FloatArray:
    rows = np.zeros((own.size, len(found.table.arms)))
    rows[:, number], rows[:, 0] = own, other
    return rows


def _grid(found: Imputation, number: int, own: FloatArray, other: FloatArray) -> pd.DataFrame:
    first, second = (axis.ravel() for axis in np.meshgrid(own, other, indexing="ij"))
    tested = found.inferred(_rows(found, number, first, second))
    columns = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    parts = [
        pd.DataFrame(
            {"visit": visit, "delta": first, "delta_reference": second}
            | {column: getattr(tested, column)[:, at, number - 1] for column in columns}
        )
        for at, visit in enumerate(found.table.visits)
    ]
    return pd.concat(parts, ignore_index=True)


def _crossings(found: Imputation, number: int, sd: FloatArray, alpha: float) -> pd.DataFrame:
    rows = [
        {"visit": visit, "direction": direction, "delta": _crossing(found, number, at, sign * sd[at], alpha)}
        for at, visit in enumerate(found.table.visits)
        for direction, sign in (("lower", -1.0), ("higher", 1.0))
    ]
    return pd.DataFrame(rows)


def _crossing(found: Imputation, number: int, visit: int, unit: float, alpha: float) -> float:
    """Return the delta nearest to 0 at which p is alpha, in the direction of `unit`."""
    from scipy import optimize

    def excess(deltas: FloatArray) -> FloatArray:
        tested = found.inferred(_rows(found, number, deltas, np.zeros_like(deltas)))
        return np.asarray(tested.p_value[:, visit, number - 1] - alpha)

    scan = np.linspace(0.0, _FARTHEST * unit, _SCAN)
    above = excess(scan) > 0
    change = np.flatnonzero(above[1:] != above[0])
    if not change.size:
        return float("nan")
    k = int(change[0])
    root = optimize.brentq(
        lambda delta: float(excess(np.array([delta]))[0]), scan[k], scan[k + 1], xtol=1e-10
    )
    return float(root)
