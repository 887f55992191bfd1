"""Regressors of each strategy: by name, by hand, and as fMRIPrep has them; and tables that do not suffice."""

from __future__ import annotations

from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest
from noisy_recording import N, recording

from neurotrial.extract import clean, read_confounds
from neurotrial.extract.cleaning.columns import PARAMETERS
from neurotrial.extract.cleaning.strategies import STRATEGIES, note_on_components, regressors
from neurotrial.extract.scan_result import ScanFault

FOLDER = Path(nilearn.__file__).parent / "interfaces" / "fmriprep" / "data"
REAL = [
    "test_desc-confounds_regressors.tsv",
    "no_nonsteady_desc-confounds_regressors.tsv",
    "test-v21_desc-confounds_timeseries.tsv",
]
ALL = np.ones(N, dtype=bool)
ENDS = ("", "_derivative1", "_power2", "_derivative1_power2")
WITH_SQUARES = {"24p": PARAMETERS, "32p": (*PARAMETERS, "white_matter", "csf"), "36p": (*PARAMETERS, "white_matter", "csf", "global_signal")}  # fmt: skip
COUNTS = {
    "none": 0,
    "6p": 6,
    "24p": 24,
    "24p_gsr": 28,
    "32p": 32,
    "36p": 36,
    "acompcor": 22,
    "acompcor_gsr": 26,
}


def test_every_strategy_has_its_number_of_regressors():
    series, confounds = recording()
    assert {name: regressors(confounds, name, ALL).shape[1] for name in STRATEGIES} == COUNTS
    found = {name: clean(series, confounds, strategy=name, tr=2.0).n_regressors for name in STRATEGIES}
    assert found == COUNTS


@pytest.mark.parametrize("strategy", WITH_SQUARES)
@pytest.mark.parametrize("name", REAL)
def test_regressors_are_the_columns_of_fmriprep(name, strategy):
    table = read_confounds(FOLDER / name, 30)
    found = regressors(table, strategy, np.ones(30, dtype=bool))
    expected = [f"{column}{end}" for column in WITH_SQUARES[strategy] for end in ENDS]
    assert list(found) == expected
    # the first row has no change, which is 0 here; nilearn put zeros into that of one table, which spoils the second row too;
    # the cells have 12 digits, and changes of signals of 10,000 have 4 less
    start = 2 if name == REAL[0] else 1
    assert np.allclose(found[start:], table[expected][start:], rtol=1e-8, atol=1e-15)
    assert (found.filter(like="derivative1").iloc[0] == 0).all()


def test_components_are_the_first_five_of_each_tissue():
    _, confounds = recording()
    five = [f"{tissue}_comp_cor_0{place}" for tissue in "wc" for place in range(5)]
    motion = [f"{name}{end}" for name in PARAMETERS for end in ENDS[:2]]
    assert list(regressors(confounds, "acompcor", ALL)) == [*motion, *five]
    found = regressors(confounds, "acompcor_gsr", ALL)
    assert list(found) == [*motion, *(f"global_signal{end}" for end in ENDS), *five]
    assert np.array_equal(found[five], confounds[five])
    assert note_on_components(confounds, "acompcor", 0.01) == ""


def test_fewer_components_are_used_and_said():
    table = read_confounds(FOLDER / REAL[2], 30)
    assert regressors(table, "acompcor", np.ones(30, dtype=bool)).shape == (30, 12 + 7)
    few, slow = (
        "fewer than 5 components: 4 of white_matter, 3 of csf",
        "components without periods above 128 s, which the series keep",
    )
    assert note_on_components(table, "acompcor", 0.01) == few
    assert note_on_components(table, "acompcor", None) == f"{few}; {slow}"
    assert note_on_components(table, "36p", None) == ""


def test_series_that_keep_what_the_components_lack_have_a_note():
    series, confounds = recording()
    notes = [
        clean(series, confounds, strategy="acompcor", tr=2.0, high_pass=edge).note
        for edge in (0.008, 0.007, None)
    ]
    assert notes == ["", *["components without periods above 128 s, which the series keep"] * 2]


def test_regressors_by_hand():
    table = pd.DataFrame([[1.0, 0, 0, 0, 0, 0.1], [3.0, 0, 0, 0, 0, 0.4]], columns=list(PARAMETERS))
    found = regressors(table, "24p", np.ones(2, dtype=bool))
    assert found[[f"trans_x{end}" for end in ENDS]].to_numpy().tolist() == [[1, 0, 1, 0], [3, 2, 9, 4]]
    assert found[[f"rot_z{end}" for end in ENDS]].to_numpy()[1].tolist() == pytest.approx(
        [0.4, 0.3, 0.16, 0.09], rel=1e-12
    )


@pytest.mark.parametrize("strategy", ["6p", "24p"])
def test_motion_strategies_need_no_tissue(strategy):
    series, confounds = recording()
    motion = confounds[[*PARAMETERS, "framewise_displacement"]]
    alone, beside = (clean(series, table, strategy=strategy, tr=2.0).series for table in (motion, confounds))
    assert np.array_equal(alone, beside)
    assert STRATEGIES[strategy].tissues == ()


def test_strategies_tell_the_tissues_that_they_use():
    found = {name: item.tissues for name, item in STRATEGIES.items() if item.tissues}
    assert found == {
        "24p_gsr": ("global_signal",),
        "32p": ("white_matter", "csf"),
        "36p": ("white_matter", "csf", "global_signal"),
        "acompcor": ("white_matter", "csf"),
        "acompcor_gsr": ("white_matter", "csf", "global_signal"),
    }


def test_missing_columns_are_all_named():
    _, confounds = recording()
    confounds = confounds.drop(columns=["trans_y", "csf", "c_comp_cor_05"])
    confounds.attrs["file"] = "c.tsv"
    with pytest.raises(
        ScanFault,
        match=r"c\.tsv: lacks the column trans_y, csf, which the strategy 32p needs \(remedy: take the table that",
    ):
        regressors(confounds, "32p", ALL)
    confounds = confounds.drop(columns=[name for name in confounds if name.startswith("c_comp")])
    with pytest.raises(
        ScanFault, match=r"lacks the column trans_y, c_comp_cor_00, which the strategy acompcor needs"
    ):
        regressors(confounds, "acompcor", ALL)


def test_components_without_their_json_file_are_a_fault(tmp_path):
    path = tmp_path / "c.tsv"
    path.write_bytes((FOLDER / REAL[1]).read_bytes())
    table = read_confounds(path, 30)
    with pytest.raises(
        ScanFault, match=r"lacks the column w_comp_cor_00, c_comp_cor_00, .* \(remedy: put the JSON file"
    ):
        regressors(table, "acompcor", np.ones(30, dtype=bool))


def test_a_number_that_is_missing_in_a_retained_volume_is_a_fault():
    _, confounds = recording()
    confounds.loc[[30, 31], "trans_z"] = np.nan
    confounds.loc[149, "csf"] = np.inf
    with pytest.raises(
        ScanFault,
        match=r"confounds: has no number in retained volumes, counted from 1: trans_z \(volume 31\), csf \(volume 150\)",
    ):
        regressors(confounds, "32p", ALL)
    kept = ~np.isin(np.arange(N), [30, 31, 149])
    found = regressors(confounds, "32p", kept)
    assert np.isfinite(found).all(axis=None)
    before, after = confounds["trans_z"][[29, 32]]
    assert found["trans_z_derivative1"][32] == pytest.approx((after - before) / 3, rel=1e-12)
