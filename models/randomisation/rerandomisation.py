"""Re-randomisation: the adjusted statistic under every way the labels could have been drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.checks import check_level
from neurotrial.models.randomisation.adjusted import STATISTICS, Adjusted, Statistic, adjusted
from neurotrial.models.randomisation.allocation import Allocation, Labels, labels_of
from neurotrial.models.randomisation.relabelling import Relabelled, p_value, reached, relabelled, step_down
from neurotrial.models.randomisation.table import Randomised, randomised
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed

__all__ = ["MaxT", "Rerandomisation", "maxt", "rerandomise"]

_HALVINGS = 40
_WIDEST = 60.0
_NARROW = 1e-6


@dataclass(frozen=True, slots=True)
class Rerandomisation:
    """A re-randomisation test.

    Attributes
    ----------
    estimate, std_error : float
        Adjusted difference between the arms, and the standard error that studentises it.
    statistic : float
        Their ratio.
    p_value, p_std_error : float
        Two-sided; its Monte Carlo standard error, 0 if exact.
    conf_low, conf_high, conf_level : float
        The effects that the test does not reject, if everybody would be shifted by the same amount; NaN without.
    exact : bool
        Whether every distinct labelling was counted.
    n_relabellings : int
        Labellings that were counted.
    words : str
        What was kept when labels were redrawn.
    contrast : str
        The arms.
    n_per_arm : mapping of str to int
        Participants with outcome, baseline and covariates.
    n_randomised : int
        All whose labels were redrawn.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    p_std_error: float
    conf_low: float
    conf_high: float
    conf_level: float
    exact: bool
    n_relabellings: int
    words: str
    contrast: str
    n_per_arm: dict[str, int]
    n_randomised: int

    def tidy(self) -> pd.DataFrame:
        """Return one row with the columns of `neurotrial.models.tidy`."""
        said = f"{self.words}; {'all' if self.exact else ''} {self.n_relabellings} labellings".replace(
            "  ", " "
        )
        return tidy_frame([
            Estimate(
                "rerandomisation",
                "arm",
                self.contrast,
                self.n_per_arm,
                estimate=self.estimate,
                std_error=self.std_error,
                statistic=self.statistic,
                conf_low=self.conf_low,
                conf_high=self.conf_high,
                conf_level=self.conf_level,
                interval_kind="permutation" if np.isfinite(self.conf_low) else "none",
                p_value=self.p_value,
                reason=f"{said}; Monte Carlo error of p {self.p_std_error:.2g}",
            )
        ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class MaxT:
    """Step-down maxT over outcomes on one re-randomisation distribution.

    Attributes
    ----------
    table : DataFrame
        A row for each outcome: outcome, n, estimate, statistic, p_value, p_adjusted.
    exact : bool
        Whether every distinct labelling was counted.
    n_relabellings : int
        Labellings that were counted.
    words : str
        What was kept when labels were redrawn.
    """

    table: pd.DataFrame
    exact: bool
    n_relabellings: int
    words: str

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def rerandomise(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    baseline: str | None = None,
    covariates: Sequence[str] = (),
    allocation: Allocation | None = None,
    reference: str | None = None,
    statistic: Statistic = "hc2",
    interval: bool = True,
    conf_level: float = 0.95,
    n_resamples: int = 10_000,
    seed: Seed = 0,
) -> Rerandomisation:
    """Test the difference between two arms by drawing the labels again as they were drawn.

    The labels of all randomised are redrawn, and the adjusted statistic is computed from those with an outcome: exact
    under the hypothesis that nobody's outcome, nor its being missing, depends on the arm.

    Parameters
    ----------
    data : DataFrame
        One row per randomised participant; who misses the outcome keeps a row.
    outcome, arm : str
        Columns with the value and the arm (two arms).
    baseline : str, optional
        Column with the value at baseline, by which the statistic is adjusted.
    covariates : sequence of str
        Further columns or formula terms.
    allocation : Allocation, optional
        Blocks and strata; without it complete randomisation with fixed totals, which the result says.
    reference : str, optional
        The arm that the other is compared with; the first by default.
    statistic : {"hc2", "pooled"}
        ``hc2`` is robust to unequal variances in arms of unequal size, and Welch's t where nothing is adjusted for.
    interval : bool
        Whether the interval is computed, by inversion of the test for an effect that is the same for everybody.
    conf_level : float
        In (0, 1).
    n_resamples : int
        If there are no more distinct labellings than this, all are counted; else so many are drawn.
    seed : int or SeedSequence
        Root of the random stream.

    Returns
    -------
    Rerandomisation
        With the p-value of Phipson and Smyth, exact where all labellings were counted.

    Raises
    ------
    InputError
        If the table, the allocation or a choice is wrong, or too few participants have an outcome.

    References
    ----------
    .. [1] Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39. https://doi.org/10.2202/1544-6115.1585
    .. [2] Rosenberger WF et al. Stat Med 2019;38:1-12. https://doi.org/10.1002/sim.7930

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"arm": ["cells"] * 4 + ["control"] * 3, "gain": [9.0, 8, 12, 7, 3, 4, 6]})
    >>> result = rerandomise(table, outcome="gain", arm="arm", reference="control")
    >>> result.exact, result.n_relabellings, round(result.p_value, 4)
    (True, 35, 0.0286)
    """
    check_level(conf_level)
    _check_statistic(statistic)
    table = randomised(data, arm, [outcome], [baseline] if baseline else [], covariates, reference)
    labels = labels_of(table.frame, arm, table.reference, allocation)
    one = adjusted(table.values(outcome), table.explaining(baseline, covariates), statistic, outcome)
    counts = _counts(table, labels, one, outcome)
    found = relabelled([one], labels, n_resamples, seed)
    share, error = p_value(reached(found.statistics[:, 0], found.observed[0]), exact=found.exact)
    estimate, std_error = one.estimate(labels.treated)
    low, high = (
        _interval(one, labels, found, estimate, std_error, 1 - conf_level) if interval else (np.nan, np.nan)
    )
    return Rerandomisation(
        estimate=estimate,
        std_error=std_error,
        statistic=float(found.observed[0]),
        p_value=share,
        p_std_error=error,
        conf_low=low,
        conf_high=high,
        conf_level=conf_level if interval else np.nan,
        exact=found.exact,
        n_relabellings=len(found.statistics),
        words=labels.words,
        contrast=f"{table.treated} - {table.reference}",
        n_per_arm=counts,
        n_randomised=len(table.frame),
    )


def maxt(
    data: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    arm: str,
    baselines: Sequence[str] | None = None,
    covariates: Sequence[str] = (),
    allocation: Allocation | None = None,
    reference: str | None = None,
    statistic: Statistic = "hc2",
    n_resamples: int = 10_000,
    seed: Seed = 0,
) -> MaxT:
    """Test several outcomes on one re-randomisation distribution, with step-down maxT adjusted p-values.

    Parameters
    ----------
    data : DataFrame
        One row per randomised participant; outcomes may be missing for different people.
    outcomes : sequence of str
        Columns with the values.
    arm : str
        Column with the arm (two arms).
    baselines : sequence of str, optional
        For each outcome the column with its value at baseline.
    covariates, allocation, reference, statistic, n_resamples, seed
        As in `rerandomise`.

    Returns
    -------
    MaxT
        ``p_adjusted`` controls the familywise error under any dependence of the outcomes.

    Raises
    ------
    InputError
        As `rerandomise`; and if there is not one baseline for each outcome.

    References
    ----------
    Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993.
    """
    _check_statistic(statistic)
    if baselines is not None and len(baselines) != len(outcomes):
        rule = f"there are {len(baselines)} for {len(outcomes)} outcomes"
        raise refuse("baselines", rule, "give one column for each outcome, in the same order")
    if not outcomes:
        raise refuse("outcomes", "there are none", "name at least one column")
    table = randomised(data, arm, outcomes, baselines or (), covariates, reference)
    labels = labels_of(table.frame, arm, table.reference, allocation)
    paired: Sequence[str | None] = [None] * len(outcomes) if baselines is None else baselines
    ready = [
        adjusted(table.values(name), table.explaining(baseline, covariates), statistic, name)
        for name, baseline in zip(outcomes, paired, strict=True)
    ]
    for name, one in zip(outcomes, ready, strict=True):
        _counts(table, labels, one, name)
    found = relabelled(ready, labels, n_resamples, seed)
    raw = [
        p_value(reached(found.statistics[:, k], found.observed[k]), exact=found.exact)[0]
        for k in range(len(ready))
    ]
    rows = pd.DataFrame(
        {
            "outcome": list(outcomes),
            "n": [one.seen.size for one in ready],
            "estimate": [one.estimate(labels.treated)[0] for one in ready],
            "statistic": found.observed,
            "p_value": raw,
            "p_adjusted": step_down(found),
        }
    )
    return MaxT(rows, found.exact, len(found.statistics), labels.words)


def _check_statistic(statistic: str) -> None:
    if statistic not in STATISTICS:
        raise refuse("statistic", f"{statistic!r} is not known", f"use one of: {', '.join(STATISTICS)}")


def _counts(table: Randomised, labels: Labels, one: Adjusted, outcome: str) -> dict[str, int]:
    treated = int(labels.treated[one.seen].sum())
    counts = {table.reference: one.seen.size - treated, table.treated: treated}
    empty = [name for name, count in counts.items() if not count]
    if empty:
        rule = f"nobody of {empty[0]!r} has the outcome, baseline and covariates"
        raise refuse(f"outcome {outcome!r}", rule, "leave the outcome out")
    return counts


def _interval(
    one: Adjusted, labels: Labels, found: Relabelled, estimate: float, std_error: float, alpha: float
) -> tuple[float, float]:
    """Return the effects at which the test begins to reject, on either side of the estimate."""

    def rejected(effect: float) -> bool:
        statistics = one.tests(found.labels, effect, labels.treated)
        observed = float(one.tests(labels.treated[None], effect, labels.treated)[0])
        return p_value(reached(statistics, observed), exact=found.exact)[0] <= alpha

    limits = []
    for side in (-1.0, 1.0):
        inside, step = estimate, std_error
        while not rejected(estimate + side * step):
            inside = estimate + side * step
            step *= 2
            if step > _WIDEST * std_error:
                limits.append(side * np.inf)
                break
        else:
            outside = estimate + side * step
            for _ in range(_HALVINGS):
                middle = (inside + outside) / 2
                inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
                if abs(outside - inside) < _NARROW * std_error:
                    break
            limits.append(inside)
    return float(limits[0]), float(limits[1])
