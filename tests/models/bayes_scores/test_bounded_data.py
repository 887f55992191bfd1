"""What the door of the models of bounded scores lets in."""

from __future__ import annotations

import numpy as np
import pytest
from bounded_fixture import FAMILIES, SIZE, model, trial

from neurotrial.errors import InputError
from neurotrial.models.bayes_scores.bounded_priors import BoundedPriors


def changed(column, place, value):
    data = trial()
    data.loc[data.index[place], column] = value
    return data


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("column", "value"), [("after", 67.0), ("before", -1.0)])
def test_scores_outside_the_scale_are_named_with_their_rows(family, column, value):
    with pytest.raises(
        InputError, match=rf"column '{column}': must lie on the scale, from 0 to 66\n.*sub-03"
    ):
        model(family, changed(column, 3, value))


def test_all_problems_are_told_at_once():
    data = changed("after", [3, 5], [70.0, 20.5])
    data.loc["sub-07", "before"] = 80.0
    with pytest.raises(InputError) as refused:
        model("beta_binomial", data)
    assert [p.where for p in refused.value.problems] == [
        "column 'after'",
        "column 'after'",
        "column 'before'",
    ]
    assert "sub-05: arm=cells, after=20.5" in refused.value.problems[1].rows[0]


@pytest.mark.parametrize("family", ["beta_binomial", "recovery"])
def test_counts_must_be_whole_points_and_the_ordered_beta_takes_any(family):
    data = changed("after", 5, 20.5)
    with pytest.raises(InputError, match="must be whole points above 0"):
        model(family, data)
    assert model("ordered_beta", data).scores.follow_up[5] == 20.5


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"bounds": (66, 0)}, "bounds: must be finite and increase"),
        ({"bounds": (0, np.inf)}, "bounds: must be finite and increase"),
        ({"bounds": (0, 66.5)}, "bounds: must lie a whole number of points apart"),
        ({"family": "recovery"}, "covariates: the recovery mixture takes none; got age"),
        ({"family": "gaussian"}, "family: 'gaussian' is no family"),
    ],
)
def test_impossible_models_are_refused(options, where):
    with pytest.raises(InputError, match=where):
        model(**({"family": "beta_binomial", "covariates": ("age",)} | options))


@pytest.mark.parametrize("name", ["overdispersion", "ends"])
def test_priors_must_be_above_zero(name):
    with pytest.raises(InputError, match=f"prior '{name}'"):
        BoundedPriors(**{name: (1.0, 0.0, 1.0)})


def test_who_misses_a_score_is_left_out():
    made = model("beta_binomial", changed("after", 4, np.nan))
    assert "sub-04" not in made.observed.participants
    assert len(made.observed.participants) == 43


def test_observed_scores_have_their_names():
    seen = model("beta_binomial", visit="day90").observed
    assert seen.columns == ("day90",)
    assert seen.bounds == ((0, SIZE),)
    assert seen.values[:, 0].tolist() == trial()["after"].tolist()
    assert seen.arms == tuple(trial()["arm"])


def test_without_and_with_values_keep_the_scale():
    whole = model("beta_binomial")
    fewer = whole.without([0, 43])
    assert fewer.observed.participants == whole.observed.participants[1:43]
    assert fewer.scores.sd == whole.scores.sd
    assert fewer.prior is whole.prior
    other = fewer.with_values(np.full((42, 1), 8.0))
    assert (other.observed.values == 8).all()
    assert other.design(other.scores.codes) == pytest.approx(whole.design(whole.scores.codes)[1:43])


@pytest.mark.parametrize(("value", "rule"), [(np.nan, "on the scale"), (-1, "on the scale"), (2.5, "whole")])
def test_new_values_keep_to_the_rules(value, rule):
    made = model("beta_binomial")
    values = made.observed.values.copy()
    values[2] = value
    with pytest.raises(InputError, match=rf"column 'after'.*{rule}[^\n]*\n    sub-02"):
        made.with_values(values)
