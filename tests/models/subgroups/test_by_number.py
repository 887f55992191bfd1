from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import ancova, effect_modification

FOLDER = Path(__file__).parents[2] / "data" / "subgroups"
ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}
PLANS = {
    "days": {"by": "days", "at": [14, 30, 50]},
    "days spline 3": {"by": "days", "at": [14, 30, 50], "spline_df": 3},
    "before": {"by": "before"},
    "dose": {"by": "dose", "dose": True, "at": [1, 2]},
}


@pytest.fixture(scope="module")
def data():
    """Simulated: 38 and 16 participants; the control arm has no dose."""
    return pd.read_csv(FOLDER / "data.csv")


def rows(found, method):
    table = found.table
    return table[table["method"] == method].reset_index(drop=True)


@pytest.mark.parametrize("errors", ["OLS", "HC3"])
@pytest.mark.parametrize("model", PLANS)
def test_numbers_are_those_of_r(data, model, errors):
    found = effect_modification(data, errors=errors, **PLANS[model], **ROLES).table
    wanted = pd.read_csv(FOLDER / "expected.csv").query("model == @model and errors == @errors")
    named = {
        "effect_at": found["value"].map("{:g}".format),
        "effect_slope": found["value"].map("slope per {:g}".format),
    }
    what = found["method"].copy()
    for method, names in named.items():
        what = what.mask(found["method"] == method, names)
    ours = found.assign(what=what).set_index("what")
    assert len(wanted) >= 4
    for row in wanted.to_dict("records"):
        assert ours.loc[row["what"], row["quantity"]] == pytest.approx(row["value"], rel=1e-8), row


def test_overall_effect_is_ancova(data):
    for plan in PLANS.values():
        alone = ancova(data, **ROLES).tidy().query("method == 'ancova_hc3' and term == 'arm'").iloc[0]
        first = effect_modification(data, **plan, **ROLES).tidy().iloc[0]
        assert first["estimate"] == alone["estimate"]
        assert first["p_value"] == alone["p_value"]


def test_the_step_scales_the_slope_and_not_the_test(data):
    one, ten = (effect_modification(data, by="days", per=per, **ROLES) for per in (1, 10))
    a, b = rows(one, "effect_slope").iloc[0], rows(ten, "effect_slope").iloc[0]
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert b[name] == pytest.approx(10 * a[name], rel=1e-12)
    assert b["value"] == 10
    assert rows(one, "interaction")["p_value"].item() == rows(ten, "interaction")["p_value"].item()
    assert "change of the effect per 10 days" in ten.sentence(examined=2, unit="days")


def test_unit_of_the_number_changes_nothing_else(data):
    weeks = effect_modification(data.assign(days=data["days"] / 7), by="days", at=[2, 5], **ROLES)
    days = effect_modification(data, by="days", at=[14, 35], **ROLES)
    for method in ("effect_at", "interaction"):
        for name in ("estimate", "std_error", "statistic"):
            np.testing.assert_allclose(rows(weeks, method)[name], rows(days, method)[name], rtol=1e-9)


def test_without_values_the_quartiles_are_shown(data):
    found = effect_modification(data, by="days", **ROLES)
    assert rows(found, "effect_at")["value"].tolist() == np.quantile(data["days"], [0.25, 0.5, 0.75]).tolist()


def test_the_curve_passes_through_the_effects(data):
    for spline in (None, 2):
        found = effect_modification(
            data, by="days", at=[data["days"].min(), data["days"].max()], spline_df=spline, **ROLES
        )
        curve, ends = rows(found, "effect_curve"), rows(found, "effect_at")
        assert len(curve) == 41
        for name in ("estimate", "conf_low", "conf_high"):
            assert curve[name].iloc[[0, -1]].tolist() == pytest.approx(ends[name].tolist(), rel=1e-9)
    assert "effect_curve" not in set(found.tidy()["method"])


def test_values_beyond_the_data_fail(data):
    found = effect_modification(data, by="days", at=[30, 90], **ROLES)
    row = rows(found, "effect_at").iloc[1]
    assert (row["status"], row["reason"]) == ("failed", "90 lies beyond the observed values, 10 to 60")
    assert np.isnan(row["estimate"])


def test_effects_along_the_number_have_no_test(data):
    found = effect_modification(data, by="days", **ROLES)
    for method in ("effect_slope", "effect_at", "effect_curve"):
        assert rows(found, method)["p_value"].isna().all()
        assert rows(found, method)["conf_high"].notna().all()


def test_doses_are_of_the_treated_only(data):
    found = effect_modification(data, by="dose", dose=True, **ROLES)
    zero = effect_modification(data.assign(dose=data["dose"].fillna(0)), by="dose", dose=True, **ROLES)
    assert found.table.equals(zero.table)
    assert len(found.participants) == (data["arm"] == "cells").sum()
    assert found.participants["value"].min() == rows(found, "effect_curve")["value"].min() > 0
    assert "Doses are not randomised" in found.sentence(examined=1)
    lost = data.assign(dose=data["dose"].mask(data.index < 2))
    assert (
        effect_modification(lost, by="dose", dose=True, **ROLES).note
        == "participants left out: 2 (missing: dose in 2)"
    )


def test_a_constant_effect_has_no_interaction(data):
    rng = np.random.default_rng(3)
    level = []
    for _ in range(200):
        y = data["before"] + 5 * (data["arm"] == "cells") + rng.normal(0, 8, len(data))
        found = effect_modification(data.assign(after=y), by="days", errors="OLS", **ROLES)
        level.append(rows(found, "interaction")["p_value"].item())
    assert 0.01 < np.mean(np.array(level) < 0.05) < 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": "dayz"}, "column 'dayz': the column is missing"),
        ({"by": "side"}, "must hold numbers"),
        ({"by": "after"}, "is the outcome or the arm itself"),
        ({"by": "days", "per": 0}, "0 is no step"),
        ({"by": "days", "at": [14, 14]}, "finite, each once"),
        ({"by": "days", "at": [np.inf]}, "finite, each once"),
        ({"by": "days", "spline_df": 5}, "5 terms are not between 2 and 4"),
        ({"by": "few", "spline_df": 3}, "for 4 different knots"),
        ({"by": "one"}, "does not vary in arm 'control'"),
        ({"by": "days", "dose": True}, "16 participants of the reference arm 'control' have a dose"),
        ({"by": "dose"}, "0 of the 2 participants without missing values"),
        ({"by": "same", "dose": True}, "does not vary in arm 'cells'"),
        ({"by": "days", "covariates": ["log(days)"]}, "uses 'days', which the model has already"),
        ({"by": "days", "errors": "robust"}, "is not a standard error known here"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(data, changes, words):
    cells = data["arm"] == "cells"
    more = data.assign(
        few=data.index % 2, one=np.where(cells, data["days"], 7), same=np.where(cells, 2.0, np.nan)
    )
    with pytest.raises(InputError) as error:
        effect_modification(more, **{**ROLES, **changes})
    assert words in str(error.value)
