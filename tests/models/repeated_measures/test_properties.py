import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from repeated_fixture import made_up

from neurotrial.models import clda, mmrm

ROLES = {"subject": "who", "visit": "visit"}
FORMULA = "y ~ age + arm * visit"
NUMBERS = ["estimate", "std_error", "df", "p_value"]
seeds = st.integers(0, 10_000)


def table(long, covariance="us"):
    return mmrm(FORMULA, long, covariance=covariance, **ROLES).tidy()


@given(seeds)
def test_order_and_names_of_participants_do_not_matter(seed):
    long = made_up(seed, (18, 14), n_visits=3, lost=0.1)
    other = long.assign(who=long["who"].map(lambda who: f"{hash(who) % 9973:04d}-{who}"))
    found = table(other.sample(frac=1, random_state=seed))
    np.testing.assert_allclose(found[NUMBERS], table(long)[NUMBERS], rtol=1e-8, atol=1e-12)


@given(seeds, st.floats(-1e4, 1e4), st.floats(1e-4, 1e4))
def test_units_and_offsets_carry_over(seed, offset, factor):
    long = made_up(seed, (18, 14), n_visits=3, lost=0.1)
    expected = table(long).set_index("contrast")
    found = table(long.assign(y=offset + factor * long["y"])).set_index("contrast")
    others = found.index.difference(["Intercept"])
    # an offset of 1e4 units leaves 12 digits of an outcome of size 1e-3
    loss = 1e-8 * (1 + abs(offset) / factor / 1e4)
    np.testing.assert_allclose(
        found.loc[others, "estimate"] / factor, expected.loc[others, "estimate"], rtol=loss, atol=loss
    )
    np.testing.assert_allclose(found["std_error"] / factor, expected["std_error"], rtol=loss)
    np.testing.assert_allclose(found["df"], expected["df"], rtol=10 * loss)


@given(seeds)
def test_units_of_a_covariate_carry_over(seed):
    long = made_up(seed, (18, 14), n_visits=3, lost=0.1)
    expected = table(long).set_index("contrast").loc["age"]
    found = table(long.assign(age=1000 + long["age"] * 12)).set_index("contrast").loc["age"]
    assert found["estimate"] * 12 == pytest.approx(expected["estimate"], rel=1e-8)
    assert found["p_value"] == pytest.approx(expected["p_value"], rel=1e-7)


@given(seeds)
def test_people_without_outcomes_change_nothing(seed):
    import pandas as pd

    long = made_up(seed, (18, 14), n_visits=3, lost=0.1)
    ghosts = long[long["who"].isin(["p01", "p20"])].assign(y=np.nan, who=lambda rows: "ghost-" + rows["who"])
    np.testing.assert_allclose(table(pd.concat([long, ghosts]))[NUMBERS], table(long)[NUMBERS], rtol=1e-12)


@given(seeds, st.sampled_from(["us", "csh", "toep"]))
def test_the_likelihood_of_a_wider_structure_is_higher(seed, narrower):
    long = made_up(seed, (22, 16), n_visits=3, lost=0.05)
    wide = mmrm(FORMULA, long, **ROLES).neg2_loglik
    assert mmrm(FORMULA, long, covariance=narrower, **ROLES).neg2_loglik >= wide - 1e-8


@given(seeds)
def test_exchanging_the_arms_turns_the_sign(seed):
    long = made_up(seed, (18, 14), n_visits=3, lost=0.1)
    turned = long.assign(arm=long["arm"].cat.reorder_categories(["cells", "control"]))
    for data, sign in ((long, 1), (turned, -1)):
        rows = clda("y ~ age", data, arm="arm", **ROLES).effects()
        values = sign * rows[rows["term"] == "arm"]["estimate"].to_numpy()
        if sign == 1:
            expected = values
    np.testing.assert_allclose(values, expected, rtol=1e-8, atol=1e-10)
