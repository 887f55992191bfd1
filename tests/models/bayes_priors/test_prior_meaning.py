"""What the sets of priors say, against the sentences that define them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurotrial.bayes_plan import PRIOR_SETS, EffectPriors, NormalPrior
from neurotrial.errors import InputError
from neurotrial.models.bayes_priors.prior_meaning import prior_meanings, tidy_meanings


def test_the_default_sets_say_what_the_study_file_says_of_them():
    """An effect above 0.5 SD, and harm, have a probability of 0.05: 0.048 of a normal at 5/3 SDs."""
    sceptical, neutral, enthusiastic = prior_meanings(EffectPriors(), baseline_sd=20.0, mcid=10.0, rope=0.1)
    assert sceptical.probability_mcid == pytest.approx(stats.norm.sf(5 / 3), rel=1e-12)
    assert 1 - enthusiastic.probability_benefit == pytest.approx(stats.norm.sf(5 / 3), rel=1e-12)
    assert (sceptical.probability_benefit, neutral.probability_benefit) == (0.5, 0.5)
    assert enthusiastic.probability_mcid == 0.5
    assert (sceptical.low, sceptical.high) == pytest.approx((-11.7598, 11.7598), abs=1e-4)
    assert (enthusiastic.mean, enthusiastic.sd) == pytest.approx((10, 6))
    assert neutral.probability_rope == pytest.approx(2 * stats.norm.cdf(0.05) - 1, rel=1e-12)


def test_where_lower_is_better_benefits_are_negative():
    up = prior_meanings(EffectPriors(), baseline_sd=2.0, mcid=1.0)[2]
    down = prior_meanings(EffectPriors(), baseline_sd=2.0, mcid=1.0, direction="lower_is_better")[2]
    assert (down.mean, down.low, down.high) == pytest.approx((-up.mean, -up.high, -up.low))
    assert down.sd == up.sd
    assert down.probability_benefit == up.probability_benefit
    assert down.probability_mcid == up.probability_mcid


def test_the_level_sets_the_range():
    priors = EffectPriors(sceptical=NormalPrior(mean=-0.2, sd=0.4))
    found = prior_meanings(priors, baseline_sd=5.0, level=0.5)[0]
    assert (found.low, found.high) == pytest.approx(stats.norm(-1, 2).interval(0.5), rel=1e-12)


def test_a_row_for_each_set():
    table = tidy_meanings(prior_meanings(EffectPriors(), baseline_sd=1.0))
    assert tuple(table["prior"]) == PRIOR_SETS
    assert np.isnan(table[["probability_mcid", "probability_rope"]].to_numpy()).all()


@pytest.mark.parametrize(
    "choices",
    [{"baseline_sd": 0.0}, {"mcid": -1.0}, {"rope": np.inf}, {"baseline_sd": np.nan}, {"level": 1.0}],
)
def test_what_is_no_size_is_refused(choices):
    with pytest.raises(InputError):
        prior_meanings(EffectPriors(), **({"baseline_sd": 1.0} | choices))
