"""Time `compare_estimators` against the same rows from statsmodels and scipy, in one run.

Run from the top folder: ``python benchmarks/estimators.py``. It prints medians and their ratio and judges nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats

from neurotrial.models import compare_estimators

MAXIMUM = 66
RESAMPLES = 10_000
REPEATS = 15


def simulated(seed: int) -> pd.DataFrame:
    """Return a long table of 31 and 13 participants at two visits."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["control", "cells"], [13, 31])
    baseline = np.clip(np.round(rng.normal(30, 10, arm.size)), 1, 60)
    day90 = np.clip(np.round(12 + 0.7 * baseline + rng.normal(0, 8, arm.size)), 0, MAXIMUM)
    people = pd.DataFrame({"participant_id": [f"sub-{i:02d}" for i in range(arm.size)], "arm": arm})
    parts = [people.assign(visit="baseline", score=baseline), people.assign(visit="day90", score=day90)]
    return pd.concat(parts, ignore_index=True)


def plain(long: pd.DataFrame) -> list[float]:
    """Return the p-values of the same ten rows from library calls alone."""
    wide = long.pivot_table(index=["participant_id", "arm"], columns="visit", values="score").reset_index()
    fit = smf.ols("day90 ~ baseline + C(arm, Treatment('control'))", wide).fit()
    robust = fit.get_robustcov_results("HC3", use_t=True)
    change = wide["day90"] - wide["baseline"]
    treated = (wide["arm"] == "cells").to_numpy()
    found = [fit.pvalues.iloc[1], robust.pvalues[1]]
    compared = (change, wide["day90"], change / wide["baseline"], change / (MAXIMUM - wide["baseline"]))
    found += [stats.ttest_ind(v[treated], v[~treated], equal_var=False).pvalue for v in compared]
    for values in compared[2:]:
        groups = values[treated].to_numpy(), values[~treated].to_numpy()
        found.append(stats.mannwhitneyu(*groups, method="asymptotic").pvalue)
        found.append(
            stats.permutation_test(groups, welch, n_resamples=RESAMPLES, vectorized=True, rng=0).pvalue
        )
    return found


def welch(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return Welch's t along an axis."""
    spread = first.var(axis, ddof=1) / first.shape[axis] + second.var(axis, ddof=1) / second.shape[axis]
    return (first.mean(axis) - second.mean(axis)) / np.sqrt(spread)


def ours(long: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of this package."""
    roles = {"outcome": "score", "arm": "arm", "visit": "visit", "subject": "participant_id"}
    result = compare_estimators(long, **roles, reference="control", maximum=MAXIMUM, n_resamples=RESAMPLES)
    return result.tidy()


def median_seconds(call: Callable[[pd.DataFrame], object], tables: list[pd.DataFrame]) -> float:
    """Return the median time of a call over the tables."""
    times = []
    for table in tables:
        start = time.perf_counter()
        call(table)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def largest_difference(long: pd.DataFrame) -> float:
    """Return how far the p-values of the six t tests are apart; this warms both up too."""
    rows = ours(long)
    by_t = rows["interval_kind"].eq("t") & rows["term"].eq("arm")
    return float(np.abs(rows.loc[by_t, "p_value"].to_numpy() - plain(long)[:6]).max())


def main() -> None:
    """Print the medians and their ratio."""
    tables = [simulated(seed) for seed in range(REPEATS)]
    print(f"largest difference of a t test's p-value: {largest_difference(tables[0]):.1e}")
    package, libraries = median_seconds(ours, tables), median_seconds(plain, tables)
    print(f"compare_estimators          {1000 * package:7.1f} ms (median of {REPEATS})")
    print(f"plain statsmodels and scipy {1000 * libraries:7.1f} ms (median of {REPEATS})")
    print(f"ratio                       {package / libraries:7.2f}")


if __name__ == "__main__":
    main()
