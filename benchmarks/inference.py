"""Time re-randomisation, leave-one-out and tipping points against loops of statsmodels fits, in one run.

Run from the top folder, one thread: ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/inference.py``. The loop is timed on
some relabellings and its time a relabelling is multiplied. It prints times and their ratio and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.api as sm

from neurotrial.models import leave_one_out, maxt, tipping_point

OUTCOMES = 8
RELABELLINGS = 10_000
TIMED = 50
GRID = 21 * 21
REPEATS = 5


def simulated(seed: int) -> pd.DataFrame:
    """Return 36 and 18 randomised participants with eight outcomes and their baselines; ten miss each outcome."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"arm": np.repeat(["cells", "control"], [36, 18])})
    for number in range(OUTCOMES):
        before = rng.normal(size=len(frame))
        after = 0.7 * before + rng.normal(size=len(frame))
        after[rng.choice(len(frame), 10, replace=False)] = np.nan
        frame[f"before{number}"], frame[f"after{number}"] = before, after
    return frame


def ours(frame: pd.DataFrame) -> None:
    """Test all outcomes on all relabellings."""
    maxt(
        frame,
        outcomes=[f"after{number}" for number in range(OUTCOMES)],
        baselines=[f"before{number}" for number in range(OUTCOMES)],
        arm="arm",
        reference="control",
        n_resamples=RELABELLINGS,
    )


def loop(frame: pd.DataFrame) -> None:
    """Fit every outcome again for some relabellings."""
    rng = np.random.default_rng(0)
    treated = (frame["arm"] == "cells").to_numpy(dtype="float64")
    for _ in range(TIMED):
        label = rng.permutation(treated)
        for number in range(OUTCOMES):
            after = frame[f"after{number}"].to_numpy()
            seen = np.isfinite(after)
            design = np.column_stack([np.ones(len(frame)), label, frame[f"before{number}"]])[seen]
            float(sm.OLS(after[seen], design).fit(cov_type="HC2").tvalues[1])


def left_out(frame: pd.DataFrame) -> None:
    """Compare all outcomes without each of the 44 who have them in turn."""
    leave_one_out(
        frame,
        outcome=[f"after{number}" for number in range(OUTCOMES)],
        baseline=[f"before{number}" for number in range(OUTCOMES)],
        arm="arm",
        reference="control",
    )


def left_out_loop(frame: pd.DataFrame) -> None:
    """Fit every outcome again without each participant."""
    treated = (frame["arm"] == "cells").to_numpy(dtype="float64")
    for number in range(OUTCOMES):
        after = frame[f"after{number}"].to_numpy()
        seen = np.flatnonzero(np.isfinite(after))
        for who in seen:
            rest = seen[seen != who]
            design = np.column_stack([np.ones(len(frame)), treated, frame[f"before{number}"]])[rest]
            float(sm.OLS(after[rest], design).fit(cov_type="HC3").tvalues[1])


def tipped(frame: pd.DataFrame) -> None:
    """Shift the imputed values of one outcome over a grid of 21 by 21 pairs of deltas, with the jackknife."""
    parts = [
        frame[["arm"]].assign(who=np.arange(len(frame)), visit=visit, score=frame[column])
        for visit, column in (("baseline", "before0"), ("day90", "after0"))
    ]
    tipping_point(
        pd.concat(parts),
        outcome="score",
        subject="who",
        visit="visit",
        arm="arm",
        reference="control",
        strategy="J2R",
    )


def tipped_loop(frame: pd.DataFrame) -> None:
    """Impute by regression and fit again, without each participant, for one pair of deltas."""
    treated = (frame["arm"] == "cells").to_numpy(dtype="float64")
    design = np.column_stack([np.ones(len(frame)), treated, frame["before0"]])
    after = frame["after0"].to_numpy()
    for who in range(len(frame)):
        rest = np.arange(len(frame)) != who
        seen = rest & np.isfinite(after)
        model = sm.OLS(after[seen], design[seen]).fit()
        filled = np.where(np.isfinite(after), after, model.predict(design))[rest]
        float(sm.OLS(filled, design[rest]).fit().params[1])


def seconds(call: Callable[[pd.DataFrame], None], frame: pd.DataFrame) -> float:
    """Return the median time of a warm call."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        call(frame)
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def main() -> None:
    """Print the times and their ratio."""
    frame = simulated(1)
    package = seconds(ours, frame)
    peer = seconds(loop, frame) * RELABELLINGS / TIMED
    print(f"maxt, {RELABELLINGS:,} relabellings x {OUTCOMES} outcomes      {package:8.3f} s")
    print(f"loop of statsmodels fits ({TIMED} timed)         {peer:8.1f} s")
    print(f"ratio, loop / maxt                         {peer / package:8.0f}")
    package, peer = seconds(left_out, frame), seconds(left_out_loop, frame)
    print(f"leave-one-out, 44 x {OUTCOMES} outcomes              {package:8.3f} s")
    print(f"loop of statsmodels fits                   {peer:8.3f} s")
    print(f"ratio, loop / leave-one-out                {peer / package:8.1f}")
    package, peer = seconds(tipped, frame), seconds(tipped_loop, frame) * GRID
    print(f"tipping grid, {GRID} pairs with jackknife     {package:8.3f} s")
    print(f"loop of statsmodels fits (1 pair timed)    {peer:8.1f} s")
    print(f"ratio, loop / grid                         {peer / package:8.0f}")


if __name__ == "__main__":
    main()
