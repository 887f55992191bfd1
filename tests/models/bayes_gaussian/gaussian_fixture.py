"""Small trials, a Gaussian model of each kind on them, and its densities by other means than its own."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy import stats

from neurotrial.bayes_plan import BayesPlan, NormalPrior, NuisancePriors
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_gaussian.joint_model import joint_model
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.bayes_gaussian.outcomes_model import outcome_tables, outcomes_model
from neurotrial.models.bayes_priors.mixture_prior import MixturePrior

OTHERS = NuisancePriors(
    intercept_sd=1.5,
    slope=NormalPrior(mean=0.3, sd=0.8),
    covariate_sd=0.7,
    imbalance_sd=0.6,
    residual_sd=0.9,
    correlation_eta=3.0,
    pooling_sd=0.4,
    tail_shape=3.0,
    tail_rate=0.2,
)
EFFECT = NormalPrior(mean=0.5, sd=0.4)
PLAN = BayesPlan(others=OTHERS)
STUDENT = BayesPlan(others=OTHERS, residuals="student")
MIXTURE = MixturePrior(np.array([0.3, 0.5, 0.2]), np.array([0.4, 0.9, 0.0]), np.array([0.2, 0.5, 1.5]))
LOWER = Wording(direction="lower_is_better", bounds=(0, 100))
KINDS = (
    "ancova",
    "ancova_student",
    "ancova_published",
    "group_time",
    "mmrm",
    "mmrm_student",
    "common",
    "outcomes",
    "joint",
)


def people(n=24, arms=("control", "cells"), seed=2):
    """A table of participants with two measures at two visits and two covariates."""
    rng = np.random.default_rng(seed)
    arm = np.array(arms)[np.arange(n) % len(arms)]
    before, mass = rng.normal(40, 10, n), rng.normal(5, 2, n)
    return pd.DataFrame(
        {
            "who": [f"sub-{i:02d}" for i in range(n)],
            "arm": pd.Categorical(arm, arms),
            "before": before,
            "after": before + 5 * (arm != arms[0]) + rng.normal(0, 6, n),
            "mass_before": mass,
            "mass_after": mass + rng.normal(0, 1, n),
            "age": rng.normal(60, 8, n),
            "site": rng.choice(["a", "b", "c"], n),
        }
    ).set_index("who", drop=False)


def long_table(n=24, visits=4, arms=("control", "cells"), seed=3, missing=0.2):
    """A row for each participant and visit; some are not there, the first visit among them."""
    wide = people(n, arms, seed)
    rng = np.random.default_rng(seed + 100)
    parts = []
    for visit in range(visits):
        score = wide["before"] + visit * (2 + 2 * (wide["arm"] != arms[0])) + rng.normal(0, 5, n)
        parts.append(wide.assign(visit=f"v{visit}", score=score.where(rng.uniform(size=n) > missing)))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(visit=pd.Categorical(table["visit"], [f"v{visit}" for visit in range(visits)]))


def outcome_rows(n=24, arms=("control", "cells"), names=("force", "mass", "speed"), seed=5, missing=0.15):
    """A row for each participant and outcome, in units that differ; some values are missing."""
    wide = people(n, arms, seed)
    rng = np.random.default_rng(seed + 100)
    parts = []
    for place, name in enumerate(names):
        size = 10.0**place
        before = size * (wide["before"] + rng.normal(0, 3, n))
        after = before + size * (4 * (wide["arm"] != arms[0]) + rng.normal(0, 6, n))
        parts.append(
            wide.assign(outcome=name, baseline=before, value=after.where(rng.uniform(size=n) > missing))
        )
    return pd.concat(parts, ignore_index=True)


def ancova(plan=PLAN, wording=LOWER, reference=None, covariates=("age", "site"), **people_options):
    given = standardise(
        people(**people_options), outcome="after", baseline="before", arm="arm", covariates=covariates
    )
    return given, ancova_model(given, EFFECT, plan, wording, reference)


def mmrm(formula="score ~ arm * visit + age", plan=PLAN, wording=LOWER, baseline="first", **table_options):
    given = repeated_measures(
        formula,
        long_table(**table_options),
        subject="who",
        visit="visit",
        arm="arm",
        common_baseline=baseline == "common",
    )
    return given, mmrm_model(given, EFFECT, plan, wording, baseline=baseline != "none")


def outcomes(plan=PLAN, covariates=("age",), **row_options):
    given = outcome_tables(
        outcome_rows(**row_options),
        subject="who",
        outcome="outcome",
        value="value",
        baseline="baseline",
        arm="arm",
        covariates=covariates,
    )
    directions = ("higher_is_better", "lower_is_better", "higher_is_better")
    wordings = {name: Wording(direction=way) for name, way in zip(given.names, directions, strict=True)}
    return given, outcomes_model(given, EFFECT, plan, wordings)


def joint(plan=PLAN, covariates=("age",), **people_options):
    table = people(**people_options)
    pair = tuple(
        standardise(table, outcome=after, baseline=before, arm="arm", covariates=covariates)
        for before, after in (("mass_before", "mass_after"), ("before", "after"))
    )
    return pair, joint_model(*pair, EFFECT, plan, ("mass", "score"), (LOWER, Wording()))


@cache
def model(kind):
    """A model of each kind, with three arms, covariates and missing values where it can have them."""
    three = ("control", "low", "high")
    made = {
        "ancova": lambda: ancova(arms=three),
        "ancova_student": lambda: ancova(STUDENT),
        "ancova_published": lambda: ancova(reference=MIXTURE, arms=three),
        "group_time": lambda: mmrm("score ~ arm * visit", visits=2, missing=0.0),
        "mmrm": lambda: mmrm(arms=three),
        "mmrm_student": lambda: mmrm(plan=STUDENT, visits=3),
        "common": lambda: mmrm("score ~ age + site", baseline="common"),
        "outcomes": lambda: outcomes(arms=three),
        "joint": lambda: joint(arms=three),
    }
    return made[kind]()[1]


def correlations(partial, size):
    """Correlation matrices from canonical partial correlations, by the recursion for partial correlations."""
    given = np.zeros((len(partial), size, size))
    given[:, *np.tril_indices(size, -1)] = partial
    found = np.tile(np.eye(size), (len(partial), 1, 1))
    for i in range(size):
        for j in range(i):
            rho = given[:, i, j]
            for k in range(j - 1, -1, -1):
                one, other = given[:, i, k], given[:, j, k]
                rho = rho * np.sqrt((1 - one**2) * (1 - other**2)) + one * other
            found[:, i, j] = found[:, j, i] = rho
    return found


def covariances(parameters):
    sd = parameters["sd"]
    return correlations(parameters["partial"], sd.shape[1]) * sd[:, :, None] * sd[:, None, :]


def means(own, parameters):
    """Standardised means, shape (draws, n, T)."""
    found = np.einsum("ntp,dp->dnt", own.design, parameters["coefficients"])
    if own.pooling is not None:
        found = found + np.einsum("ntp,dp->dnt", own.pooling.design, parameters["deviation"])
    return found


def log_densities(own, parameters):
    """Log likelihood of each participant by SciPy, shape (draws, n)."""
    centres, every = means(own, parameters), covariances(parameters)
    out = np.zeros(centres.shape[:2])
    for draw, row in np.ndindex(out.shape):
        seen = np.flatnonzero(own.seen[row])
        standardised = own.values  # noqa: PD011 # an array
        here, there = standardised[row, seen], centres[draw, row, seen]
        part = every[draw][np.ix_(seen, seen)]
        if "dof" in parameters:
            dof = parameters["dof"][draw, 0]
            out[draw, row] = stats.multivariate_t(there, part, dof).logpdf(here)
        else:
            out[draw, row] = stats.multivariate_normal(there, part).logpdf(here)
    return out


def log_priors(own, parameters, plan=PLAN):
    """Log prior of everything but the deviations by SciPy, shape (draws,): of the effects, and of everything else."""
    others = plan.others
    functions = parameters["coefficients"] @ own.prior.functions.T
    each = stats.norm.logpdf(functions, own.prior.mean, own.prior.sd)
    if own.reference is not None:
        each[:, 0] = np.log(stats.norm.pdf(functions[:, [0]], MIXTURE.means, MIXTURE.sds) @ MIXTURE.weights)
    mine = np.zeros(each.shape[1], dtype=bool)
    mine[list(own.effects)] = True
    effect, rest = each[:, mine].sum(axis=1), each[:, ~mine].sum(axis=1)
    rest = rest + stats.halfnorm.logpdf(parameters["sd"], scale=others.residual_sd).sum(axis=1)
    size = parameters["sd"].shape[1]
    for place, (i, j) in enumerate(zip(*np.tril_indices(size, -1), strict=True)):
        assert i > j
        both = others.correlation_eta + (size - 2 - j) / 2
        rest = rest + stats.beta.logpdf(parameters["partial"][:, place], both, both, loc=-1, scale=2)
    if "dof" in parameters:
        above = parameters["dof"][:, 0] - 2
        rest = rest + stats.gamma.logpdf(above, others.tail_shape, scale=1 / others.tail_rate)
    if own.pooling is not None:
        effect = effect + stats.halfnorm.logpdf(parameters["tau"], scale=others.pooling_sd).sum(axis=1)
    return effect, rest
