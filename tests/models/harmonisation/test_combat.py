"""ComBat: R's sva for one visit, statsmodels for the random intercept, simulated trials with known batches, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from neurotrial.errors import InputError
from neurotrial.models import harmonise
from neurotrial.models.harmonisation.standardising import standardised_values

STORED = pd.read_csv(Path(__file__).parents[2] / "data" / "combat_sva.csv")
FEATURES = [name for name in STORED if f"{name}_combat" in STORED]


def one_visit(features=FEATURES):
    return STORED.melt(["participant_id", "site", "arm", "age"], features, "outcome").assign(visit="baseline")


def trial(seed=0, people=60, shift=0.5, stretch=1.5, effect=0.6, outcomes=6):
    """Return standardised outcomes at two visits; the second site shifts and stretches them, the arms differ at the second visit."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        arm, site = ("cells", "control")[person % 3 == 0], ("a", "b")[(person // 3) % 2]
        own = rng.normal(size=outcomes)
        for visit in ("baseline", "day90"):
            true = own + 0.5 * rng.normal(size=outcomes) + effect * (arm == "cells") * (visit == "day90")
            seen = true if site == "a" else shift + stretch**0.5 * true
            rows += [
                {"participant_id": f"sub-{person:02d}", "visit": visit, "arm": arm, "site": site, "outcome": f"y{k}", "value": seen[k], "true": true[k]}
                for k in range(outcomes)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def wide(table, column="value"):
    return table.set_index(["participant_id", "visit", "outcome"])[column].unstack()  # noqa: PD010


def test_one_visit_is_sva():
    found = wide(harmonise(one_visit(), batch="site", covariates=["age"]).data).droplevel("visit")
    theirs = STORED.set_index("participant_id")[[f"{name}_combat" for name in FEATURES]]
    # sva ends its rounds at a relative change of 1e-4, we go on; the values have an SD of 0.05
    assert np.abs(found[FEATURES].to_numpy() - theirs.to_numpy()).max() < 1e-6


def test_the_random_intercept_is_that_of_statsmodels():
    table = trial().query("outcome == 'y0'").reset_index(drop=True)
    batches = pd.get_dummies(table["site"], dtype=float).to_numpy()
    groups = (table["arm"] + table["visit"]).astype("category").cat.codes
    preserved = pd.get_dummies(groups, dtype=float, drop_first=True).to_numpy()
    found = standardised_values(
        table["value"].to_numpy(), batches, preserved, table["participant_id"].to_numpy()
    )
    theirs = MixedLM(
        table["value"], np.column_stack([batches, preserved]), groups=table["participant_id"]
    ).fit(reml=True)
    assert found.sd == pytest.approx(np.sqrt(theirs.scale), rel=1e-4)
    effects = theirs.fe_params.to_numpy()[:2]
    grand = batches.mean(axis=0) @ effects
    expected = theirs.fittedvalues - batches @ effects + grand
    assert np.allclose(found.expected, expected, rtol=0, atol=1e-4)


def test_visits_that_go_apart_have_no_intercept():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 2)
    values = rng.normal(size=60) + np.tile([1.0, -1.0], 30) * np.repeat(rng.normal(size=30), 2)
    batches = np.eye(2)[(people // 2) % 2]
    found = standardised_values(values, batches, np.tile([[0.0], [1.0]], (30, 1)), people)
    design = np.column_stack([batches, np.tile([0.0, 1.0], 30)])
    left = np.linalg.lstsq(design, values, rcond=None)[1][0]
    assert found.sd == pytest.approx(np.sqrt(left / 57), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_batches_go_and_the_effect_of_treatment_stays(seed):
    table = trial(seed)
    after = harmonise(table, batch="site").data

    def _gap(values):
        means = values.groupby(["site", "arm", "visit"])["value"].mean().unstack("site")  # noqa: PD010
        return (means["b"] - means["a"]).mean()

    def _effect(values, column="value"):
        at = values[values["visit"] == "day90"].groupby("arm")[column].mean()
        return at["cells"] - at["control"]

    true_gap = _gap(table.drop(columns="value").rename(columns={"true": "value"}))
    assert abs(_gap(table) - true_gap) > 0.3
    assert abs(_gap(after)) < 0.15
    assert _effect(after) == pytest.approx(_effect(table, "true"), abs=0.12)


def test_missing_values_stay_missing_and_move_only_their_own_outcome():
    table = trial()
    gone = table.copy()
    gone.loc[gone["outcome"].eq("y5") & gone["participant_id"].isin(["sub-03", "sub-08"]), "value"] = np.nan
    whole, holed = harmonise(table, batch="site").data, harmonise(gone, batch="site").data
    assert holed["value"].isna().equals(gone["value"].isna())
    first = table["outcome"].isin(["y0"])
    # y0 no longer borrows from y5, which is not complete on its scans
    assert not np.allclose(whole.loc[first, "value"], holed.loc[first, "value"], rtol=0, atol=1e-12)
    without = harmonise(table[table["outcome"] != "y5"], batch="site").data
    assert np.allclose(
        without.query("outcome == 'y0'")["value"], holed.loc[first, "value"], rtol=0, atol=1e-12
    )


def test_rows_and_columns_stay_as_they_were_and_batches_are_told():
    table = trial().sample(frac=1, random_state=1)
    found = harmonise(table, batch="site")
    pd.testing.assert_frame_equal(found.data.drop(columns="value"), table.drop(columns="value"))
    own = found.batches.set_index(["outcome", "site"]).loc[("y2", "b")]
    rows = (table["outcome"] == "y2") & (table["site"] == "b")
    assert own["n"] == rows.sum()
    assert own["mean_before"] == pytest.approx(table.loc[rows, "value"].mean())
    assert own["mean_after"] == pytest.approx(found.data.loc[rows, "value"].mean())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda data: data.assign(site="a"), "has one batch, so there is nothing to harmonise"),
        (lambda data: data.assign(site=data["arm"]), "cannot be told from arm, visit or covariates"),
        (lambda data: data.assign(site=data["visit"]), "cannot be told from arm, visit or covariates"),
        (lambda data: data[data["outcome"] == "y0"], "ComBat borrows between outcomes, and there is one"),
        (lambda data: data.assign(site=data["site"].where(data["participant_id"] != "sub-05")), "is missing for 2 scans"),
        (
            lambda data: data.assign(site=data["site"].where(data["participant_id"] != "sub-05", "c")),
            "a batch needs at least 3 scans",
        ),
        (lambda data: data.drop(columns="arm"), "lacks the column arm"),
    ],
)  # fmt: skip
def test_what_cannot_be_harmonised_is_refused(change, rule):
    with pytest.raises(InputError, match=rule):
        harmonise(change(trial()), batch="site")
