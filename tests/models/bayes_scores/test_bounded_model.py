"""Models of bounded scores against written-out densities, moments and averages."""

from __future__ import annotations

import numpy as np
import pytest
from bounded_fixture import EFFECT, FAMILIES, SIZE, mirrored, model, trial
from scipy import special, stats


@pytest.fixture(scope="module", params=FAMILIES)
def made(request):
    return model(request.param)


def one_draw(made, seed=3):
    """A draw of the prior, as a point of everything."""
    return made.draw_prior(np.random.default_rng(seed), 1)


def repeated(parameters, times):
    return {name: np.repeat(values, times, axis=0) for name, values in parameters.items()}


def written_out_means(made, parameters, draw, arm):
    """Expected scores if everybody were in an arm, participant by participant."""
    beta, data = parameters["coefficients"][draw], trial()
    out = []
    age = (data["age"] - data["age"].mean()) / data["age"].std(ddof=1)
    for before, old in zip(data["before"], age, strict=True):
        if made.kind == "bayes_recovery":
            probability = special.expit(beta[0] + (arm == "cells") * beta[1])
            few, many = parameters["recovery"][draw]
            means = [before + r * (SIZE - before) for r in (few, many)]
            raw = (1 - probability) * means[0] + probability * means[1]
            out.append(SIZE * (raw + 0.5) / (SIZE + 1))
            continue
        z = (before - made.scores.centre) / made.scores.sd
        eta = beta[0] + beta[1] * z + (arm == "cells") * beta[2] + beta[3] * old
        share = special.expit(eta)
        if made.kind == "bayes_ordered_beta":
            low, high = parameters["cutpoints"][draw]
            floor, ceiling = special.expit(low - eta), special.expit(eta - high)
            share = ceiling + (1 - floor - ceiling) * share
        out.append(SIZE * share)
    return np.array(out)


def test_kind_shape_and_names(made):
    assert made.shape == (made.kind, len(made.prior.mean))
    assert hash(made.shape) == hash(made.without([1]).shape)
    drawn = {"z": np.zeros((5, len(made.prior.mean))), "shares": np.full((5, len(made.share_priors)), 0.3)}
    own = {"bayes_ordered_beta": {"cutpoints"}, "bayes_recovery": {"recovery"}}.get(made.kind, set())
    assert set(made.parameters(drawn)) == {"coefficients", "phi"} | own


def test_parameters_lead_back_to_their_variables(made):
    rng = np.random.default_rng(4)
    drawn = {
        "z": rng.normal(size=(50, len(made.prior.mean))),
        "shares": rng.uniform(0.01, 0.99, (50, len(made.share_priors))),
    }
    found = made.parameters(drawn)
    assert made.shares(found) == pytest.approx(drawn["shares"], rel=1e-12)
    data = made.data()
    eta = data["offset"] + drawn["z"] @ data["design"].T
    assert made.log_odds(found, made.scores.codes) == pytest.approx(eta, rel=1e-12)


def test_cutpoints_and_recoveries_are_in_order():
    rng = np.random.default_rng(5)
    for family, name in (("ordered_beta", "cutpoints"), ("recovery", "recovery")):
        drawn = model(family).draw_prior(rng, 1000)[name]
        assert (drawn[:, 0] < drawn[:, 1]).all()


def test_log_likelihood_is_that_of_the_compiled_model(made):
    rng = np.random.default_rng(6)
    z = rng.normal(size=len(made.prior.mean))
    shares = rng.uniform(0.1, 0.9, len(made.share_priors))
    parameters = made.parameters({"z": z[None], "shares": shares[None]})
    data = made.data()
    given = [data[name] for name in ("offset", "design", *made.values)]
    found = made.likelihood(z, shares, *given)[0]
    each = made.log_likelihood(parameters)
    assert each.shape == (1, 44)
    assert each.sum() == pytest.approx(float(found), rel=1e-12)


def test_beta_binomial_likelihood_is_that_of_scipy():
    made = model("beta_binomial")
    drawn = one_draw(made)
    share = written_out_means(made, drawn, 0, "control") / SIZE
    eta = special.logit(share) + (trial()["arm"] == "cells") * drawn["coefficients"][0, 2]
    share, phi = special.expit(eta), drawn["phi"][0]
    expected = stats.betabinom.logpmf(trial()["after"], SIZE, phi * share, phi * (1 - share))
    assert made.log_likelihood(drawn)[0] == pytest.approx(expected, rel=1e-10)


def test_log_prior_is_the_density_of_the_declared_priors(made):
    drawn = made.draw_prior(np.random.default_rng(7), 3)
    beta, shares = drawn["coefficients"], made.shares(drawn)
    logs = stats.norm.logpdf(beta, made.prior.mean, made.prior.sd)
    arm = 1 if made.kind == "bayes_recovery" else 2
    expected = {"effect": logs[:, arm], "others": np.delete(logs, arm, axis=1).sum(axis=1)}
    for place, (a, b) in enumerate(made.share_priors):
        expected["others"] += stats.beta.logpdf(shares[:, place], a, b)
    found = made.log_prior(drawn)
    for name in ("effect", "others"):
        assert np.diff(found[name]) == pytest.approx(np.diff(expected[name]), rel=1e-10)


