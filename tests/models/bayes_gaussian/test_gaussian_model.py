"""What every Gaussian model has in common: its densities by SciPy, moments of what it draws, and what can be exchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gaussian_fixture import (
    EFFECT,
    KINDS,
    OTHERS,
    covariances,
    log_densities,
    log_priors,
    means,
    model,
)
from scipy import stats

from neurotrial.models.bayes_gaussian.gaussian_build import _nobody

MANY = 20_000


def drawn(own, size=3, seed=1):
    return own.draw_prior(np.random.default_rng(seed), size)


def close(values, mean, sd):
    """Within five standard errors of a mean."""
    errors = np.asarray(sd) / np.sqrt(len(values))
    return (np.abs(values.mean(axis=0) - mean) < 5 * errors).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_likelihood_of_each_participant_is_scipys(kind):
    own = model(kind)
    parameters = drawn(own)
    assert own.log_likelihood(parameters) == pytest.approx(log_densities(own, parameters), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_prior_density_is_scipys(kind):
    own = model(kind)
    parameters = drawn(own, 8)
    found = own.log_prior(parameters)
    assert set(found) == {"effect", "others"}
    # differences, because constants may lack
    for part, expected in zip((found["effect"], found["others"]), log_priors(own, parameters), strict=True):
        assert np.diff(part) == pytest.approx(np.diff(expected), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_from_the_prior_have_its_moments(kind):
    own = model(kind)
    found = drawn(own, MANY)
    functions = found["coefficients"] @ own.prior.functions.T
    mean, sd = own.prior.mean.copy(), own.prior.sd.copy()
    if own.reference is not None:
        mean[0], sd[0] = own.reference.mean, own.reference.sd
    assert close(functions, mean, sd)
    # the error of an SD is at most SD / root n for these tails
    assert functions.std(axis=0) == pytest.approx(sd, rel=5 / np.sqrt(MANY))
    correlation = np.corrcoef(functions.T) - np.eye(len(mean))
    assert np.abs(correlation).max() < 5 / np.sqrt(MANY)
    half = stats.halfnorm(scale=OTHERS.residual_sd)
    assert close(found["sd"], half.mean(), half.std())
    if "dof" in found:
        assert close(found["dof"], 2 + 3 / 0.2, np.sqrt(3) / 0.2)
    if own.pooling is not None:
        spread = found["deviation"] / found["tau"][:, own.pooling.of]
        assert close(spread, 0, 1)
        assert spread.std(axis=0) == pytest.approx(1, rel=5 / np.sqrt(MANY))
        assert close(found["tau"], OTHERS.pooling_sd * np.sqrt(2 / np.pi), OTHERS.pooling_sd)


@pytest.mark.parametrize("kind", KINDS)
def test_replicates_have_the_moments_of_the_model(kind):
    own = model(kind)
    one = drawn(own, 1, seed=4)
    if "dof" in one:
        one["dof"][:] = 12.0
    found = own.replicate(
        {name: np.repeat(values, MANY, axis=0) for name, values in one.items()}, np.random.default_rng(2)
    )
    unit, whole = own.scaling.unit, covariances(one)[0]
    if "dof" in one:
        whole = whole * 12 / (12 - 2)
    centre = own.scaling.centre + unit * means(own, one)[0]
    covariance = whole * np.outer(unit, unit)
    sd = np.sqrt(np.diag(covariance))
    assert found.shape == (MANY, *own.values.shape)
    assert (np.isfinite(found) == own.seen).all()
    errors = np.abs(found.mean(axis=0) - centre)[own.seen] / np.broadcast_to(sd, own.values.shape)[own.seen]
    # the largest of about a hundred values
    assert errors.max() < 5 / np.sqrt(MANY)
    row = np.flatnonzero(own.seen.all(axis=1))[0]
    scaled = np.atleast_2d(np.cov(found[:, row].T)) / np.outer(sd, sd)
    assert scaled == pytest.approx(covariance / np.outer(sd, sd), abs=7 / np.sqrt(MANY))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_participants_is_that_of_the_others(kind):
    own = model(kind)
    left = own.without([1, 4])
    kept = np.setdiff1d(np.arange(len(own.values)), [1, 4])
    parameters = drawn(own)
    assert left.log_likelihood(parameters) == pytest.approx(
        own.log_likelihood(parameters)[:, kept], rel=1e-12
    )
    for part in ("effect", "others"):
        np.testing.assert_array_equal(left.log_prior(parameters)[part], own.log_prior(parameters)[part])
    assert left.observed.participants == tuple(own.observed.participants[i] for i in kept)
    assert left.observed.arms == tuple(own.observed.arms[i] for i in kept)
    np.testing.assert_array_equal(left.observed.values, own.observed.values[kept])
    assert left.shape == own.shape
    assert [target.draws.tolist() for target in left.targets(parameters)] == [
        target.draws.tolist() for target in own.targets(parameters)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_other_values_change_the_likelihood_alone(kind):
    own = model(kind)
    parameters = drawn(own)
    values = own.replicate(parameters, np.random.default_rng(5))[0]
    other = own.with_values(np.where(own.seen, values, 99.0))
    assert other.observed.values == pytest.approx(values, nan_ok=True)
    assert other.shape == own.shape
    assert other.log_likelihood(parameters) == pytest.approx(log_densities(other, parameters), rel=1e-9)
    same = own.with_values(own.observed.values)
    assert same.values == pytest.approx(own.values, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_data_have_the_sizes_and_types_that_the_shape_expects(kind):
    own = model(kind)
    ours, theirs = own.data(), _nobody(own.shape)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        free = 0 if name == "patterns" else 1
        assert np.asarray(value).dtype == theirs[name].dtype, name
        if name in {"values", "design", "pattern", "patterns"}:
            assert value.shape[1:] == theirs[name].shape[1:], name
        else:
            assert value.shape == theirs[name].shape, name
        assert free or len(value) == len(np.unique(own.seen, axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_the_sampled_coordinates_are_the_model_turned(kind):
    """Standard normal z gives the prior of the coefficients, and the data of the sampler the same residuals."""
    own = model(kind)
    shape, rng = own.shape, np.random.default_rng(3)
    size = MANY
    sampled = {"z": rng.normal(size=(size, shape.n_coefficients)), "sd": np.ones((size, shape.n_values))}
    if shape.n_values > 1:
        sampled["half_partial"] = rng.uniform(size=(size, shape.n_values * (shape.n_values - 1) // 2))
    if shape.heavy_tails:
        sampled["dof_above"] = rng.uniform(1, 5, (size, 1))
    if shape.n_pooled:
        sampled["tau"] = rng.uniform(0.1, 1, (size, shape.n_pooled))
        sampled["eta"] = rng.normal(size=(size, shape.n_deviations))
    found = own.parameters(sampled)
    assert found.keys() == drawn(own).keys()
    assert {name: values.shape[1:] for name, values in found.items()} == {
        name: values.shape[1:] for name, values in drawn(own).items()
    }
    functions = found["coefficients"] @ own.prior.functions.T
    assert close(functions, own.prior.mean, own.prior.sd)
    assert functions.std(axis=0) == pytest.approx(own.prior.sd, rel=5 / np.sqrt(2 * MANY))
    few = {name: values[:2] for name, values in found.items()}
    weights = sampled["z"][:2]
    if shape.n_pooled:
        weights = np.hstack([weights, (sampled["tau"][:, own.pooling.of] * sampled["eta"])[:2]])
    data = own.data()
    residual = data["values"] - np.einsum("ntp,dp->dnt", data["design"], weights)
    expected = np.where(own.seen, np.nan_to_num(own.values) - means(own, few), 0.0)
    assert np.where(own.seen, residual, 0.0) == pytest.approx(expected, abs=1e-10)


def test_deviations_are_turned_within_their_pooled_effect():
    """Standard normal eta stay independent deviations, each with the spread of its own effect."""
    own = model("outcomes")
    eta = np.eye(own.shape.n_deviations)
    sampled = {"z": np.zeros((6, own.shape.n_coefficients)), "sd": np.ones((6, 3)), "eta": eta}
    sampled["half_partial"], sampled["tau"] = np.full((6, 3), 0.5), np.tile([0.5, 2.0], (6, 1))
    turned = own.parameters(sampled)["deviation"]
    spread = np.repeat([0.5, 2.0], 3)
    assert turned.T @ turned == pytest.approx(np.diag(spread**2), abs=1e-12)
    assert (turned[:3, 3:] == 0).all()
    assert (turned[3:, :3] == 0).all()


def test_the_effects_of_arms_are_named():
    """Their prior is that of the effect, turned to the direction of the outcome."""
    for kind in KINDS:
        own = model(kind)
        chosen = list(own.effects)
        assert np.abs(own.prior.mean[chosen]) == pytest.approx(EFFECT.mean)
        assert own.prior.sd[chosen] == pytest.approx(EFFECT.sd)
    assert model("ancova").prior.mean[list(model("ancova").effects)] == pytest.approx(-EFFECT.mean)
    assert model("outcomes").prior.mean[list(model("outcomes").effects)] == pytest.approx(EFFECT.mean)


def test_a_prior_of_one_component_takes_the_place_of_the_plans():
    """As a power prior without a vague part does; the shape is that without published arms."""
    own = model("ancova_power")
    assert (own.prior.mean[0], own.prior.sd[0]) == (0.7, 0.3)
    assert own.shape == replace(own.shape, n_components=1)
    assert own.reference is None


def test_models_of_one_size_have_one_shape():
    own = model("mmrm")
    assert own.shape == own.without([0]).shape
    assert hash(own.shape) == hash(own.without([0]).shape)
    assert own.shape != replace(own, covariance=replace(own.covariance, tail=(2.0, 0.1))).shape


def test_equal_priors_as_a_mixture_of_one_are_the_same_prior():
    """A mixture whose components are the normal prior itself changes no density."""
    from neurotrial.models.bayes_priors.mixture_prior import MixturePrior

    own = model("ancova")
    sd = OTHERS.intercept_sd
    same = replace(own, reference=MixturePrior(np.array([0.4, 0.6]), np.zeros(2), np.full(2, sd)))
    parameters = drawn(own, 6)
    found, plain = same.log_prior(parameters)["others"], own.log_prior(parameters)["others"]
    assert np.diff(found) == pytest.approx(np.diff(plain), rel=1e-12)


def test_the_likelihood_is_compiled_for_one_order_of_memory():
    """Another order would mean another compilation, of many seconds, in the middle of an analysis."""
    from neurotrial.models.bayes_gaussian.multivariate_likelihood import log_likelihood_draws

    own = model("mmrm")
    parameters = drawn(own)
    turned = replace(own, values=np.asfortranarray(own.values), design=np.asfortranarray(own.design))
    expected = own.log_likelihood(parameters)
    before = len(log_likelihood_draws.signatures)
    np.testing.assert_array_equal(turned.log_likelihood(parameters), expected)
    assert len(log_likelihood_draws.signatures) == before
