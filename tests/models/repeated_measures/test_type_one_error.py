"""The default keeps its level: 100,000 trials a cell."""

import numpy as np
import pytest
from scipy import stats
from type_one_error import LEVEL, MODELS, TRIALS, rejections

NUMBER = 100_000
HIGHEST = {"31 v 13": 0.053, "10 v 8": 0.056}
"""What an approximate test may reach."""


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_level(trial, model):
    shares, exact = rejections(trial, model, NUMBER)
    share = shares["default"]
    if exact:
        # the 99.9 % band of a binomial share with the nominal level
        half = stats.norm.isf(0.0005) * np.sqrt(LEVEL * (1 - LEVEL) / NUMBER)
        assert abs(share - LEVEL) < half
    else:
        assert share < HIGHEST[trial.name.split(",")[0]]
        assert share > 0.04


@pytest.mark.parametrize("model", MODELS)
def test_what_is_simulated_has_no_effect_and_the_right_method(model):
    shares, exact = rejections(TRIALS[0], model, 400)
    assert exact
    assert 0.01 < shares["default"] < 0.12
