"""The guide's page on calibration: stored results as tables and a figure, and nothing where nothing is stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurotrial.models.bayes_calibration.stored_results import OPERATING_COLUMNS, SBC_COLUMNS
from neurotrial.reports import calibration_page
from neurotrial.reports.calibration_page import NOTHING, calibration_ranks, calibration_table, operating_table


@pytest.fixture
def stored(monkeypatch):
    rng = np.random.default_rng(1)
    sbc = pd.DataFrame(
        {
            "model": ["ancova"] * 2 + ["group_time"] * 2,
            "generation": "Python 3.11, pymc 5.0",
            "settings": "seed 0",
            "quantity": ["effect", "sigma", "effect", "sd[0]"],
            "n_simulations": 100,
            "statistic": 19.0,
            "df": 19,
            "p": [0.5, 0.0004, np.nan, np.nan],
            "p_holm": [0.5, 0.0008, np.nan, np.nan],
            "counts": [" ".join(map(str, rng.multinomial(100, [0.05] * 20))) for _ in range(4)],
            "divergent": [3, 3, 0, 0],
            "short": 0,
        },
        columns=list(SBC_COLUMNS),
    )
    operating = pd.DataFrame(
        [
            ("ancova", "", "", prior, "no_effect", "1", quantity, value, 0.01, 0.0, 1.0, 500, 0)
            for prior in ("neutral", "sceptical", "enthusiastic")
            for quantity, value in (("type_i_error", 0.0251), ("coverage", 0.951), ("bias", -0.012))
        ],
        columns=list(OPERATING_COLUMNS),
    )
    monkeypatch.setattr(calibration_page, "stored_sbc", lambda: sbc)
    monkeypatch.setattr(calibration_page, "stored_operating", lambda: operating)


def test_nothing_stored_is_said(monkeypatch):
    monkeypatch.setattr(calibration_page, "stored_sbc", lambda: pd.DataFrame(columns=list(SBC_COLUMNS)))
    monkeypatch.setattr(
        calibration_page, "stored_operating", lambda: pd.DataFrame(columns=list(OPERATING_COLUMNS))
    )
    assert calibration_table() == calibration_ranks() == operating_table() == NOTHING


@pytest.mark.usefixtures("stored")
def test_each_model_has_a_row_with_its_worst_quantity():
    lines = calibration_table().text.splitlines()
    assert len(lines) == 4
    assert "| 100 | 2 |" in lines[2]
    assert "sigma | 3 | 0 |" in lines[2]
    assert lines[3].endswith("|  |  | 0 | 0 |")


@pytest.mark.usefixtures("stored")
def test_operating_characteristics_stand_under_their_prior():
    lines = operating_table().text.splitlines()
    assert len(lines) == 3
    assert lines[2].count("2.5") == 3
    assert lines[2].count("95.1") == 3
    assert lines[2].count("−0.01") == 3
    assert lines[2].endswith("| 500 |")


@pytest.mark.usefixtures("stored")
def test_the_figure_has_a_panel_a_model_and_a_line_a_quantity():
    shown = calibration_ranks()
    assert shown._repr_png_().startswith(b"\x89PNG")
    figure = shown.figure
    shown = [panel for panel in figure.axes if panel.axison]
    assert [panel.get_title() for panel in shown] == ["ancova", "group_time"]
    # the line of 0 and two quantities
    assert [len(panel.lines) for panel in shown] == [3, 3]
