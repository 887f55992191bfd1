"""Analysis of covariance, several outcomes and joint changes: means, priors and targets written out."""

from __future__ import annotations

import numpy as np
import pytest
from gaussian_fixture import (
    EFFECT,
    LOWER,
    MIXTURE,
    OTHERS,
    PLAN,
    STUDENT,
    ancova,
    covariances,
    joint,
    outcome_rows,
    outcomes,
    people,
)

from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.joint_model import joint_model

THREE = ("control", "low", "high")


def some(own, size=4):
    return own.draw_prior(np.random.default_rng(7), size)


def fitted(own, parameters):
    """Means in the unit of the outcome, shape (draws, n, T)."""
    design = own.design if own.pooling is None else np.concatenate([own.design, own.pooling.design], axis=2)
    coefficients = parameters["coefficients"]
    if own.pooling is not None:
        coefficients = np.hstack([coefficients, parameters["deviation"]])
    means = np.einsum("ntp,dp->dnt", design, coefficients)
    return own.scaling.centre + own.scaling.unit * means


def centred(values):
    values = np.asarray(values, dtype=float)
    return (values - values.mean()) / values.std(ddof=1)


def scale(table, column):
    """Mean, and SD pooled over the arms."""
    groups = table.groupby("arm", observed=True)[column]
    freedom = len(table) - table["arm"].nunique()
    return table[column].mean(), np.sqrt((groups.var() * (groups.count() - 1)).sum() / freedom)


def test_the_means_of_an_analysis_of_covariance():
    table = people(arms=THREE)
    given, own = ancova(arms=THREE)
    parameters = some(own)
    centre, sd = scale(table, "before")
    intercept, slope, low, high, age, site_b, site_c = parameters["coefficients"].T[..., None]
    expected = intercept + slope * ((table["before"].to_numpy() - centre) / sd)
    expected = (
        expected + low * (table["arm"] == "low").to_numpy() + high * (table["arm"] == "high").to_numpy()
    )
    expected = expected + age * centred(table["age"])
    expected = expected + site_b * centred(table["site"] == "b") + site_c * centred(table["site"] == "c")
    assert fitted(own, parameters)[..., 0] == pytest.approx(centre + sd * expected, rel=1e-12)
    assert own.observed.values[:, 0] == pytest.approx(table["after"].to_numpy())
    assert (own.observed.columns, own.observed.bounds) == (("follow_up",), ((0, 100),))
    assert (given.centre, given.sd) == pytest.approx((centre, sd))


def test_the_priors_of_an_analysis_of_covariance():
    own = ancova(arms=THREE)[1]
    assert own.prior.functions == pytest.approx(np.eye(7))
    # lower is better: the prior of a benefit of 0.5 SD lies below 0
    assert own.prior.mean.tolist() == [0, 0.3, -0.5, -0.5, 0, 0, 0]
    assert own.prior.sd.tolist() == [1.5, 0.8, 0.4, 0.4, 0.7, 0.7, 0.7]
    assert own.covariance.sd.tolist() == [0.9]
    assert own.covariance.tail is None
    assert ancova(STUDENT)[1].covariance.tail == (3.0, 0.2)


def test_the_targets_of_an_analysis_of_covariance():
    """Differences of means, and the means, of participants with mean baseline and mean covariates."""
    given, own = ancova(arms=THREE)
    parameters = some(own)
    intercept, _, low, high = parameters["coefficients"].T[:4]
    expected = {
        ("arm", "low - control"): low * given.sd,
        ("arm", "high - control"): high * given.sd,
        ("lsmean", "mean @ control"): given.centre + given.sd * intercept,
        ("lsmean", "mean @ low"): given.centre + given.sd * (intercept + low),
        ("lsmean", "mean @ high"): given.centre + given.sd * (intercept + high),
    }
    found = {(target.term, target.contrast): target for target in own.targets(parameters)}
    assert found.keys() == expected.keys()
    for key, target in found.items():
        assert target.draws == pytest.approx(expected[key], rel=1e-12)
        assert target.sign == (-1 if key[0] == "arm" else 0)
        assert (target.visit, target.scale) == ("follow_up", given.sd)


