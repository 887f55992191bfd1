"""Time mixed models for repeated measures against statsmodels and, where R is installed, its packages, in one run.

Run from the top folder, one thread: ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/mmrm.py``. It prints medians and
ratios and judges nothing. R's packages are timed inside one R process, warm as ours: nlme::gls (unstructured, no small-sample df),
lme4 + lmerTest with pbkrtest's Kenward-Roger (random intercept), and mmrm where it is there.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import patsy
import statsmodels.api as sm
import statsmodels.formula.api as smf

from neurotrial.models import mmrm, mmrm_many
from neurotrial.models.repeated_measures.design_matrix import design_matrix
from neurotrial.models.repeated_measures.fitting import fit_cells
from neurotrial.models.repeated_measures.long_data import long_data
from neurotrial.models.repeated_measures.mmrm_fit import rows_of
from neurotrial.models.repeated_measures.roles import roles_of

REPEATS = 25
OUTCOMES = 1000
GAPS = 0.05
FORMULA = "score ~ arm * visit"
ROLES = {"subject": "participant_id", "visit": "visit"}


def two_visits(seed: int) -> pd.DataFrame:
    """Return 31 and 13 participants at two visits, four of whom miss the second."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["cells", "control"], [31, 13])
    first = rng.normal(30, 10, arm.size)
    second = 12 + 0.7 * first + rng.normal(0, 7, arm.size) + 3 * (arm == "cells")
    second[[3, 11, 20, 40]] = np.nan
    people = pd.DataFrame({"participant_id": [f"sub-{i:02d}" for i in range(arm.size)], "arm": arm})
    parts = [people.assign(visit="baseline", score=first), people.assign(visit="day90", score=second)]
    return pd.concat(parts, ignore_index=True)


def ten_visits(seed: int) -> pd.DataFrame:
    """Return 1,000 participants at ten visits with gaps and dropout: some 8,600 rows."""
    rng = np.random.default_rng(seed)
    n, visits = 1000, 10
    lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    sd = np.linspace(1, 2, visits)
    errors = rng.multivariate_normal(np.zeros(visits), 0.6**lag * np.outer(sd, sd), n)
    arm, base = rng.integers(0, 2, n), rng.normal(size=n)
    seen = rng.random((n, visits)) > GAPS
    for person, last in enumerate(rng.integers(4, 60, n)):
        seen[person, last:] = False
    who, visit = np.nonzero(seen)
    return pd.DataFrame(
        {
            "participant_id": who,
            "visit": visit,
            "arm": np.where(arm[who], "cells", "control"),
            "base": base[who],
            "score": errors[who, visit] + 0.3 * base[who] + 0.1 * arm[who] * visit,
        }
    )


def both(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float, float]:
    """Return median times of two calls that take turns, and the median of their ratios: noise meets both alike."""
    theirs(), ours()
    times = [(milliseconds(theirs, 1), milliseconds(ours, 1)) for _ in range(REPEATS)]
    peer, own = (statistics.median(column) for column in zip(*times, strict=True))
    return peer, own, statistics.median(mine / other for other, mine in times)


def milliseconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of a warm call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def line(what: str, value: float, ratio_to_peer: float | None = None) -> None:
    """Print a time and, with a peer, the ratio."""
    ratio = "" if ratio_to_peer is None else f"   ratio to the peer above {ratio_to_peer:6.3f}"
    print(f"{what:<64}{value:10.2f} ms{ratio}")


def one_fit(long: pd.DataFrame) -> None:
    """Compare one small fit, from formula to table and bare."""
    seen = long.dropna(subset=["score"])
    y, x = patsy.dmatrices(FORMULA, seen, return_type="dataframe")
    arrays = (np.asarray(y)[:, 0], np.asarray(x), seen["participant_id"].to_numpy())
    roles = roles_of(FORMULA, long, **ROLES)
    ready = long_data(long, roles)
    rows = rows_of(ready, roles, design_matrix(ready, roles))
    outcome = ready.column("score")[:, None]
    theirs, own, ratio = both(
        lambda: smf.mixedlm(FORMULA, seen, groups="participant_id").fit(reml=True).summary(),
        lambda: mmrm(FORMULA, long, **ROLES).tidy(),
    )
    line("MixedLM, formula to summary (normal p-values)", theirs)
    line("mmrm us, formula to tidy table with df", own, ratio)
    theirs, own, ratio = both(
        lambda: sm.MixedLM(arrays[0], arrays[1], groups=arrays[2]).fit(reml=True),
        lambda: fit_cells(rows, outcome, ready, "us", reml=True),
    )
    line("MixedLM, bare fit", theirs)
    line("mmrm us, bare fit", own, ratio)
    theirs, own, ratio = both(
        lambda: sm.MixedLM(arrays[0], arrays[1], groups=arrays[2]).fit(reml=True),
        lambda: fit_cells(rows, outcome, ready, "ri", reml=True),
    )
    line("MixedLM, bare fit again", theirs)
    line("mmrm ri (the same model), bare fit", own, ratio)


