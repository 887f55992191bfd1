"""Mediation as an exploration: how much of the arms' difference goes along with the change of a mediator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.association.paired_table import PairedTable, paired_table
from neurotrial.models.checks import check_level
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["Mediation", "mediation"]

_CAVEAT = (
    "exploratory: hypothesis generating; assumes that nothing unmeasured drives mediator and outcome alike"
)
_ARMS = 2
_FEWEST_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Mediation:
    """A product-of-coefficients mediation analysis.

    Attributes
    ----------
    estimates : tuple of Estimate
        ``mediation_indirect``, ``mediation_direct``, ``mediation_total``, in the unit of the outcome.
    n_resamples : int
        Bootstrap samples that were used.
    note : str
        Who was left out and why; empty where nobody was.
    """

    estimates: tuple[Estimate, ...]
    n_resamples: int
    note: str

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)


def mediation(
    data: pd.DataFrame,
    *,
    outcome: str,
    outcome_baseline: str,
    mediator: str,
    mediator_baseline: str,
    arm: str,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    n_resamples: int = 2000,
    conf_level: float = 0.95,
    visit: str = "",
    seed: Seed = 0,
) -> Mediation:
    """Split the difference between two arms into a part that goes along with a mediator and the rest.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, outcome_baseline, mediator, mediator_baseline, arm : str
        Columns with both measures at both visits, and the arm.
    covariates : sequence of str
        Further terms.
    reference : str, optional
        The arm that the other is compared with; the first by default.
    n_resamples : int
        Bootstrap samples, stratified by arm; 200 or more.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the visit, for the table only.
    seed : int or SeedSequence
        Of the bootstrap.

    Returns
    -------
    Mediation
        Least squares, adjusted for both baselines; percentile intervals; no p-values. Total = direct + indirect exactly.

    Raises
    ------
    InputError
        If the data break a rule, there are not two arms, or there are too few participants.

    References
    ----------
    VanderWeele TJ. Annu Rev Public Health 2016;37:17-32. https://doi.org/10.1146/annurev-publhealth-032315-021402

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> simulated = pd.DataFrame({"arm": ["control", "cells"] * 12, "fa0": rng.normal(size=24), "fma0": rng.normal(size=24)})
    >>> simulated["fa"] = simulated["fa0"] + (simulated["arm"] == "cells") + rng.normal(size=24)
    >>> simulated["fma"] = simulated["fma0"] + 2 * simulated["fa"] + rng.normal(size=24)
    >>> found = mediation(simulated, outcome="fma", outcome_baseline="fma0", mediator="fa", mediator_baseline="fa0", arm="arm",
    ...                   reference="control")
    >>> indirect, direct, total = found.tidy()["estimate"]
    >>> bool(abs(indirect + direct - total) < 1e-12)
    True
    """
    check_level(conf_level)
    if n_resamples < _FEWEST_RESAMPLES:
        raise refuse(
            "n_resamples", f"{n_resamples} are too few for an interval", "use 200 or more, 2000 for reports"
        )
    names = (outcome, mediator, outcome_baseline, mediator_baseline)
    table = paired_table(data, arm, names, covariates, reference)
    if len(table.arms) != _ARMS:
        raise refuse(
            f"column {arm!r}", f"two arms are compared; found: {', '.join(table.arms)}", "give two arms"
        )
    z = table.matrix([outcome_baseline, mediator_baseline])
    if table.n <= z.shape[1] + 1:
        raise refuse("covariates", f"{table.n} participants are too few", "leave out covariates")
    y, m = table.values(outcome), table.values(mediator)
    found = _effects(z, m, y, np.ones((1, table.n)))[0]
    drawn = _effects(z, m, y, _counts(table, n_resamples, seed))
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    tail = (1 - conf_level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    label = Estimate(
        "",
        "association",
        f"{table.arms[1]} - {table.arms[0]}",
        table.n_per_arm,
        visit=visit,
        conf_level=conf_level,
        interval_kind="percentile",
    )
    rows = tuple(
        replace(
            label,
            method=f"mediation_{name}",
            estimate=float(found[k]),
            std_error=float(drawn[:, k].std(ddof=1)),
            conf_low=float(low[k]),
            conf_high=float(high[k]),
            reason=f"{_CAVEAT}; mediator {mediator}; {len(drawn)} bootstrap samples",
        )
        for k, name in enumerate(("indirect", "direct", "total"))
    )
    return Mediation(rows, len(drawn), table.note)


def _counts(table: PairedTable, n_resamples: int, seed: Seed) -> FloatArray:
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_resamples, table.n))
    for number in range(len(table.arms)):
        people = np.flatnonzero(table.arm == number)
        counts[:, people] = rng.multinomial(
            people.size, np.full(people.size, 1 / people.size), size=n_resamples
        )
    return counts


def _effects(z: FloatArray, m: FloatArray, y: FloatArray, counts: FloatArray) -> FloatArray:
    """Return indirect, direct and total effect for each row of counts; NaN where they are not determined."""
    whole = np.column_stack([z, m])
    total = _coefficients(z, y, counts)[:, 1]
    a = _coefficients(z, m, counts)[:, 1]
    given = _coefficients(whole, y, counts)
    return np.column_stack([a * given[:, -1], given[:, 1], total])


def _coefficients(x: FloatArray, y: FloatArray, counts: FloatArray) -> FloatArray:
    weighted = x[None] * counts[..., None]
    squares = np.swapaxes(weighted, 1, 2) @ x
    good = np.linalg.matrix_rank(squares) == x.shape[1]
    squares[~good] = np.eye(x.shape[1])
    found = np.linalg.solve(squares, (np.swapaxes(weighted, 1, 2) @ y)[..., None])[..., 0]
    return np.where(good[:, None], found, np.nan)
