import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import impute, responders

ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}


@pytest.fixture(scope="module")
def data():
    """Simulated: 18 of 31 and 3 of 13 respond."""
    change = np.concatenate([np.repeat([12, 4], [18, 13]), np.repeat([9, 8], [3, 10])])
    before = np.tile([20.0, 25, 30, 35], 11)
    arm = np.repeat(["cells", "control"], [31, 13])
    return pd.DataFrame({"arm": arm, "before": before, "after": before + change})


def test_proportions_ratio_and_number_needed(data):
    found = responders(data, mcid=9, **ROLES, minimum=0, maximum=66)
    rows = found.tidy().set_index("method")
    assert found.counts["responders"].tolist() == [3, 18]
    difference = 18 / 31 - 3 / 13
    assert rows.loc["responders_difference", "estimate"] == pytest.approx(difference, rel=1e-12)
    assert rows.loc["responders_ratio", "estimate"] == pytest.approx((18 / 31) / (3 / 13), rel=1e-12)
    assert rows.loc["responders_nnt", "estimate"] == pytest.approx(1 / difference, rel=1e-12)
    assert rows.loc["responders_difference", "p_value"] == stats.boschloo_exact([[18, 3], [13, 10]]).pvalue


def wilson(x, n):
    z = stats.norm.isf(0.025)
    p = x / n
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def test_interval_of_the_difference_is_newcombes(data):
    row = responders(data, mcid=9, **ROLES).tidy().iloc[0]
    (l1, u1), (l0, u0) = wilson(18, 31), wilson(3, 13)
    p1, p0 = 18 / 31, 3 / 13
    low = p1 - p0 - np.sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2)
    high = p1 - p0 + np.sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), rel=1e-10)
    assert row["interval_kind"] == "score"


def test_number_needed_runs_through_infinity(data):
    none = data.assign(after=data["before"] + np.where(np.arange(44) % 3 == 0, 10, 0))
    row = responders(none, mcid=9, **ROLES).tidy().iloc[2]
    assert np.isnan(row["conf_low"])
    assert "through infinity" in row["reason"]


def test_an_arm_without_responders_has_no_ratio(data):
    rows = responders(data, mcid=10, **ROLES).tidy()
    assert rows["status"].tolist() == ["ok", "failed", "ok"]
    assert "no ratio" in rows["reason"][1]
    nobody = responders(data, mcid=30, **ROLES).tidy()
    assert nobody["status"].tolist() == ["ok", "failed", "failed"]


def test_lower_is_better_turns_the_change(data):
    turned = data.assign(before=-data["before"], after=-data["after"])
    one = responders(data, mcid=9, **ROLES).tidy()["estimate"]
    two = responders(turned, mcid=9, **ROLES, direction="lower_is_better").tidy()["estimate"]
    assert one.tolist() == two.tolist()


def test_inside_imputation_each_data_set_counts(data):
    noisy = data.assign(after=data["after"] + np.random.default_rng(1).normal(0, 4, 44), who=range(44))
    noisy.loc[[2, 8, 20, 33, 40], "after"] = np.nan
    long = pd.concat(
        [noisy.assign(visit=v, score=noisy[c]) for v, c in (("baseline", "before"), ("day90", "after"))]
    )
    found = impute(long, outcome="score", subject="who", visit="visit", arm="arm", reference="control",
                   strategy="J2R", method="bayes", n_imputations=40, delta={"cells": -1.0})  # fmt: skip
    pooled = responders(found, mcid=9)
    shares = []
    for k, name in itertools.product(range(40), ("cells", "control")):
        own = found.completed(k)
        own = own[own["arm"] == name]
        shares.append(((own["day90"] - own["baseline"]) >= 9).mean())
    shares = np.array(shares).reshape(40, 2)
    difference = shares[:, 0] - shares[:, 1]
    row = pooled.tidy().iloc[0]
    assert row["estimate"] == pytest.approx(difference.mean(), rel=1e-12)
    assert row["std_error"] ** 2 > difference.var(ddof=1) * (1 + 1 / 40)
    ratio = pooled.tidy().iloc[1]["estimate"]
    assert ratio == pytest.approx(np.exp(np.log(shares[:, 0] / shares[:, 1]).mean()), rel=1e-12)
    with pytest.raises(InputError, match="without variation"):
        responders(impute(long, outcome="score", subject="who", visit="visit", arm="arm"), mcid=9)


def test_impossible_differences_are_refused(data):
    with pytest.raises(InputError, match="larger than the scale"):
        responders(data, mcid=70, **ROLES, minimum=0, maximum=66)
    with pytest.raises(InputError, match="not greater than 0"):
        responders(data, mcid=0, **ROLES)
    with pytest.raises(InputError, match="must lie on the scale"):
        responders(data, mcid=9, **ROLES, minimum=0, maximum=34)
