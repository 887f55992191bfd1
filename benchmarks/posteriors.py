"""Time the posteriors of several outcomes: one compiled model with data swapped, against PyMC's own way, in one run.

Run from the top folder: ``python benchmarks/posteriors.py``. Peer: the same model built anew for each outcome and sampled by
PyMC's own sampler. It prints seconds in all, effective draws of the effect per second, and their ratios, and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pymc as pm

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.models.bayes.diagnostics import precision
from neurotrial.models.bayes.fit import Question, sample_posterior
from neurotrial.models.bayes.sampling import NUTPIE, compiled
from neurotrial.models.bayes.two_visits import ANCOVA, build_model, model_data
from neurotrial.models.bayes_calibration.verify import trial

OUTCOMES = 8
PLAN = BayesPlan()


def questions() -> list[Question]:
    """Return the analysis of covariance of each outcome under each prior."""
    data = [trial(seed, 31, 13).visits for seed in range(OUTCOMES)]
    return [
        Question(ANCOVA, visits, getattr(PLAN.effect, prior), PLAN, seed)
        for seed, visits in enumerate(data)
        for prior in PRIOR_SETS
    ]


def ours(asked: list[Question]) -> list[np.ndarray]:
    """Compile once and swap the data."""
    compiled.cache_clear()
    return [sample_posterior(question, NUTPIE).draws.variables["effect"] for question in asked]


def peer(asked: list[Question]) -> list[np.ndarray]:
    """Build each model with its data, and sample it by PyMC's own sampler."""
    found = []
    for question in asked:
        with build_model(question.shape):
            pm.set_data(model_data(question.visits, question.effect))
            trace = pm.sample(
                **PLAN.sampling.model_dump(),
                nuts_sampler="pymc",
                compile_kwargs={"mode": "NUMBA"},
                cores=1,
                random_seed=question.seed,
                progressbar=False,
                quiet=True,
                compute_convergence_checks=False,
            )
        found.append(np.asarray(trace["posterior"]["effect"]))
    return found


def timed(way: Callable[[list[Question]], list[np.ndarray]], asked: list[Question]) -> tuple[float, float]:
    """Return seconds in all, and the median of the effective draws of an effect."""
    start = time.perf_counter()
    found = way(asked)
    seconds = time.perf_counter() - start
    return seconds, float(np.median([precision(effect[..., 0]).ess_bulk for effect in found]))


def main() -> None:
    """Print both and their ratios."""
    asked = questions()
    results = {way.__name__: timed(way, asked) for way in (ours, peer)}
    for name, (seconds, ess) in results.items():
        rate = ess * len(asked) / seconds
        print(f"{name:5} {len(asked)} posteriors in {seconds:6.1f} s, {rate:6.0f} effective draws per second")
    (mine, my_ess), (theirs, their_ess) = results["ours"], results["peer"]
    print(f"time, peer / ours: {theirs / mine:.2f}; effective draws per second, ours / peer: "
          f"{my_ess / mine / (their_ess / theirs):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