def many_fits(long: pd.DataFrame) -> None:
    """Time a thousand outcomes in one call, with Kenward-Roger."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 5, (len(long), OUTCOMES))
    outcomes = pd.DataFrame(long["score"].to_numpy()[:, None] + noise)
    for covariance in ("us", "cs"):

        def call(covariance: str = covariance) -> object:
            fits = mmrm_many(
                FORMULA, long, outcomes=outcomes, covariance=covariance, df="kenward-roger", **ROLES
            )
            return fits.functions(np.eye(len(fits.names)))

        call()
        each = milliseconds(call, 9) / OUTCOMES
        line(f"mmrm_many {covariance}, each of {OUTCOMES:,} outcomes with Kenward-Roger", each)


def large_fit() -> None:
    """Time a large unstructured fit."""
    long = ten_visits(1)
    took = milliseconds(lambda: mmrm("score ~ base * visit + arm * visit", long, **ROLES).tidy(), 3)
    line(f"mmrm us, {len(long):,} rows x 10 visits, formula to table with df", took)


R_SCRIPT = """
d <- read.csv(commandArgs(TRUE)[1]); d$visit <- factor(d$visit); d$arm <- factor(d$arm); s <- d[!is.na(d$score), ]
median_ms <- function(f, n) { f(); 1000 * median(replicate(n, system.time(f())[["elapsed"]])) }
timed <- function(name, f, n = 15) cat(sprintf("%s\\t%.3f\\n", name, median_ms(f, n)))
quiet <- function(p) suppressWarnings(suppressPackageStartupMessages(require(p, character.only = TRUE, quietly = TRUE)))
if (quiet("nlme")) timed("R nlme::gls us, summary (residual df)", function() summary(gls(score ~ arm * visit, s,
  corSymm(form = ~ as.integer(visit) | participant_id), varIdent(form = ~ 1 | visit))))
if (quiet("lmerTest") && quiet("pbkrtest")) timed("R lmerTest + pbkrtest ri, summary with Kenward-Roger",
  function() summary(lmerTest::lmer(score ~ arm * visit + (1 | participant_id), s), ddf = "Kenward-Roger"))
if (quiet("mmrm")) timed("R mmrm us, summary with Kenward-Roger linear", function() summary(mmrm::mmrm(
  score ~ arm * visit + us(visit | participant_id), s, method = "Kenward-Roger", vcov = "Kenward-Roger-Linear")))
"""


def r_packages(long: pd.DataFrame) -> None:
    """Time R's packages on the same table, where R is installed."""
    program = shutil.which("Rscript")
    if program is None:
        print("R is not installed: its packages are left out")
        return
    ours = milliseconds(lambda: mmrm(FORMULA, long, **ROLES).tidy())
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder, "long.csv"), Path(folder, "time.R")
        long.astype({"participant_id": str}).to_csv(table, index=False)
        script.write_text(R_SCRIPT, encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - this file's own script
            [program, str(script), str(table)], capture_output=True, text=True, check=True
        )
    for row in done.stdout.splitlines():
        name, value = row.split("\t")
        line(name, float(value))
        line("  mmrm of this package, formula to tidy table", ours, ours / float(value))


def main() -> None:
    """Print everything."""
    warnings.simplefilter("ignore")  # MixedLM warns about its own convergence
    long = two_visits(1)
    one_fit(long)
    many_fits(long)
    large_fit()
    r_packages(long)


if __name__ == "__main__":
    main()
