"""Simulation-based calibration of a model with exact draws: right posteriors pass, wrong ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from conjugate_fixture import ExactSampling, conjugate_model

from neurotrial.errors import InputError
from neurotrial.executors import open_executor
from neurotrial.models.bayes_calibration.quantities import distinct_quantities, scalars
from neurotrial.models.bayes_calibration.shipped_models import SHIPPED
from neurotrial.models.bayes_calibration.simulation_based import Ranking, calibrate, collected

EFFECT = "arm: cells - control: day90"


def run(sampling, n, seed=0, n_draws=99, **how):
    ranking = Ranking(seed=seed, n_draws=n_draws)
    chunks = calibrate(conjugate_model(), sampling, range(n), ranking=ranking, **how)
    return collected((one for chunk in chunks for one in chunk), ranking)


def test_every_quantity_once():
    """The coefficient of the arm is the target in another unit."""
    names = distinct_quantities(conjugate_model(), np.random.default_rng(1))
    assert names == (
        EFFECT,
        "contrast: superiority: day90",
        "log_likelihood",
        "coefficients[0]",
        "coefficients[2]",
        "sigma",
    )


def test_constants_are_no_quantities():
    model = conjugate_model()
    found = scalars(model, model.draw_prior(np.random.default_rng(1), 3) | {"one": np.ones((3, 2))})
    assert {"one[0]", "one[1]"} <= set(found)
    drawn = type(model).draw_prior

    class WithConstant(type(model)):
        def draw_prior(self, rng, size):
            return drawn(self, rng, size) | {"one": np.ones(size)}

    own = WithConstant(model.values, model.design, model.prior)
    assert "one" not in distinct_quantities(own, np.random.default_rng(1))


def test_the_right_posterior_is_calibrated():
    table = run(ExactSampling(), 500).tidy()
    assert (table["p_holm"] > 0.05).all()
    assert (table["n_simulations"] == 500).all()
    assert (table[["divergent", "short"]] == 0).all(axis=None)


@pytest.mark.parametrize("wrong", [{"spread": 0.8}, {"shift": 0.35}])
def test_a_wrong_posterior_is_not(wrong):
    table = run(ExactSampling(**wrong), 500).tidy().set_index("quantity")
    assert table.loc[EFFECT, "p_holm"] < 1e-3
    # what is right stays so
    assert table.loc["sigma", "p"] > 0.01


def test_numbers_do_not_depend_on_chunks_processes_or_how_many():
    whole = run(ExactSampling(), 12)
    assert np.array_equal(whole.ranks, run(ExactSampling(), 12, chunk=1).ranks)
    assert np.array_equal(whole.ranks[:7], run(ExactSampling(), 7, chunk=3).ranks)
    assert not np.array_equal(whole.ranks, run(ExactSampling(), 12, seed=1).ranks)


@pytest.mark.slow
def test_numbers_do_not_depend_on_processes():
    with open_executor(2) as executor:
        spread = run(ExactSampling(), 12, executor=executor, chunk=2)
    assert np.array_equal(run(ExactSampling(), 12).ranks, spread.ranks)


@pytest.mark.parametrize("name", SHIPPED)
def test_prototypes_are_trials_of_31_and_13(name):
    observed = SHIPPED[name]().observed
    assert sorted(observed.arms) == ["cells"] * 31 + ["control"] * 13
    assert np.isfinite(observed.values).any(axis=1).all()


def test_divergent_fits_are_counted_and_kept():
    found = run(ExactSampling(diverging=3), 40)
    assert 0 < found.divergent < 40
    assert len(found.ranks) == 40
    assert (found.tidy()["divergent"] == found.divergent).all()


def test_effective_draws_are_counted_where_draws_are_not_exact():
    """Independent draws of two chains are worth about their number; 20 of them are fewer than 99."""
    enough = run(ExactSampling(draws=300, chains=2), 3)
    assert (enough.effective > 200).all()
    assert enough.short == 0
    assert run(ExactSampling(draws=50, chains=2), 3).short == 3


def test_too_few_draws_are_refused():
    with pytest.raises(InputError, match="gives 50 draws, but 99"):
        run(ExactSampling(draws=50), 1)


def test_no_simulation_is_refused():
    with pytest.raises(InputError, match="no simulation"):
        collected([])


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_calibrated(name):
    """60 simulations, 12 bins: an error of sign or scale shows, a small one does not; the stored results have more."""
    from neurotrial.models.bayes_calibration.nuts import NutsSampling

    chunks = calibrate(SHIPPED[name](), NutsSampling(), range(60))
    found = collected(one for chunk in chunks for one in chunk)
    assert found.tidy()["p_holm"].min() > 0.001
    assert found.divergent <= 6
    assert found.short <= 6
