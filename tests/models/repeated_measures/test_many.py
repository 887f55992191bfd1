import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from neurotrial.models import mmrm, mmrm_many

ROLES = {"subject": "who", "visit": "visit"}
FORMULA = "y ~ age + arm * visit"
NUMBERS = ["estimate", "std_error", "df"]


@pytest.fixture(scope="module")
def outcomes(make_long):
    """Five outcomes of the same people; one is complete, the others miss different rows."""
    long, rng = make_long(20, (18, 12), lost=0.0), np.random.default_rng(4)
    for number in range(4):
        other = long["y"] * (number + 1) + rng.normal(0, 2, len(long))
        long[f"y{number}"] = other.mask(rng.random(len(long)) < 0.05 * number)
    return long


def same(found, expected):
    """To 1e-10, which is what the toolkit promises; the arithmetic is the same but for the order of sums."""
    np.testing.assert_allclose(found[NUMBERS], expected[NUMBERS], rtol=1e-10, atol=1e-12)
    assert found["reason"].tolist() == expected["reason"].tolist()


@pytest.mark.parametrize("covariance", ["us", "cs", "ar1h"])
def test_outcomes_are_those_of_single_fits(outcomes, covariance):
    names = ["y", "y0", "y1", "y2", "y3"]
    many = mmrm_many(FORMULA, outcomes, outcomes=names, covariance=covariance, **ROLES)
    table = many.tidy()
    for name in names:
        single = mmrm(FORMULA.replace("y ~", f"{name} ~"), outcomes, covariance=covariance, **ROLES)
        same(table[table["outcome"] == name], single.tidy())


def test_effects_are_those_of_single_fits(outcomes):
    table = mmrm_many("y ~ arm * visit", outcomes, outcomes=["y0", "y3"], **ROLES).effects("arm")
    for name in ("y0", "y3"):
        single = mmrm(f"{name} ~ arm * visit", outcomes, **ROLES).effects("arm")
        same(table[table["outcome"] == name], single)
    assert table["term"].unique().tolist() == ["arm", "within_arm", "group_by_time", "lsmean"]


def test_jackknife_masks_are_fits_without_a_participant(outcomes):
    people = pd.unique(outcomes["who"])
    masks = 1.0 - np.eye(len(people))[:, :6]
    table = mmrm_many("y2 ~ arm * visit", outcomes, replicates=masks, **ROLES).effects("arm")
    for number in range(6):
        single = mmrm("y2 ~ arm * visit", outcomes[outcomes["who"] != people[number]], **ROLES).effects("arm")
        same(table[table["replicate"] == number], single)


def test_bootstrap_weights_are_fits_to_repeated_participants(outcomes):
    people, rng = pd.unique(outcomes["who"]), np.random.default_rng(1)
    counts = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=4).T.astype(float)
    table = mmrm_many(FORMULA, outcomes, replicates=counts, df="kenward-roger", **ROLES).tidy()
    for number in range(4):
        copies = [
            outcomes[outcomes["who"] == who].assign(who=f"{who}-{copy}")
            for who, count in zip(people, counts[:, number], strict=True)
            for copy in range(int(count))
        ]
        single = mmrm(FORMULA, pd.concat(copies), df="kenward-roger", **ROLES).tidy()
        same(table[table["replicate"] == number], single)


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_batches_change_nothing(outcomes, batch):
    rng = np.random.default_rng(3)
    values = pd.DataFrame(rng.normal(size=(len(outcomes), 7)))
    values.iloc[5, 2] = values.iloc[9, 4] = np.nan
    whole = mmrm_many(FORMULA, outcomes, outcomes=values, **ROLES).tidy()
    part = mmrm_many(FORMULA, outcomes, outcomes=values, batch=batch, **ROLES).tidy()
    same(part, whole)


def test_cells_that_fail_are_rows_with_reasons(outcomes):
    spoilt = outcomes.assign(
        flat=1.0,
        gone=outcomes["y"].where(outcomes["arm"] == "control"),
        never=np.nan,
    )
    many = mmrm_many("y ~ arm * visit", spoilt, outcomes=["y", "flat", "gone", "never"], **ROLES)
    reasons = many.cells.set_index("outcome")["reason"]
    assert many.cells.set_index("outcome")["status"].to_dict() == {
        "y": "ok", "flat": "failed", "gone": "failed", "never": "failed",
    }  # fmt: skip
    assert reasons["flat"] == "the outcome has no residual variation"
    assert "aliased" in reasons["gone"]
    table = many.tidy()
    assert table.loc[table["outcome"] == "gone", NUMBERS].isna().all(axis=None)
    same(table[table["outcome"] == "y"], mmrm("y ~ arm * visit", spoilt, **ROLES).tidy())


def test_order_of_rows_does_not_matter(outcomes):
    masks = np.ones((30, 2))
    masks[3, 1] = 0.0
    expected = mmrm_many(FORMULA, outcomes, replicates=masks, **ROLES).tidy()
    turned = outcomes.sample(frac=1, random_state=2)
    position = pd.Index(pd.unique(outcomes["who"])).get_indexer(pd.Index(pd.unique(turned["who"])))
    found = mmrm_many(FORMULA, turned, replicates=masks[position], **ROLES).tidy()
    same(found, expected)


def test_thread_count_does_not_matter(outcomes):
    with threadpool_limits(1):
        one = mmrm_many(FORMULA, outcomes, outcomes=["y", "y1"], **ROLES).tidy()
    with threadpool_limits(2):
        two = mmrm_many(FORMULA, outcomes, outcomes=["y", "y1"], **ROLES).tidy()
    same(two, one)