def test_published_arms_are_the_prior_of_the_reference_arm():
    own = ancova(reference=MIXTURE)[1]
    assert own.shape.n_components == 3
    target = {target.contrast: target for target in own.targets(some(own, 20_000))}["mean @ control"]
    centre, sd = own.scaling.centre[0], own.scaling.unit[0]
    standardised = (target.draws - centre) / sd
    steps = np.linspace(0.02, 0.98, 25)
    shares = [(standardised <= MIXTURE.quantile(step)).mean() for step in steps]
    # the largest distance is below 1.95 / root n in all but 1 of 1,000 samples
    assert np.abs(shares - steps).max() < 1.95 / np.sqrt(len(standardised))


def by_name(own):
    """Rows of the fixture by participant and outcome."""
    table = outcome_rows(arms=THREE).set_index(["who", "outcome"])
    return table.loc[[(who, name) for who in own.observed.participants for name in own.observed.columns]]


def test_the_means_of_several_outcomes():
    given, own = outcomes(arms=THREE)
    parameters = some(own)
    found = fitted(own, parameters)
    rows = by_name(own)
    signs = {"force": 1, "mass": -1, "speed": 1}
    family = parameters["coefficients"][:, -2:]
    for k, name in enumerate(given.names):
        table = rows.xs(name, level="outcome")
        seen = table["value"].notna()
        kept = table[seen]
        centre, sd = scale(kept, "baseline")
        intercept, slope, age = parameters["coefficients"].T[3 * k : 3 * k + 3, :, None]
        expected = intercept + slope * ((kept["baseline"].to_numpy() - centre) / sd)
        expected = expected + age * centred(kept["age"])
        for place, arm in enumerate(("low", "high")):
            effect = family[:, place] + parameters["deviation"][:, 3 * place + k]
            expected = expected + signs[name] * effect[:, None] * (kept["arm"] == arm).to_numpy()
        assert found[:, seen.to_numpy(), k] == pytest.approx(centre + sd * expected, rel=1e-11)
        assert own.observed.values[:, k] == pytest.approx(table["value"].to_numpy(), nan_ok=True)


def test_the_priors_of_several_outcomes():
    own = outcomes(arms=THREE)[1]
    assert own.prior.mean.tolist() == [0, 0.3, 0] * 3 + [0.5] * 2
    assert own.prior.sd.tolist() == [1.5, 0.8, 0.7] * 3 + [0.4] * 2
    assert own.pooling.sd.tolist() == [0.4, 0.4]
    assert own.pooling.of.tolist() == [0, 0, 0, 1, 1, 1]
    assert own.covariance.sd.tolist() == [0.9] * 3
    # the effect on an outcome, oriented and in SDs, has the variance of the family's and that of the spread
    drawn = some(own, 40_000)
    oriented = np.array(
        [
            target.sign * target.draws / target.scale
            for target in own.targets(drawn)
            if target.outcome != "family"
        ]
    )
    assert oriented.mean(axis=1) == pytest.approx(EFFECT.mean, abs=5 * 0.6 / 200)
    # kurtosis of the spread is above 3: twice the error of a normal SD
    assert oriented.std(axis=1) == pytest.approx(
        np.hypot(EFFECT.sd, OTHERS.pooling_sd), rel=10 / np.sqrt(80_000)
    )


def test_the_targets_of_several_outcomes():
    given, own = outcomes(arms=THREE)
    parameters = some(own)
    signs = {"force": 1, "mass": -1, "speed": 1}
    found = {(target.outcome, target.contrast): target for target in own.targets(parameters)}
    assert len(found) == 2 * (3 + 1)
    for place, arm in enumerate(("low", "high")):
        family = parameters["coefficients"][:, -2 + place]
        whole = found["family", f"{arm} - control"]
        assert whole.draws == pytest.approx(family)
        assert (whole.unit, whole.sign, whole.term) == ("baseline SD", 1, "arm")
        for k, (name, standardised) in enumerate(zip(given.names, given.tables, strict=True)):
            effect = signs[name] * (family + parameters["deviation"][:, 3 * place + k])
            own_target = found[name, f"{arm} - control"]
            assert own_target.draws == pytest.approx(standardised.sd * effect, rel=1e-12)
            assert (own_target.sign, own_target.unit) == (signs[name], "")


