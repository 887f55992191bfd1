import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import ancova, leave_one_out, rank_comparison, robust_regression

ROLES = {"arm": "arm", "reference": "control"}


@pytest.fixture(scope="module")
def data():
    """Simulated, two outcomes that miss different people."""
    rng = np.random.default_rng(6)
    arm = np.repeat(["cells", "control"], [31, 13])
    frame = pd.DataFrame(
        {"who": [f"sub-{k:02d}" for k in range(44)], "arm": arm, "age": rng.normal(60, 9, 44)}
    )
    for name in ("fa", "fc"):
        frame[f"{name}_0"] = rng.normal(size=44)
        frame[name] = 0.6 * frame[f"{name}_0"] + 0.5 * (arm == "cells") + rng.normal(size=44)
    frame.loc[[3, 40], "fa"] = np.nan
    return frame


@pytest.mark.parametrize("errors", ["OLS", "HC3"])
def test_each_row_is_the_analysis_without_that_participant(data, errors):
    found = leave_one_out(
        data,
        outcome=["fa", "fc"],
        baseline=["fa_0", "fc_0"],
        covariates=["age"],
        subject="who",
        errors=errors,
        **ROLES,
    ).tidy()
    assert len(found) == 42 + 44
    for _, row in found.iloc[::9].iterrows():
        rest = data[data["who"] != row["participant"]]
        fit = ancova(
            rest, outcome=row["outcome"], baseline=f"{row['outcome']}_0", covariates=["age"], **ROLES
        ).tidy()
        theirs = fit[fit["method"] == f"ancova_{errors.lower()}"].iloc[0]
        # two routes through the same normal equations
        for column in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
            assert row[column] == pytest.approx(theirs[column], rel=1e-9)


def test_any_analysis_can_be_repeated(data):
    found = leave_one_out(
        data, subject="who", analysis=lambda rest: rank_comparison(rest, outcome="fc", **ROLES)
    ).tidy()
    assert set(found["method"]) == {"mann_whitney", "brunner_munzel"}
    assert len(found) == 2 * 44
    row = found[(found["method"] == "mann_whitney") & (found["participant"] == "sub-07")].iloc[0]
    theirs = rank_comparison(data[data["who"] != "sub-07"], outcome="fc", **ROLES).tidy().iloc[0]
    assert row["estimate"] == theirs["estimate"]
    whole = rank_comparison(data, outcome="fc", **ROLES).tidy().iloc[0]
    assert row["change"] == pytest.approx(theirs["estimate"] - whole["estimate"])


def test_an_analysis_that_fails_without_somebody_is_a_row_with_the_reason(data):
    few = data.groupby("arm").head(2)
    found = leave_one_out(
        few, subject="who", analysis=lambda rest: rank_comparison(rest, outcome="fc", **ROLES)
    ).tidy()
    assert found["estimate"].isna().all()
    assert found["reason"].str.contains("has 1 of the 2 participants").all()


def test_the_sentence_names_who_decides(data):
    pulled = data.assign(fc=data["fc"].where(data["who"] != "sub-05", 9.0))
    found = leave_one_out(pulled, outcome="fc", baseline="fc_0", subject="who", **ROLES)
    assert "farthest without sub-05" in found.sentence()
    changes = found.tidy().set_index("participant")["change"]
    assert changes.abs().idxmax() == "sub-05"
    turned = found.tidy()[found.tidy()["turned"]]
    assert ((turned["p_value"] <= 0.05) != (found.whole["p_value"].item() <= 0.05)).all()


def test_what_cannot_be_left_out_is_refused(data):
    cases = [
        (lambda: leave_one_out(data, **ROLES), "name outcome and arm"),
        (
            lambda: leave_one_out(data, outcome=["fa", "fc"], baseline="fa_0", **ROLES),
            "1 are named for 2 outcomes",
        ),
        (lambda: leave_one_out(data, analysis=lambda rest: rest), "name the column"),
        (
            lambda: leave_one_out(pd.concat([data, data]), outcome="fc", subject="who", **ROLES),
            "these have more",
        ),
        (lambda: leave_one_out(data, outcome="fc", subject="woh", **ROLES), "did you mean 'who'"),
    ]
    for call, words in cases:
        with pytest.raises(InputError) as error:
            call()
        assert words in str(error.value)


def test_robust_analyses_move_less(data):
    pulled = data.assign(fc=data["fc"].where(data["who"] != "sub-05", 25.0))
    roles = {"outcome": "fc", "baseline": "fc_0"} | ROLES
    squares = leave_one_out(pulled, subject="who", **roles).tidy()["change"].abs().max()
    robust = leave_one_out(
        pulled, subject="who", analysis=lambda rest: robust_regression(rest, **roles)
    ).tidy()
    assert robust["change"].abs().max() < 0.5 * squares
