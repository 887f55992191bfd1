"""Type I error of the default inference, and of what other programs do, in simulated trials without an effect.

Run as a program it prints the table of the documentation: ``python type_one_error.py [trials]``.
"""

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial.models import mmrm_many

RHO = 0.7
LEVEL = 0.05
BATCH = 5000

GROUP_BY_TIME = ("y ~ arm * visit", "arm[T.cells]:visit[T.day90]")
COMMON_BASELINE = ("y ~ visit + cells_later", "cells_later")
MODELS = {"group x time": GROUP_BY_TIME, "common baseline": COMMON_BASELINE}
METHODS = {
    "default": {"df": "auto"},
    "Kenward-Roger linear": {"df": "kenward-roger"},
    "Kenward-Roger as mmrm": {"df": "kenward-roger", "kr": "mmrm"},
    "Satterthwaite": {"df": "satterthwaite"},
    "normal": {"df": "normal"},
}


@dataclass(frozen=True)
class Trial:
    """Sizes of the arms, and how many in each lose their follow-up."""

    cells: int
    control: int
    lost_cells: int = 0
    lost_control: int = 0

    @property
    def name(self):
        lost = self.lost_cells + self.lost_control
        return f"{self.cells} v {self.control}, {f'{lost} lost' if lost else 'complete'}"


TRIALS = (Trial(31, 13), Trial(31, 13, 3, 2), Trial(10, 8), Trial(10, 8, 2, 1))


def long_table(trial):
    """Rows of a trial: baseline of all, then follow-up of all."""
    arm = np.repeat(["cells", "control"], [trial.cells, trial.control])
    n = arm.size
    frame = pd.DataFrame(
        {
            "who": np.tile(np.arange(n), 2),
            "visit": np.repeat(["baseline", "day90"], n),
            "arm": pd.Categorical(np.tile(arm, 2), ["control", "cells"]),
        }
    )
    return frame.assign(cells_later=((frame["arm"] == "cells") & (frame["visit"] == "day90")).astype(float))


def outcomes(trial, number, seed):
    """Gaussian outcomes without any effect, a column for each trial; those lost at random are the first of an arm."""
    rng = np.random.default_rng(seed)
    n = trial.cells + trial.control
    first = rng.normal(size=(n, number))
    second = RHO * first + np.sqrt(1 - RHO**2) * rng.normal(size=(n, number))
    second[: trial.lost_cells] = np.nan
    second[trial.cells : trial.cells + trial.lost_control] = np.nan
    return pd.DataFrame(np.vstack([first, second]))


def rejections(trial, model, number, seed=1, methods=("default",)):
    """Share of trials in which each method rejects at 5 %, and whether the default was exact."""
    formula, coefficient = MODELS[model]
    frame, streams = long_table(trial), np.random.SeedSequence(seed).spawn(-(-number // BATCH))
    counts, exact, done = dict.fromkeys(methods, 0), True, 0
    for stream in streams:
        size = min(BATCH, number - done)
        values = outcomes(trial, size, stream)
        for method in methods:
            fits = mmrm_many(
                formula, frame, outcomes=values, subject="who", visit="visit", batch=BATCH, **METHODS[method]
            )
            weights = np.array([[float(name == coefficient) for name in fits.names]])
            estimate, std_error, df, words = fits.functions(weights)
            if not (fits.cells["status"] == "ok").all():
                raise AssertionError(fits.cells["reason"].value_counts().to_string())
            p_value = 2 * stats.t.sf(np.abs(estimate / std_error), df)
            counts[method] += int((p_value < LEVEL).sum())
            if method == "default":
                exact &= all(str(word).startswith("exact t") for word in words[:, 0])
        done += size
    return {method: count / number for method, count in counts.items()}, exact


def main(number):
    for trial in TRIALS:
        for model in MODELS:
            shares, exact = rejections(trial, model, number, methods=tuple(METHODS))
            cells = "  ".join(f"{method} {100 * share:.2f}" for method, share in shares.items())
            sys.stdout.write(
                f"{trial.name}; {model}; default is {'exact' if exact else 'approximate'}: {cells}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
