"""Time the posteriors of eight outcomes under three priors: one compiled model with data swapped, against PyMC's own way.

Run from the top folder: ``python benchmarks/bayes.py`` (``--outcomes 2`` for a shorter look). Peers, in the same run and
on one core each: the same analysis of covariance written as a plain PyMC model, built anew for each outcome and prior and
sampled by PyMC's default NUTS; and bambi's formula model, where bambi is installed (it is no dependency). It prints
seconds in all, effective draws of the arm effect in centre and tails, divergences, and ratios, and judges nothing.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.models import bayes_ancova
from neurotrial.models.bayes.generations import read_trace
from neurotrial.models.bayes_evidence.convergence import precision

PLAN = BayesPlan()
SIZES = (31, 13)
DRAWS, CHAINS = PLAN.sampling.draws, PLAN.sampling.chains


@dataclass(frozen=True)
class Effect:
    """Draws of an arm effect, shape (chains, draws), and divergent transitions of the fit."""

    draws: np.ndarray
    divergences: int


def trial(seed: int) -> pd.DataFrame:
    """Return a simulated trial, standardised as the priors are."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["cells", "control"], SIZES)
    before = rng.normal(size=sum(SIZES))
    after = 0.4 * (arm == "cells") + 0.7 * before + rng.normal(0, 0.8, len(arm))
    return pd.DataFrame({"arm": arm, "before": before, "after": after})


def ours(trials: list[pd.DataFrame]) -> list[Effect]:
    """Compile once and swap the data."""
    found = []
    for seed, data in enumerate(trials):
        fit = bayes_ancova(data, outcome="after", baseline="before", arm="arm", reference="control", seed=seed,
                           progress=False)  # fmt: skip
        found += [
            Effect(one.targets[0].draws.reshape(CHAINS, -1), one.posterior.convergence.divergences)
            for one in fit.fits.values()
        ]
    return found


def pymc_default(trials: list[pd.DataFrame]) -> list[Effect]:
    """Write the model plainly, and sample it by PyMC's default NUTS."""
    import pymc as pm

    others, found = PLAN.others, []
    for seed, data in enumerate(trials):
        cells = (data["arm"] == "cells").to_numpy(dtype="float64")
        for prior in PRIOR_SETS:
            own = getattr(PLAN.effect, prior)
            with pm.Model():
                intercept = pm.Normal("intercept", 0, others.intercept_sd)
                slope = pm.Normal("slope", others.slope.mean, others.slope.sd)
                effect = pm.Normal("effect", own.mean, own.sd)
                sigma = pm.HalfNormal("sigma", others.residual_sd)
                mean = intercept + slope * data["before"].to_numpy() + effect * cells
                pm.Normal("values", mean, sigma, observed=data["after"].to_numpy())
                trace = pm.sample(DRAWS, chains=CHAINS, cores=1, random_seed=seed, nuts_sampler="pymc", progressbar=False,
                                  compute_convergence_checks=False)  # fmt: skip
            found.append(effect_of(trace, "effect"))
    return found


def bambi_formula(trials: list[pd.DataFrame]) -> list[Effect]:
    """Give bambi the formula and the same priors."""
    import bambi as bmb

    others, found = PLAN.others, []
    for seed, data in enumerate(trials):
        coded = data.assign(cells=(data["arm"] == "cells").astype("float64"))
        for prior in PRIOR_SETS:
            own = getattr(PLAN.effect, prior)
            priors = {
                "Intercept": bmb.Prior("Normal", mu=0, sigma=others.intercept_sd),
                "before": bmb.Prior("Normal", mu=others.slope.mean, sigma=others.slope.sd),
                "cells": bmb.Prior("Normal", mu=own.mean, sigma=own.sd),
                "sigma": bmb.Prior("HalfNormal", sigma=others.residual_sd),
            }
            model = bmb.Model("after ~ before + cells", coded, priors=priors, center_predictors=False)
            trace = model.fit(draws=DRAWS, chains=CHAINS, cores=1, random_seed=seed, progressbar=False,
                              compute_convergence_checks=False)  # fmt: skip
            found.append(effect_of(trace, "cells"))
    return found


def effect_of(trace: object, name: str) -> Effect:
    """Return the draws of a variable."""
    values, statistics = read_trace(trace)
    return Effect(values[name].reshape(CHAINS, -1), int(statistics["diverging"].sum()))


def timed(way: Callable[[list[pd.DataFrame]], list[Effect]], trials: list[pd.DataFrame]) -> dict[str, float]:
    """Return seconds, least and median effective draws, and divergences."""
    start = time.perf_counter()
    found = way(trials)
    seconds = time.perf_counter() - start
    worth = [precision("effect", effect.draws) for effect in found]
    return {
        "posteriors": len(found),
        "seconds": seconds,
        "least bulk ESS": min(one.ess_bulk for one in worth),
        "least tail ESS": min(one.ess_tail for one in worth),
        "ESS per second": sum(one.ess_bulk for one in worth) / seconds,
        "divergences": sum(effect.divergences for effect in found),
    }


def main() -> None:
    """Print every way and its ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outcomes", type=int, default=8, help="outcomes, each under three priors")
    trials = [trial(seed) for seed in range(parser.parse_args().outcomes)]
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    ways = [ours, pymc_default, *([bambi_formula] if find_spec("bambi") else [])]
    table = pd.DataFrame({way.__name__: timed(way, trials) for way in ways}).T
    print(table.round(1).to_string())
    for name in table.index[1:]:
        seconds, rate = table.loc["ours"] / table.loc[name], table.loc["ours", "ESS per second"]
        print(
            f"ours / {name}: time {seconds['seconds']:.3f}, effective draws per second "
            f"{rate / table.loc[name, 'ESS per second']:.1f}"
        )
    if not find_spec("bambi"):
        print("bambi is not installed: not compared")


if __name__ == "__main__":
    main()
