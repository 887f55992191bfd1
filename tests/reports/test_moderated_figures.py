from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import effect_by_subgroup, effect_modification
from neurotrial.reports.figures.moderated import plot_effect_modification, plot_subgroups

ROLES = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}


@pytest.fixture(scope="module")
def data():
    return pd.read_csv(Path(__file__).parents[1] / "data" / "subgroups" / "data.csv")


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_a_forest_has_overall_headings_and_levels(data):
    side = effect_by_subgroup(data, by="side", **ROLES)
    days = effect_by_subgroup(data, by="days", cut=[20, 40], **ROLES)
    figure = plot_subgroups(side, days, label="points")
    panel, right = figure.axes
    labels = [text.get_text().strip() for text in panel.get_yticklabels()]
    assert labels == [
        "Overall",
        "side",
        "both",
        "left",
        "right",
        "days",
        "below 20",
        "20 to below 40",
        "40 or more",
    ]
    assert sum(text.startswith("interaction p = ") for text in words(right)) == 2
    assert words(right).count("not estimated") == 1
    assert "1 / 7" in words(right)
    table = side.table.set_index("level")
    drawn = [line for line in panel.lines if line.get_marker() == "s"]
    assert len(drawn) == 5
    assert drawn[1].get_xdata()[0] == table.loc["left", "estimate"]
    diamond = next(line for line in panel.lines if line.get_marker() == "D")
    assert diamond.get_xdata()[0] == side.table["estimate"].iloc[0]
    assert "cells - control, points" in panel.get_xlabel()


def test_a_forest_without_any_level_is_drawn(data):
    found = effect_by_subgroup(data, by="side", fewest=30, **ROLES)
    right = plot_subgroups(found).axes[1]
    assert words(right).count("not estimated") == 3
    assert "no interaction test" in words(right)


def test_an_effect_along_a_number_has_band_and_participants(data):
    found = effect_modification(data, by="days", at=[14, 30], spline_df=2, **ROLES)
    figure = plot_effect_modification(found, label="points", by="Days since stroke")
    panel, strip = figure.axes
    curve = found.table[found.table["method"] == "effect_curve"]
    assert panel.lines[0].get_ydata().tolist() == curve["estimate"].tolist()
    assert [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "s"] == [14, 30]
    shown = np.sort(np.concatenate([line.get_xdata() for line in strip.lines]))
    assert shown.tolist() == np.sort(data["days"]).tolist()
    assert strip.get_xlabel() == "Days since stroke"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "control (n = 16)",
        "cells (n = 38)",
    ]


def test_doses_show_who_got_them(data):
    figure = plot_effect_modification(effect_modification(data, by="dose", dose=True, **ROLES))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cells (n = 38)"]


def test_arms_that_were_not_compared_are_refused(data):
    side = effect_by_subgroup(data, by="side", **ROLES)
    with pytest.raises(InputError, match="was not compared by side"):
        plot_subgroups(side, contrast="sham - control")
    with pytest.raises(InputError, match="no subgroup analysis is given"):
        plot_subgroups()
    with pytest.raises(InputError, match="was not compared"):
        plot_effect_modification(effect_modification(data, by="days", **ROLES), "sham - control")