def test_who_has_one_outcome_stays():
    given, own = outcomes()
    seen = own.seen
    assert 0 < (~seen).sum() < seen.size
    assert seen.any(axis=1).all()
    assert len(given.participants) == len(own.values)
    with_all = outcomes(missing=0.0)[1]
    assert with_all.seen.all()


def test_the_means_of_joint_changes():
    table = people(arms=THREE)
    _, own = joint(arms=THREE)
    parameters = some(own)
    found = fitted(own, parameters)
    low, high = (table["arm"] == "low").to_numpy(), (table["arm"] == "high").to_numpy()
    for outcome, (before, after) in enumerate((("mass_before", "mass_after"), ("before", "after"))):
        centre, sd = scale(table, before)
        mean, time, low0, high0, low1, high1, age = parameters["coefficients"].T[7 * outcome :][:7, :, None]
        first = mean + low0 * low + high0 * high
        later = first + time + low1 * low + high1 * high + age * centred(table["age"])
        assert found[:, :, 2 * outcome] == pytest.approx(centre + sd * first, rel=1e-12)
        assert found[:, :, 2 * outcome + 1] == pytest.approx(centre + sd * later, rel=1e-12)
        assert own.observed.values[:, 2 * outcome] == pytest.approx(table[before].to_numpy())
        assert own.observed.values[:, 2 * outcome + 1] == pytest.approx(table[after].to_numpy())


def test_the_priors_of_joint_changes():
    own = joint(arms=THREE)[1]
    # the first outcome is better the lower, the second the higher
    assert own.prior.mean.tolist() == [0, 0, 0, 0, -0.5, -0.5, 0, 0, 0, 0, 0, 0.5, 0.5, 0]
    assert own.prior.sd.tolist() == [1.5, 1.5, 0.6, 0.6, 0.4, 0.4, 0.7] * 2


def test_the_association_is_the_partial_correlation_given_both_baselines():
    """From the inverse covariance, and from least squares on simulated values."""
    pair, own = joint()
    parameters = some(own)
    correlation, slope = own.targets(parameters)[-2:]
    size = pair[1].sd / pair[0].sd
    for draw, whole in enumerate(covariances(parameters)):
        precision = np.linalg.inv(whole)
        expected = -precision[1, 3] / np.sqrt(precision[1, 1] * precision[3, 3])
        assert correlation.draws[draw] == pytest.approx(expected, rel=1e-10)
        # y1 on x1 and both baselines: the coefficient of x1 is minus that element of the precision over that of y1
        assert slope.draws[draw] == pytest.approx(-size * precision[1, 3] / precision[3, 3], rel=1e-10)
    assert (correlation.sign, slope.sign) == (0, 0)
    assert (correlation.unit, slope.unit) == ("correlation", "slope")
    assert correlation.contrast == "score with mass, partial correlation"


def test_directions_turn_priors_not_associations():
    table = people()
    pair = [
        standardise(table, outcome=after, baseline=before, arm="arm")
        for before, after in (("mass_before", "mass_after"), ("before", "after"))
    ]
    one, other = (
        joint_model(*pair, EFFECT, PLAN, ("mass", "score"), directions)
        for directions in ((Wording(), Wording()), (LOWER, LOWER))
    )
    assert other.prior.mean == pytest.approx(-one.prior.mean)
    parameters = some(one)
    for up, down in zip(one.targets(parameters), other.targets(parameters), strict=True):
        np.testing.assert_array_equal(up.draws, down.draws)
        assert up.sign == -down.sign
