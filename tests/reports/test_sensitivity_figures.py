import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import leave_one_out, missingness, tipping_point
from neurotrial.reports.figures.sensitivity import plot_leave_one_out, plot_missingness, plot_tipping_point

ROLES = {"outcome": "score", "subject": "who", "visit": "visit", "arm": "arm", "reference": "control"}


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(1)
    arm = np.repeat(["cells", "control"], [20, 10])
    before = rng.normal(30, 8, 30)
    after = 5 + before + 7 * (arm == "cells") + rng.normal(0, 6, 30)
    after[[2, 7, 22, 28]] = np.nan
    return pd.DataFrame(
        {"who": [f"sub-{k}" for k in range(30)], "arm": arm, "before": before, "after": after}
    )


@pytest.fixture(scope="module")
def long(wide):
    return pd.concat(
        [wide.assign(visit=v, score=wide[c]) for v, c in (("baseline", "before"), ("day90", "after"))]
    )


def test_tipping_grid_marks_the_level(long):
    found = tipping_point(long, **ROLES)
    axes = plot_tipping_point(found, unit="points").axes
    assert axes[0].get_xlabel() == "Delta of imputed values in cells (points)"
    assert any(text.get_text() == "p = 0.05" for text in axes[0].texts)
    assert axes[0].get_ylabel() == "Delta of imputed values in control (points)"
    with pytest.raises(InputError, match="was not imputed"):
        plot_tipping_point(found, "day30")


def test_one_axis_is_a_line_with_its_band(long):
    found = tipping_point(long, **ROLES, deltas=[-10, 0, 10], deltas_reference=[0])
    axes = plot_tipping_point(found).axes[0]
    assert list(axes.lines[0].get_ydata()) == found.grid["estimate"].tolist()
    other = plot_tipping_point(tipping_point(long, **ROLES, deltas=[0], deltas_reference=[-5, 5])).axes[0]
    assert "control" in other.get_xlabel()


def test_missing_values_are_empty_cells(long):
    figure = plot_missingness(missingness(long, **ROLES))
    pictures = [axes.images[0].get_array() for axes in figure.axes]
    assert [picture.shape for picture in pictures] == [(10, 2), (20, 2)]
    assert [int(picture[:, 1].sum()) for picture in pictures] == [8, 18]
    assert not pictures[0][-1, 1]
    assert [text.get_text() for text in figure.axes[0].texts] == ["10 seen", "8 seen"]


def test_influence_shows_everybody_and_names_them(wide):
    found = leave_one_out(
        wide, outcome="after", baseline="before", arm="arm", reference="control", subject="who"
    )
    axes = plot_leave_one_out(found, label="score (points)").axes[0]
    assert len(axes.get_yticklabels()) == 26
    drawn = sorted(x for line in axes.lines[2:] for x in line.get_xdata())
    assert drawn == sorted(found.table["estimate"])
    with pytest.raises(InputError, match="was not analysed"):
        plot_leave_one_out(found, "fa")