def test_draws_of_the_prior_have_its_moments(made):
    drawn = made.draw_prior(np.random.default_rng(8), 20_000)
    # 5 standard errors
    assert drawn["coefficients"].mean(axis=0) == pytest.approx(
        made.prior.mean, abs=5 * made.prior.sd.max() / np.sqrt(20_000)
    )
    assert drawn["coefficients"].std(axis=0) == pytest.approx(made.prior.sd, rel=5 / np.sqrt(40_000))
    for own, (a, b) in zip(made.shares(drawn).T, made.share_priors, strict=True):
        assert stats.kstest(own, stats.beta(a, b).cdf).pvalue > 1e-6


def test_replicates_have_the_moments_of_the_distribution(made):
    made = made.without(range(5, 40))
    drawn, times = one_draw(made, 9), 20_000
    found = made.replicate(repeated(drawn, times), np.random.default_rng(10))
    assert found.shape == (times, 9, 1)
    mean = made.expected(drawn, made.scores.codes)[0]
    spread = found[:, :, 0].std(axis=0)
    assert (np.abs(found[:, :, 0].mean(axis=0) - mean) <= 5 * spread / np.sqrt(times) + 1e-12).all()
    variance = found[:, :, 0].var(axis=0)
    # 20,000 draws tell a variance to 1 %, and somewhat less where the tails are long
    assert variance == pytest.approx(variances(made, drawn), rel=0.08)
    made.with_values(found[0])


def variances(made, drawn):
    """Variance of each score in one draw."""
    eta, phi = made.log_odds(drawn, made.scores.codes)[0], drawn["phi"][0]
    share, icc = special.expit(eta), 1 / (1 + phi)
    if made.kind == "bayes_beta_binomial":
        return SIZE * share * (1 - share) * (1 + (SIZE - 1) * icc)
    if made.kind == "bayes_ordered_beta":
        floor, ceiling = (
            special.expit(drawn["cutpoints"][0, 0] - eta),
            special.expit(eta - drawn["cutpoints"][0, 1]),
        )
        between = 1 - floor - ceiling
        square = ceiling + between * (share**2 + share * (1 - share) * icc)
        return SIZE**2 * (square - (ceiling + between * share) ** 2)
    weights = np.array([1 - share, share])
    before = made.scores.baseline
    means = np.array([(before + r * (SIZE - before) + 0.5) / (SIZE + 1) for r in drawn["recovery"][0]])
    inside = SIZE * means * (1 - means) * (1 + (SIZE - 1) * icc)
    middle = (weights * means).sum(axis=0)
    return (weights * (inside + SIZE**2 * (means - middle) ** 2)).sum(axis=0)


def test_replicates_of_the_ordered_beta_are_at_the_ends_as_often_as_they_should():
    made, times = model("ordered_beta").without(range(5, 40)), 20_000
    drawn = one_draw(made, 9)
    found = made.replicate(repeated(drawn, times), np.random.default_rng(11))[:, :, 0]
    eta = made.log_odds(drawn, made.scores.codes)[0]
    low, high = drawn["cutpoints"][0]
    for end, expected in ((0, special.expit(low - eta)), (SIZE, special.expit(eta - high))):
        error = np.sqrt(expected * (1 - expected) / times)
        assert (np.abs((found == end).mean(axis=0) - expected) <= 5 * error).all()


def test_targets_are_averages_over_everybody(made):
    drawn = made.draw_prior(np.random.default_rng(12), 3)
    found = made.targets(drawn)
    expected = [
        (written_out_means(made, drawn, d, "cells") - written_out_means(made, drawn, d, "control")).mean()
        for d in range(3)
    ]
    assert found[0].draws == pytest.approx(np.array(expected), rel=1e-11)
    told = [(t.term, t.contrast, t.unit, t.sign) for t in found[:2]]
    assert told == [("arm", "cells - control", "", 1), ("coefficient", "cells - control", "log odds", 1)]
    assert (found[0].scale, found[1].scale) == (made.scores.sd, made.per_sd)
    arm = 1 if made.kind == "bayes_recovery" else 2
    assert (found[1].draws == drawn["coefficients"][:, arm]).all()


def test_the_mixture_tells_who_recovers_by_arm():
    made = model("recovery")
    drawn = made.draw_prior(np.random.default_rng(13), 4)
    control, cells = made.targets(drawn)[2:]
    beta = drawn["coefficients"]
    assert control.draws == pytest.approx(special.expit(beta[:, 0]))
    assert cells.draws == pytest.approx(special.expit(beta.sum(axis=1)))
    assert (cells.term, cells.contrast, cells.unit, cells.sign) == (
        "lsmean",
        "recoverers @ cells",
        "probability",
        0,
    )


def test_a_scale_upside_down_gives_the_same_mixture():
    """With the good end at the bottom everything is mirrored, and the likelihood is the same."""
    data = mirrored(trial())
    made, turned = model("recovery"), model("recovery", data, direction="lower_is_better")
    drawn = made.draw_prior(np.random.default_rng(14), 5)
    assert turned.log_likelihood(drawn) == pytest.approx(made.log_likelihood(drawn), rel=1e-11)
    up, down = made.targets(drawn), turned.targets(drawn)
    assert down[0].draws == pytest.approx(-up[0].draws, rel=1e-10)
    assert (down[0].sign, down[1].sign) == (-1, 1)
    assert down[1].draws == pytest.approx(up[1].draws)


def test_three_arms_are_each_compared_with_the_reference():
    data = trial()
    data.loc[data.index[:10], "arm"] = "placebo"
    made = model("beta_binomial", data, effect=EFFECT)
    told = [(t.contrast, t.term) for t in made.targets(made.draw_prior(np.random.default_rng(0), 2))]
    expected = [(f"{arm} - control", term) for arm in ("cells", "placebo") for term in ("arm", "coefficient")]
    assert told == expected
