"""The PyMC model of every kind has the density of the prior and the likelihood that the model states, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
from gaussian_fixture import KINDS, model
from scipy import special, stats

pytestmark = pytest.mark.slow
POINTS = 4


def points(own, size=POINTS):
    """Variables of the PyMC model, as they are and on the scale of the sampler."""
    shape, rng = own.shape, np.random.default_rng(11)
    t = shape.n_values
    drawn = {"z": rng.normal(size=(size, shape.n_coefficients)), "sd": rng.uniform(0.4, 2, (size, t))}
    if t > 1:
        drawn["half_partial"] = rng.uniform(0.1, 0.9, (size, t * (t - 1) // 2))
    if shape.heavy_tails:
        drawn["dof_above"] = rng.uniform(0.5, 30, (size, 1))
    if shape.n_pooled:
        drawn["tau"] = rng.uniform(0.1, 1, (size, shape.n_pooled))
        drawn["eta"] = rng.normal(size=(size, shape.n_deviations))
    scales = {name: f"{name}_log__" for name in ("sd", "dof_above", "tau")} | {
        "half_partial": "half_partial_logodds__"
    }
    turned = {
        scales.get(name, name): special.logit(values)
        if name == "half_partial"
        else np.log(values)
        if name in scales
        else values
        for name, values in drawn.items()
    }
    return drawn, [{name: values[place] for name, values in turned.items()} for place in range(size)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_density_is_prior_times_likelihood(kind):
    import pymc as pm

    own = model(kind)
    built = own.build()
    with built:
        pm.set_data(own.data())
    drawn, places = points(own)
    density = built.compile_logp(jacobian=False)
    found = np.array([float(density(place)) for place in places])
    parameters = own.parameters(drawn)
    stated = sum(own.log_prior(parameters).values()) + own.log_likelihood(parameters).sum(axis=1)
    if "eta" in drawn:
        # the prior of deviations in units of their spread is no part of what may be scaled
        stated = stated + stats.norm.logpdf(drawn["eta"]).sum(axis=1)
    # a difference, because constants may lack
    assert np.diff(found) == pytest.approx(np.diff(stated), rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_density(kind):
    """With the change of variables to the scale of the sampler; central differences of step 1e-5."""
    import pymc as pm

    own = model(kind)
    built = own.build()
    with built:
        pm.set_data(own.data())
    place = points(own, 1)[1][0]
    density, gradient = built.compile_logp(), built.compile_dlogp()
    found = np.asarray(gradient(place))
    expected = []
    for name in (variable.name for variable in built.value_vars):
        for entry in np.ndindex(place[name].shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = {other: values.copy() for other, values in place.items()}
                moved[name][entry] += step
                ends.append(float(density(moved)))
            expected.append((ends[0] - ends[1]) / 2e-5)
    assert found == pytest.approx(np.array(expected), rel=1e-5, abs=1e-5)
