"""E-values: the formula against published examples, and the rows of a study's association."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.models import change_association, e_value
from neurotrial.models.sensitivity_variations.unmeasured_confounding import risk_ratio_of


@pytest.mark.parametrize(
    ("ratio", "estimate", "limit"),
    [
        # VanderWeele and Ding 2017: breastfeeding and deaths by respiratory infection; smoking and leukaemia of children
        ((3.9, 1.8, 8.7), 7.26, 3.0),
        ((0.80, 0.71, 0.91), 1.81, 1.43),
    ],
)
def test_published_examples(ratio, estimate, limit):
    found = e_value(*ratio)
    assert found.estimate == pytest.approx(estimate, abs=0.005)
    assert found.limit == pytest.approx(limit, abs=0.005)


def test_it_solves_the_bounding_factor():
    """A confounder with that ratio on both sides biases by E^2 / (2 E - 1), which is the ratio itself."""
    for ratio in (1.0, 1.2, 2.0, 10.73):
        e = e_value(ratio).estimate
        assert e * e / (2 * e - 1) == pytest.approx(ratio, rel=1e-12)
        assert e_value(1 / ratio).estimate == pytest.approx(e, rel=1e-12)


def test_an_interval_that_includes_none_has_1_and_without_interval_there_is_no_limit():
    assert e_value(1.5, 0.9, 2.4).limit == 1.0
    assert math.isnan(e_value(1.5).limit)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((0.0,), "above 0"),
        ((np.nan,), "above 0"),
        ((2.0, -1.0, 3.0), "conf_low"),
        ((2.0, 2.5, 3.0), "not between"),
    ],
)
def test_what_is_no_ratio_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        e_value(*given)


def test_rows_of_the_association(found, study_data):
    study, tables, data = study_data
    rows = found[found["group"] == "confounding"].set_index("variation")
    assert list(rows.index) == ["risk_ratio", "e_value", "e_value_limit"]
    (part,) = study.associations
    members = tables["participants"].loc[tables["participants"]["imaging"].astype(bool), "participant_id"]
    long = data.outcomes[
        (data.outcomes["visit"] == part.visit) & data.outcomes["participant_id"].isin(members)
    ]
    x, y = (long[long["outcome"] == name].set_index("participant_id") for name in (part.x, part.y))
    table = y.rename(columns={"value": "y", "baseline": "y0"}).assign(x=x["value"], x0=x["baseline"])
    alone = change_association(
        table, x="x", y="y", arm="arm", x_baseline="x0", y_baseline="y0", reference="control", n_resamples=999
    ).tidy()
    slope = alone[alone["method"] == "change_slope"].iloc[0]
    whole = table.dropna(subset=["x", "x0", "y", "y0"])
    scale = (whole["x"] - whole["x0"]).std() / (whole["y"] - whole["y0"]).std()
    ends = [risk_ratio_of(slope[name] * scale) for name in ("estimate", "conf_low", "conf_high")]
    assert rows.loc["risk_ratio", ["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(
        ends, rel=1e-10
    )
    assert rows.loc["e_value", "estimate"] == pytest.approx(e_value(*ends).estimate, rel=1e-10)
    assert rows.loc["e_value_limit", "estimate"] == pytest.approx(e_value(*ends).limit, rel=1e-10)
    assert rows["conclusion"].isna().all()
