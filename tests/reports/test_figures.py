"""Figures show the participants and estimates of the store, and say so in words."""

from __future__ import annotations

import numpy as np
import pytest
from results_fixture import ARMS, THREE_ARMS, changed, make_results, plan, without_intervals
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.figures.flow import flow_boxes, flow_figure
from neurotrial.reports.figures.forest import forest_figure, pooled_sd, standardised_effects
from neurotrial.reports.figures.paired import paired_figure
from neurotrial.reports.figures.scatter import scatter_figure
from neurotrial.reports.figures.style import new_figure
from neurotrial.reports.floats import Plot, figure_float
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.participants_drawn import drawn_arms
from neurotrial.reports.prose.limits import limitations_text
from neurotrial.reports.variables import report_variables


@pytest.fixture
def primary(data):
    return data, data.primary, data.outcomes_of(data.primary)[0]


def texts(figure) -> str:
    import matplotlib.text

    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_every_participant_with_both_visits_is_drawn(primary):
    arms = drawn_arms(*primary)
    assert {name: len(arm.before) for name, arm in arms.items()} == {"control": 11, "cells": 23}
    panels = paired_figure(*primary).figure.axes
    assert [
        sum(len(line.get_xdata()) == 2 and line.get_alpha() == 0.35 for line in panel.lines)
        for panel in panels
    ] == [11, 23]
    points = scatter_figure(*primary).figure.axes[0].lines[:2]
    np.testing.assert_array_equal(points[1].get_xdata(), arms["cells"].before)
    np.testing.assert_array_equal(points[1].get_ydata(), arms["cells"].after)


def test_mean_interval_is_the_t_interval(primary):
    arm = drawn_arms(*primary)["cells"]
    mean, low, high = arm.mean_interval(0.95)[:, 1]
    limits = stats.ttest_1samp(arm.after, 0).confidence_interval(0.95)
    # both are the same formula in another order of operations
    assert (mean, low, high) == pytest.approx((arm.after.mean(), limits.low, limits.high), rel=1e-12)


def test_population_is_drawn_where_the_outcomes_table_holds_its_flag(data):
    analysis, outcome = data.study.analyses[1], data.study.outcome("cst_fa")
    caption = paired_figure(data, analysis, outcome).caption.text
    assert r"34 participants with both visits\, of whom 27 are in the analysis" in caption
    table = data.results.tables["outcomes"]
    flag = table["participant_id"].str[4:].astype(int) % 5 != 0
    flagged = CitedResults.of(changed(data.results, "outcomes", table.assign(imaging=flag)))
    assert "(27 participants with both visits)" in paired_figure(flagged, analysis, outcome).caption.text


def test_nobody_to_draw_is_no_figure(primary):
    data, analysis, outcome = primary
    empty = data.results.tables["outcomes"].assign(value=np.nan)
    data = CitedResults.of(changed(data.results, "outcomes", empty))
    assert paired_figure(data, analysis, outcome) is None
    assert scatter_figure(data, analysis, outcome) is None


def test_one_participant_has_no_interval(primary):
    data, analysis, outcome = primary
    table = data.results.tables["outcomes"]
    kept = table[(table["arm"] == "cells") | (table["participant_id"] == "sub-001")]
    data = CitedResults.of(changed(data.results, "outcomes", kept))
    assert "Control (n = 1): mean" in paired_figure(data, analysis, outcome).alt
    assert r"95 % CI –" in paired_figure(data, analysis, outcome).alt


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_is_printed_in_each_figure_of_a_simulated_study(simulated):
    data = CitedResults.of(make_results(plan(simulated=simulated)))
    analysis, outcome = data.primary, data.outcomes_of(data.primary)[0]
    plots = [
        paired_figure(data, analysis, outcome),
        scatter_figure(data, analysis, outcome),
        forest_figure(data),
        flow_figure(data),
    ]
    assert [("SIMULATED DATA" in texts(plot.figure)) for plot in plots] == [simulated] * 4
    assert [("simulated" in plot.alt) for plot in plots] == [simulated] * 4


@pytest.mark.parametrize(
    ("simulated", "label"), [(True, "MOCK: DUMMY ARMS, SIMULATED DATA"), (False, "MOCK: DUMMY ARMS")]
)
def test_dummy_arms_are_said_in_figures_titles_and_limitations(simulated, label):
    results = make_results(plan(simulated=simulated, mock=True))
    data = CitedResults.of(results)
    for plot in (forest_figure(data), flow_figure(data)):
        assert label in texts(plot.figure)
        assert "The arms are dummies." in plot.alt
    whose = "patients" if simulated else "a difference between the arms"
    subtitle = report_variables(results)["study"]["subtitle"]
    assert subtitle.replace("\\", "").endswith(f"{label}: no number says anything about {whose}.")
    assert "The arms are dummies, drawn anew" in limitations_text(data).text


