"""A simulated trial of one visit after baseline, with losses that depend on baseline."""

import numpy as np
import pandas as pd


def trial(seed=3, n_treated=31, n_control=13, n_lost=8, effect=6.0):
    rng = np.random.default_rng(seed)
    n = n_treated + n_control
    arm = np.repeat(["cells", "control"], [n_treated, n_control])
    baseline = rng.normal(30, 10, n)
    follow_up = 8 + 0.8 * baseline + effect * (arm == "cells") + rng.normal(0, 7, n)
    lost = rng.choice(n, n_lost, replace=False, p=np.exp(-baseline / 20) / np.exp(-baseline / 20).sum())
    seen = follow_up.copy()
    seen[lost] = np.nan
    return pd.DataFrame(
        {
            "who": [f"sub-{k:02d}" for k in range(n)],
            "arm": pd.Categorical(arm, ["control", "cells"]),
            "age": rng.normal(60, 9, n),
            "baseline": baseline,
            "follow_up": seen,
        }
    )


def long(wide):
    parts = [
        wide[["who", "arm", "age"]].assign(visit=visit, score=wide[visit])
        for visit in ("baseline", "follow_up")
    ]
    return pd.concat(parts, ignore_index=True)


def three_visits(seed=5, n=40):
    """Two visits after baseline with drop-outs and one gap."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["a", "b"], n // 2)
    base = rng.normal(20, 5, n)
    first = 5 + 0.7 * base + 2 * (arm == "b") + rng.normal(0, 3, n)
    second = 2 + 0.9 * first + 1 * (arm == "b") + rng.normal(0, 3, n)
    second[[1, 5, 9, 22, 30]] = np.nan
    first[[5, 30, 12]] = np.nan
    wide = pd.DataFrame({"who": np.arange(n), "arm": arm, "v0": base, "v1": first, "v2": second})
    return wide.melt(["who", "arm"], var_name="visit", value_name="score").assign(
        visit=lambda t: pd.Categorical(t["visit"], ["v0", "v1", "v2"], ordered=True)
    )


ROLES = {"outcome": "score", "subject": "who", "visit": "visit", "arm": "arm"}
