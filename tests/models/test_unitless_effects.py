import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import cliffs_delta, d_ppc, hedges_g, standardised_effects


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    before = rng.normal(30, 10, 44)
    arm = np.repeat(["cells", "control"], [31, 13])
    return pd.DataFrame(
        {"arm": arm, "before": before, "after": 5 + before + 4 * (arm == "cells") + rng.normal(0, 6, 44)}
    )


def groups(data):
    return [data[data["arm"] == arm] for arm in ("cells", "control")]


def test_hedges_g_of_a_table_is_that_of_its_columns(data):
    cells, control = groups(data)
    one = hedges_g(cells["after"].to_numpy(), control["after"].to_numpy())
    row = hedges_g(data, "control", outcome="after", arm="arm").tidy().iloc[0]
    assert (row["estimate"], row["conf_low"]) == (one.estimate, one.conf_low)
    assert one.tidy()["estimate"].item() == one.estimate
    change = hedges_g(data, "control", outcome="after", baseline="before", arm="arm").tidy().iloc[0]
    assert (
        change["estimate"]
        == hedges_g(*(g["after"].to_numpy() - g["before"].to_numpy() for g in (cells, control))).estimate
    )
    assert "SDs pooled over the arms" in row["reason"]


def test_d_ppc_is_morris_formula(data):
    cells, control = groups(data)
    pooled = np.sqrt((30 * cells["before"].var() + 12 * control["before"].var()) / 42)
    change = (cells["after"] - cells["before"]).mean() - (control["after"] - control["before"]).mean()
    found = d_ppc(cells["before"], cells["after"], control["before"], control["after"])
    assert found.uncorrected == pytest.approx(change / pooled, rel=1e-12)
    # Morris writes the factor as 1 - 3 / (4 df - 1), which is 1e-4 from the exact one at 42 df
    assert found.estimate == pytest.approx((1 - 3 / (4 * 42 - 1)) * change / pooled, rel=1e-4)


@pytest.mark.slow
def test_d_ppc_has_its_variance_and_no_bias():
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(20_000):
        before = rng.normal(0, 1, 44)
        after = 0.6 * before + rng.normal(0, 0.8, 44) + 0.5 * (np.arange(44) < 31)
        found = d_ppc(before[:31], after[:31], before[31:], after[31:])
        drawn.append((found.estimate, found.variance))
    estimate, variance = np.array(drawn).T
    assert abs(estimate.mean() - 0.5) < 4 * estimate.std() / np.sqrt(20_000)
    # the variance holds for pooled correlations that are known: within 5 % at this size
    assert variance.mean() == pytest.approx(estimate.var(), rel=0.05)


def test_cliffs_delta_by_pairs(data):
    cells, control = (g["after"].to_numpy() for g in groups(data))
    signs = [[np.sign(a - b) for b in control] for a in cells]
    found = cliffs_delta(cells, control)
    assert found.estimate == pytest.approx(np.mean(signs), rel=1e-12)
    assert -1 <= found.conf_low < found.estimate < found.conf_high <= 1
    swapped = cliffs_delta(control, cells)
    assert (swapped.conf_low, swapped.conf_high) == pytest.approx(
        (-found.conf_high, -found.conf_low), rel=1e-12
    )
    apart = cliffs_delta(np.array([5.0, 6, 7]), np.array([1.0, 2, 3]))
    assert apart.estimate == 1
    assert np.isnan(apart.conf_low)
    assert "do not overlap" in apart.tidy()["reason"].item()


def test_cliffs_variance_is_unbiased():
    """Over all samples of 3 and 3 from a population of five values, the estimated variance has the true mean."""
    population = np.array([0.0, 1, 2, 3, 4])
    samples = np.array(np.meshgrid(*[population] * 6)).reshape(6, -1).T
    signs = np.sign(samples[:, :3, None] - samples[:, None, 3:])
    delta = signs.mean(axis=(1, 2))
    rows = ((signs.mean(axis=2) - delta[:, None]) ** 2).sum(axis=1)
    columns = ((signs.mean(axis=1) - delta[:, None]) ** 2).sum(axis=1)
    ours = (9 * rows + 9 * columns - ((signs - delta[:, None, None]) ** 2).sum(axis=(1, 2))) / (9 * 4)
    assert ours.mean() == pytest.approx(delta.var(), rel=1e-10)
    some = samples[1234]
    assert cliffs_delta(some[:3], some[3:]).variance == pytest.approx(ours[1234], rel=1e-12)


def test_the_table_names_each_definition(data):
    rows = standardised_effects(
        data, outcome="after", baseline="before", arm="arm", reference="control"
    ).tidy()
    assert rows["method"].tolist() == ["hedges_g", "d_ppc", "cliffs_delta"]
    assert rows["reason"].str.len().gt(10).all()
    with pytest.raises(InputError, match="do not vary"):
        standardised_effects(data.assign(before=1.0), outcome="after", baseline="before", arm="arm")