def test_arms_differ_by_marker_as_well(primary):
    lines = scatter_figure(*primary).figure.axes[0].lines[:2]
    assert lines[0].get_marker() != lines[1].get_marker()
    assert lines[0].get_color() != lines[1].get_color()


def test_alt_text_is_made_from_the_data(primary):
    alt = scatter_figure(*primary).alt
    above = [int((arm.after > arm.before).sum()) for arm in drawn_arms(*primary).values()]
    assert f"{above[0]} of 11 above the line of no change in Control" in alt
    assert f"{above[1]} of 23 above the line of no change in Stem cells" in alt
    assert "Baseline-adjusted means: Control 33.3 (95 % CI 22.8 to 43.8); Stem cells 43.0" in alt


def test_pooled_sd():
    rng = np.random.default_rng(3)
    groups = [rng.normal(size=n) for n in (4, 9, 2)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (15 - 3)
    # sums of squares in another order
    assert pooled_sd([4, 9, 2], [group.std(ddof=1) for group in groups]) == pytest.approx(
        within**0.5, rel=1e-12
    )
    assert np.isnan(pooled_sd([1], [np.nan]))


def test_forest_is_oriented_by_direction(data):
    shown = {item.effect.outcome.name: item for item in standardised_effects(data)}
    assert set(shown) == {"fma_total", "cst_fa", "inter_z", "mean_diffusivity"}
    for name, item in shown.items():
        sign = -1 if name == "mean_diffusivity" else 1
        assert item.low < item.estimate < item.high
        # a division and a change of sign
        assert item.estimate * item.sd * sign == pytest.approx(item.effect.estimate, rel=1e-12)
        assert (item.estimate > 0) == (item.effect.favoured == "cells")
    words = texts(forest_figure(data).figure).replace("\n", " ")
    assert "Mean diffusivity, um2/ms (lower is better)" in words


def test_forest_needs_intervals():
    assert forest_figure(CitedResults.of(without_intervals())) is None


def test_forest_of_three_arms_names_the_contrasts():
    words = texts(forest_figure(CitedResults.of(make_results(plan(THREE_ARMS)))).figure).replace("\n", " ")
    assert "Fugl-Meyer motor total, points: Sham minus Control" in words
    assert "the arm named first" in words


def test_flow_boxes_are_the_counts(data):
    boxes = {box.heading: box.lines for box in flow_boxes(data, "cells")}
    assert boxes == {
        "Allocated to Stem cells (n\u00a0=\u00a024)": ("received it: 22", "did not: 2"),
        "Events during follow-up": ("Death: 1", "Withdrawal: 0"),
        "Populations": ("Intention to treat: 24", "Completer imaging set: 19"),
        "Analysed with both visits": ("Primary analysis: 23", "Imaging analysis: 19"),
    }


@pytest.mark.parametrize(
    ("key", "n", "message"),
    [("flow/randomised/all", 37, "12 \\+ 24 is not 37"), ("flow/treated/cells", 25, "cells: 25 of 24"),
     ("flow/analysed:imaging/cst_fa/control", 10, "control: 10 of 9")],
)  # fmt: skip
def test_flow_that_does_not_add_up_is_refused(data, key, n, message):
    frame = data.results.tables["flow"].copy()
    frame.loc[frame["key"] == key, "n"] = n
    with pytest.raises(InputError, match=message):
        flow_figure(CitedResults.of(changed(data.results, "flow", frame)))


def test_a_file_has_300_dpi_and_the_same_bytes_each_time(primary, tmp_path):
    from PIL import Image

    files = []
    for name in ("a", "b"):
        text = figure_float(paired_figure(*primary), tmp_path / name).text
        assert text.startswith("::::: {#fig-paired-fma-total}\n\n![](figures/paired-fma-total.png){fig-alt=")
        files.append(tmp_path / name / "figures" / "paired-fma-total.png")
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as image:
        assert image.size[0] == 1950
        assert image.info["dpi"] == pytest.approx(
            (300, 300), abs=0.01
        )  # PNG counts dots a metre, in whole numbers


def test_characters_without_a_font_are_named(tmp_path):
    label = "\U00013000 cells"  # a hieroglyph: none of the fonts that figures try has it
    data = CitedResults.of(make_results(plan({**ARMS, "cells": label})))
    text = figure_float(paired_figure(data, data.primary, data.outcomes_of(data.primary)[0]), tmp_path).text
    assert "Boxes stand for characters that no font of this machine has: \U00013000." in text


def test_the_style_leaves_no_trace(primary):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    paired_figure(*primary)
    assert dict(mpl.rcParams) == before


def test_figures_are_written_in_256_colours_on_a_white_ground(tmp_path):
    from PIL import Image

    figure = new_figure(2.0)
    axes = figure.subplots()
    axes.imshow([[0.1, 0.5], [0.7, 0.9]])
    figure_float(Plot("colours", figure, Markdown("c"), "a"), tmp_path)
    with Image.open(tmp_path / "figures" / "colours.png") as picture:
        assert picture.mode == "P"
        assert round(picture.info["dpi"][0]) == 300
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
