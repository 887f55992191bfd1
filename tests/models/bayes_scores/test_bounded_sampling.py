"""PyMC models of bounded scores: their density, a posterior against quadrature, and samples worth showing."""

from __future__ import annotations

import numpy as np
import pytest
from bounded_fixture import FAMILIES, model, trial
from scipy import special

from neurotrial.bayes_plan import BayesPlan, NormalPrior, NuisancePriors
from neurotrial.models.bayes.generations import read_trace
from neurotrial.models.bayes_evidence.convergence import precision
from neurotrial.models.bayes_scores.bounded_priors import BoundedPriors

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
"""Whatever the samplers' libraries warn of is not what is tested."""


@pytest.fixture(scope="module")
def compiled():
    """The compiled model of each shape."""
    import nutpie

    made = {}

    def get(asked):
        if asked.shape not in made:
            made[asked.shape] = nutpie.compile_pymc_model(asked.build())
        return made[asked.shape].with_data(**asked.data())

    return get


def sampled(compiled, asked, **options):
    import nutpie

    settings = {"chains": 4, "draws": 1000, "tune": 500, "target_accept": 0.9, "seed": 7} | options
    trace = nutpie.sample(compiled(asked), cores=1, progress_bar=False, **settings)
    variables, statistics = read_trace(trace)
    flat = {name: values.reshape(-1, values.shape[-1]) for name, values in variables.items()}
    return asked.parameters(flat), variables, statistics


@pytest.mark.parametrize("family", FAMILIES)
def test_the_density_is_that_of_prior_and_likelihood(family):
    import pymc as pm

    asked = model(family)
    built = asked.build()
    with built:
        pm.set_data(asked.data())
    density = built.compile_logp(jacobian=False)
    rng = np.random.default_rng(1)
    z = rng.normal(size=(4, len(asked.prior.mean)))
    shares = rng.uniform(0.05, 0.95, (4, len(asked.share_priors)))
    found = [density({"z": a, "shares_logodds__": special.logit(b)}) for a, b in zip(z, shares, strict=True)]
    parameters = asked.parameters({"z": z, "shares": shares})
    logs = sum(asked.log_prior(parameters).values()) + asked.log_likelihood(parameters).sum(axis=1)
    # a difference, because the log prior lacks constants
    assert np.diff(np.array(found, dtype=float)) == pytest.approx(np.diff(logs), rel=1e-9)


KNOWN = BoundedPriors(
    overdispersion=(1e6, 9e6), ends=(5e5, 9e6, 5e5), recovery=(7e6, 3e6), ratio=(2e6, 8e6), membership_sd=1e-4
)
FIXED = NuisancePriors(
    intercept_sd=1e-4, slope=NormalPrior(mean=0.7, sd=1e-4), covariate_sd=1e-4, residual_sd=1.0
)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_posterior_of_one_parameter_is_that_by_quadrature(compiled, family):
    """All else is known: what is left is the arm effect, and an integral over one variable."""
    asked = model(family, plan=BayesPlan(others=FIXED), priors=KNOWN)
    parameters, *_ = sampled(compiled, asked, draws=2500)
    draws = parameters["coefficients"][:, asked.first_arm]
    grid = np.linspace(-8, 8, 4001)
    at = {
        "coefficients": np.tile(asked.prior.mean, (len(grid), 1)),
        **asked.named(np.tile([a / (a + b) for a, b in asked.share_priors], (len(grid), 1))),
    }
    at["coefficients"][:, asked.first_arm] = grid
    logs = asked.log_prior(at)["effect"] + asked.log_likelihood(at).sum(axis=1)
    weights = special.softmax(logs)
    mean = weights @ grid
    sd = np.sqrt(weights @ (grid - mean) ** 2)
    # 10,000 draws worth 3,000 at least: 4 Monte Carlo errors
    assert draws.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(3000))
    assert draws.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 3000))
    assert (draws > 0).mean() == pytest.approx(weights[grid > 0].sum(), abs=4 * 0.5 / np.sqrt(3000))


@pytest.mark.parametrize("effect", [NormalPrior(sd=2.0), NormalPrior(sd=0.3)], ids=["wide", "narrow"])
@pytest.mark.parametrize("family", FAMILIES)
def test_samples_are_worth_showing(compiled, family, effect):
    for seed in (1, 2):
        asked = model(family, trial(seed), effect=effect, plan=BayesPlan())
        parameters, variables, statistics = sampled(compiled, asked, seed=seed)
        assert not statistics["diverging"].any()
        columns = [values[..., i] for values in variables.values() for i in range(values.shape[-1])]
        columns += [target.draws.reshape(4, -1) for target in asked.targets(parameters)]
        found = [precision(column) for column in columns]
        assert max(own.rhat for own in found) < 1.01
        assert min(min(own.ess_bulk, own.ess_tail) for own in found) > 400
