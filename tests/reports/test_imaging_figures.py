"""Figures of images show the values of the store: every participant, every connection, every scan with its limit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imaging_fixture import EXCLUDED, PAIRS, hostile_imaging_plan, imaging_plan, imaging_results, tables_only
from results_fixture import THREE_ARMS, changed, make_results, plan
from scipy import stats
from test_figures import texts

from neurotrial.errors import InputError
from neurotrial.reports.cited import CitedResults
from neurotrial.reports.connection_matrices import connectivity_matrices, pair_label
from neurotrial.reports.figures.connectivity import connectivity_figure
from neurotrial.reports.figures.flow import flow_boxes, flow_figure
from neurotrial.reports.figures.panels import ROWS, outcome_panels
from neurotrial.reports.figures.quality import limited_measures, quality_figure
from neurotrial.reports.figures.sides import side_figure, side_values
from neurotrial.reports.figures.style import WIDTH
from neurotrial.reports.imaging_analyses import imaging_analyses, imaging_members, is_imaging
from neurotrial.reports.participants_drawn import drawn_arms


@pytest.fixture
def data():
    return CitedResults.of(imaging_results())


@pytest.fixture
def analysis(data):
    return data.study.analyses[1]


def test_analyses_of_images_are_those_whose_outcomes_are_all_features(data):
    assert [item.name for item in imaging_analyses(data)] == ["imaging", "lesion"]
    mixed = imaging_plan()
    mixed["estimands"][1]["outcomes"] = ["fma_total", "fa_cst"]
    data = CitedResults.of(imaging_results(mixed))
    assert [item.name for item in imaging_analyses(data)] == ["lesion"]
    assert not is_imaging(data, data.primary)


def test_members_are_the_population_where_the_store_holds_its_flag(data):
    label, arms = imaging_members(data)
    flags = data.results.tables["outcomes"].drop_duplicates("participant_id")
    assert label == "Completer imaging set"
    assert set(arms.index) == set(flags.loc[flags["imaging"].astype(bool), "participant_id"])
    without = data.results.tables["outcomes"].drop(columns="imaging")
    label, arms = imaging_members(CitedResults.of(changed(data.results, "outcomes", without)))
    assert (label, len(arms)) == ("all randomised", 36)


def test_every_outcome_and_participant_is_drawn(data, analysis):
    plots = outcome_panels(data, analysis)
    rows = [row for plot in plots for row in plot.figure.subfigs]
    assert [len(plot.figure.subfigs) for plot in plots] == [3, 2]
    for row, outcome in zip(rows, data.outcomes_of(analysis), strict=True):
        assert row.get_suptitle() == f"{outcome.label}, {outcome.unit}"
        arms = drawn_arms(data, analysis, outcome)
        assert [panel.get_title() for panel in row.axes] == [
            f"{arm.label} (n = {len(arm.before)})" for arm in arms.values()
        ]
        for panel, arm in zip(row.axes, arms.values(), strict=True):
            lines = [line.get_ydata() for line in panel.lines if line.get_alpha() == 0.35]
            np.testing.assert_array_equal(np.array(lines).T, [arm.before, arm.after])


@pytest.mark.parametrize("count", [1, 4, 5, 8, 9])
def test_no_figure_holds_more_outcomes_than_are_readable(data, analysis, count, monkeypatch):
    outcomes = (data.outcomes_of(analysis) * 2)[:count]
    monkeypatch.setattr(CitedResults, "outcomes_of", lambda *_: outcomes)
    plots = outcome_panels(data, analysis)
    sizes = [len(plot.figure.subfigs) for plot in plots]
    assert sum(sizes) == count
    assert len(sizes) == -(-count // ROWS)
    assert max(sizes) - min(sizes) <= 1
    assert len({plot.name for plot in plots}) == len(plots)


def test_outcomes_without_values_are_left_out(data, analysis):
    table = data.results.tables["outcomes"]
    rows = table.assign(value=table["value"].where(table["outcome"] != "fa_cst"))
    plots = outcome_panels(CitedResults.of(changed(data.results, "outcomes", rows)), analysis)
    assert [len(plot.figure.subfigs) for plot in plots] == [4]
    empty = changed(data.results, "outcomes", table.assign(value=np.nan))
    assert outcome_panels(CitedResults.of(empty), analysis) == []


def test_matrices_are_the_rows_of_the_store(data):
    pairs, matrices = connectivity_matrices(data)
    assert pairs == list(PAIRS)
    assert list(matrices) == [(arm, visit) for arm in ("control", "cells") for visit in ("baseline", "day90")]
    frame = data.results.tables["connectivity"]
    matrix = matrices["cells", "day90"]
    rows = frame[(frame["arm"] == "cells") & (frame["visit"] == "day90")]
    assert len(rows) == 66
    nodes = [(side, pair) for side in ("ipsilesional", "contralesional") for pair in PAIRS]
    for row in rows.itertuples():
        i, j = nodes.index((row.side_i, row.pair_i)), nodes.index((row.side_j, row.pair_j))
        assert matrix.z[i, j] == matrix.z[j, i] == row.mean_z
    assert np.isnan(matrix.z.diagonal()).all()
    assert np.isnan(matrix.z).sum() == 12
    between = rows.loc[rows["side_i"] != rows["side_j"], "mean_z"]
    # the same mean in another order
    assert matrix.between() == pytest.approx(between.mean(), rel=1e-12)
    assert (len(between), matrix.n) == (36, "n = 19")


def test_values_share_a_scale_and_changes_are_differences(data):
    figure = connectivity_figure(data).figure
    images = [
        panel.images[0] for panel in figure.axes if panel.images and panel.images[0].get_array().ndim == 2
    ]
    images = [image for image in images if image.get_array().shape == (12, 12)]
    limits = [image.get_clim() for image in images]
    _, matrices = connectivity_matrices(data)
    assert len(images) == 6
    assert len({limits[i] for i in (0, 1, 3, 4)}) == 1
    assert limits[2] == limits[5]
    assert all(low == -high for low, high in limits)
    drawn = images[5].get_array().filled(np.nan)
    np.testing.assert_array_equal(drawn, matrices["cells", "day90"].z - matrices["cells", "baseline"].z)


def test_a_missing_edge_visit_or_arm_is_no_failure(data):
    frame = data.results.tables["connectivity"]
    lost = frame.assign(mean_z=frame["mean_z"].where(frame["pair_i"] != "m1"))
    assert connectivity_figure(CitedResults.of(changed(data.results, "connectivity", lost))) is not None
    gone = frame[~((frame["arm"] == "cells") & (frame["visit"] == "day90"))]
    assert "no values" in texts(
        connectivity_figure(CitedResults.of(changed(data.results, "connectivity", gone))).figure
    )
    once = frame[frame["visit"] == "baseline"]
    words = texts(connectivity_figure(CitedResults.of(changed(data.results, "connectivity", once))).figure)
    assert "Change" not in words
    assert connectivity_figure(CitedResults.of(tables_only())) is None


def test_labels_of_nodes_are_short(data):
    words = texts(connectivity_figure(data).figure)
    assert all(label in words for label in ("M1", "PMd", "CB", "ipsilesional", "contralesional"))
    assert pair_label("insula") == "insula"


def test_fa_by_side_is_the_included_values_of_the_population(data):
    values = side_values(data)
    features = data.results.tables["features"]
    _, arms = imaging_members(data)
    rows = features[
        (features["feature"] == "fa") & (features["lesion_policy"] == "include") & features["value"].notna()
        & features["participant_id"].isin(arms.index)
    ]  # fmt: skip
    assert len(values) == len(rows)
    assert values["value"].sum() == pytest.approx(rows["value"].sum(), rel=1e-12)  # another order
    assert set(values["side"]) == {"ipsilesional", "contralesional"}
    own = values[
        (values["region"] == "cst") & (values["side"] == "ipsilesional") & (values["arm"] == "cells")
    ]
    after = own.loc[own["visit"] == "day90", "value"]
    limits = stats.ttest_1samp(after, 0).confidence_interval(0.95)
    alt = side_figure(data).alt
    assert (
        f"Stem cells at Day 90 (n = {len(after)}) mean {after.mean():.3f} (95 % CI {limits.low:.3f} to {limits.high:.3f})"
        in alt
    )


def test_a_scan_that_a_decision_excludes_is_not_drawn(data):
    table = data.results.tables["outcomes"].drop(columns="imaging")
    everyone = CitedResults.of(changed(data.results, "outcomes", table))
    place, (visit, _) = next(item for item in EXCLUDED.items() if item[1][1] == "dwi")
    own = side_values(everyone).query(f"participant_id == 'sub-{place:03d}'")
    assert set(own["visit"]) == {"baseline", "day90"} - {visit}


def test_no_fa_is_no_figure(data):
    none = data.results.tables["features"].query("feature != 'fa'")
    assert side_figure(CitedResults.of(changed(data.results, "features", none))) is None
    assert side_figure(CitedResults.of(make_results())) is None


def test_measures_with_a_limit_are_drawn_with_it(data):
    measures = limited_measures(data)
    assert {item.name.label for item in measures} == {"SNR", "Mean FD", "Censored", "tSNR"}
    plot = quality_figure(data)
    quality = data.results.tables["quality"]
    for panel, item in zip(plot.figure.axes, measures, strict=False):
        dashed = [line.get_ydata()[0] for line in panel.lines if line.get_linestyle() == "--"]
        assert dashed == item.limits
        marked = [line for line in panel.lines if line.get_marker() == "D"]
        assert len(marked) == len(item.flagged)
    censored = next(item for item in measures if item.name.label == "Censored")
    assert censored.limits == [30.0]
    flags = int(quality.loc[quality["measure"] == "fd_mean", "flagged"].sum())
    assert f"limit 0.5, {flags} flagged" in plot.alt


def test_without_limits_there_is_no_figure(data):
    quality = data.results.tables["quality"].assign(threshold=np.nan)
    assert quality_figure(CitedResults.of(changed(data.results, "quality", quality))) is None
    assert quality_figure(CitedResults.of(make_results())) is None


def test_flow_has_the_scans(data):
    (box,) = [box for box in flow_boxes(data, "cells") if box.heading.startswith("Scanned")]
    assert box.heading == "Scanned at every visit (n\u00a0=\u00a023)"
    assert box.lines == (
        "not at every visit: 1",
        "excluded by decision: 2",
        "not measurable: 1",
        "every scan usable: 20",
    )
    assert "Scanned at every visit (n\u00a0=\u00a010): not at every visit: 2" in flow_figure(data).alt
    assert not any("Scanned" in box.heading for box in flow_boxes(CitedResults.of(make_results()), "cells"))


@pytest.mark.parametrize(
    ("key", "n", "message"),
    [("flow/imaging:scanned/control", 13, "control: 13 of 12"), ("flow/imaging:excluded/cells", 24, "cells: 24 of 23"),
     ("flow/imaging:excluded/cells", 23, "cells: 23 \\+ 1 of 23")],
)  # fmt: skip
def test_scans_that_do_not_add_up_are_refused(data, key, n, message):
    frame = data.results.tables["flow"].copy()
    frame.loc[frame["key"] == key, "n"] = n
    with pytest.raises(InputError, match=message):
        flow_figure(CitedResults.of(changed(data.results, "flow", frame)))


@pytest.mark.parametrize("values", [imaging_plan(), imaging_plan(THREE_ARMS), hostile_imaging_plan()])
def test_figures_fit_a_page(values):
    data = CitedResults.of(imaging_results(values))
    plots = [
        *outcome_panels(data, data.study.analyses[1]),
        connectivity_figure(data),
        side_figure(data),
        quality_figure(data),
    ]
    for plot in plots:
        width, height = plot.figure.get_size_inches()
        assert width == WIDTH
        assert height < 11
        assert "SIMULATED DATA" in texts(plot.figure)
        assert "simulated" in plot.alt


def test_a_study_that_is_not_simulated_is_not_marked():
    data = CitedResults.of(imaging_results(imaging_plan(simulated=False)))
    for plot in (connectivity_figure(data), side_figure(data), quality_figure(data)):
        assert "SIMULATED" not in texts(plot.figure)
        assert "simulated" not in plot.alt


def test_plain_results_have_no_imaging_figures():
    data = CitedResults.of(make_results(plan()))
    assert isinstance(data.results.tables["features"], pd.DataFrame)
    assert [connectivity_figure(data), side_figure(data), quality_figure(data)] == [None] * 3
