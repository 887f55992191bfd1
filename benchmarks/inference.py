"""Time re-randomisation with maxT against a loop of statsmodels fits, in one run.

Run from the top folder, one thread: ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/inference.py``. The loop is timed on
some relabellings and its time a relabelling is multiplied. It prints times and their ratio and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.api as sm

from neurotrial.models import maxt

OUTCOMES = 8
RELABELLINGS = 10_000
TIMED = 50
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


if __name__ == "__main__":
    main()
