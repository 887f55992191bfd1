"""Time a multiverse of some 2,000 linear Gaussian specifications under 500 redrawn labellings, against a statsmodels loop.

Run from the top folder: ``python benchmarks/multiverse.py`` (``--turns 1`` for a shorter look). 44 simulated participants
(31 v 13, blocks of 6), two visits. The peer fits a random sample of the same specifications under the same labellings
one by one: statsmodels OLS with classical or HC3 errors, scipy's Welch test for unadjusted models; it is handed finished
model matrices, so that only fits are timed. Every sampled fit must agree. It prints seconds, fits a second and the ratio
of the times a fit, as medians over turns, and judges nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from neurotrial.models import multiverse
from neurotrial.study import Study

if TYPE_CHECKING:
    from neurotrial.models.specifications.linear_cell import LinearCell
    from neurotrial.models.specifications.result import Multiverse

REGIONS, STATISTICS, POLICIES = (
    ("cst", "plic"),
    ("mean", "median", "weighted_mean", "trimmed_mean", "ratio"),
    ("include", "exclude"),
)
COVARIATES = ("age", "nihss", "lesion_volume_ml", "days")
MODELS = {
    "ANCOVA HC3": "ancova_hc3",
    "ANCOVA": "ancova_ols",
    "change": "change_welch",
    "follow-up": "follow_up_welch",
}
RESAMPLES = 500
SAMPLED = 60
LABELLINGS = 20
TOLERANCE = 1e-8


def plan() -> Study:
    """Return a plan with 2,160 admissible specifications."""
    sets = [[], *([name] for name in COVARIATES), ["age", "nihss"], ["age", "days"], list(COVARIATES)]
    decisions = [
        {"name": "region", "kind": "source", "options": {name: {"region": name} for name in REGIONS}},
        {"name": "summary", "kind": "source", "options": {name: {"statistic": name} for name in STATISTICS}},
        {"name": "lesion", "kind": "source", "options": {name: {"lesion_policy": name} for name in POLICIES}},
        {
            "name": "motion",
            "kind": "exclusion",
            "options": {
                "nobody": None,
                **{f"{x:g} mm": {"measure": "fd_mean", "above": x} for x in (0.5, 0.4)},
            },
        },
        {"name": "scale", "kind": "transformation", "options": {"FA": "identity", "logit": "logit"}},
        {"name": "model", "kind": "model", "options": MODELS},
        {
            "name": "covariates",
            "kind": "covariates",
            "options": {" + ".join(one) or "none": one for one in sets},
        },
    ]
    return Study.model_validate(
        {
            "version": 1,
            "study": {"title": "Simulated", "simulated": True},
            "arms": [{"name": "control", "label": "Control", "reference": True}, {"name": "cells", "label": "Cells"}],
            "allocation": {"ratio": {"cells": 2, "control": 1}, "scheme": "permuted_blocks", "block_sizes": [6]},
            "visits": [
                {"name": "baseline", "label": "Baseline", "day": 0, "baseline": True},
                {"name": "day90", "label": "90 days", "day": 90},
            ],
            "populations": [{"name": "everybody", "label": "Everybody"}],
            "outcomes": [
                {
                    "name": "fa", "label": "FA", "unit": "FA", "range": [0, 1], "direction": "higher_is_better",
                    "source": {"table": "features", "where": {"feature": "fa"}},
                }
            ],
            "estimands": [
                {
                    "name": "fa", "label": "FA", "population": "everybody", "treatment": "as randomised", "outcomes": ["fa"],
                    "visit": "day90", "variable": "FA", "intercurrent_events": [], "summary": "difference of means",
                }
            ],
            "analyses": [{"name": "primary", "label": "FA", "estimand": "fa", "role": "primary", "methods": ["ancova"]}],
            "multiverse": {"analysis": "primary", "decisions": decisions},
        }
    )  # fmt: skip


def trial(seed: int) -> dict[str, pd.DataFrame]:
    """Return the tables of a simulated trial of 44."""
    rng = np.random.default_rng(seed)
    n = 44
    arm = np.concatenate([rng.permutation(["cells"] * 4 + ["control"] * 2) for _ in range(8)])[:n]
    ids = [f"sub-{number:03d}" for number in range(n)]
    people = pd.DataFrame({"participant_id": ids, "arm": arm, "block": np.repeat(np.arange(8), 6)[:n]})
    people[list(COVARIATES)] = rng.normal(size=(n, len(COVARIATES)))
    true, parts = rng.normal(0.45, 0.05, n), []
    for region in REGIONS:
        for statistic in STATISTICS:
            for policy in POLICIES:
                for visit, change in (("baseline", 0.0), ("day90", rng.normal(0.01, 0.02, n))):
                    value = true + change + rng.normal(0, 0.01, n)
                    parts.append(
                        pd.DataFrame(
                            {
                                "participant_id": ids, "visit": visit, "feature": "fa", "region": region,
                                "statistic": statistic, "lesion_policy": policy, "value": value, "status": "ok",
                            }
                        )
                    )  # fmt: skip
    quality = pd.DataFrame(
        {"participant_id": ids, "visit": "day90", "measure": "fd_mean", "value": rng.uniform(0.1, 0.55, n)}
    )
    return {"participants": people, "features": pd.concat(parts, ignore_index=True), "quality": quality}


def one_fit(cell: LinearCell, labels: np.ndarray) -> tuple[float, float]:
    """Return estimate and p-value of one specification under one labelling, as a loop over a library gives them."""
    treated = labels[cell.shared.seen]
    if cell.errors == "welch":
        test = stats.ttest_ind(cell.response[treated], cell.response[~treated], equal_var=False)
        return float(cell.response[treated].mean() - cell.response[~treated].mean()), float(test.pvalue)
    fit = sm.OLS(cell.response, np.column_stack([cell.shared.basis, treated])).fit()
    if cell.errors == "hc3":
        fit = fit.get_robustcov_results("HC3", use_t=True)
    return float(fit.params[-1]), float(fit.pvalues[-1])


def peer(fitted: Multiverse, seed: int) -> float:
    """Return seconds a fit of the loop, on sampled specifications and labellings; every fit must agree with ours."""
    rng = np.random.default_rng(seed)
    people = fitted.study.allocation.ratio
    chosen = rng.choice(fitted.tested, SAMPLED, replace=False)
    n = int(max(one.cell.shared.seen.max() for one in fitted.linear.values())) + 1
    labels = rng.random((LABELLINGS, n)) < people["cells"] / sum(people.values())
    cells = [fitted.linear[int(number)].cell for number in chosen]
    start = time.perf_counter()
    found = np.array([[one_fit(cell, row) for row in labels] for cell in cells])
    seconds = time.perf_counter() - start
    for cell, values in zip(cells, found, strict=True):
        tests = cell.tests(labels)
        np.testing.assert_allclose(tests.estimate, values[:, 0], rtol=TOLERANCE, atol=1e-12)
        np.testing.assert_allclose(tests.p_value, values[:, 1], rtol=1e-6, atol=1e-12)
    return seconds / (SAMPLED * LABELLINGS)


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3, help="repeats, ours and the peer in turn")
    turns = parser.parse_args().turns
    study, seconds, loops = plan(), list[float](), list[float]()
    fitted: Any = None
    for turn in range(turns):
        tables = trial(turn)
        start = time.perf_counter()
        fitted = multiverse(study, tables, n_resamples=RESAMPLES, seed=turn)
        fitted.joint_test()
        seconds.append(time.perf_counter() - start)
        loops.append(peer(fitted, turn))
    n = len(fitted.tested)
    ours = statistics.median(seconds)
    loop = statistics.median(loops)
    fits = n * (RESAMPLES + 1)
    print(
        f"{n} specifications x {RESAMPLES} labellings: {fits:,} fits in {ours:.1f} s, {fits / ours:,.0f} fits a second"
    )
    print(f"loop over statsmodels and scipy: {1e6 * loop:.0f} us a fit, {loop * fits / 60:.1f} min for all")
    print(f"ratio: {loop * fits / ours:.0f} x")


if __name__ == "__main__":
    main()
