"""Within-participant SD, smallest detectable change and intraclass correlation of scans made twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurotrial.extract.visits.repeatability import repeatability
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES

PAIRS = [(9, 2), (6, 1), (8, 4), (7, 1), (10, 5), (6, 2)]
"""Six targets and the first two of the four judges of Shrout and Fleiss (1979), table 2."""


def features(pairs, **more) -> pd.DataFrame:
    rows = [
        {
            "participant_id": f"sub-{person}", "visit": "baseline", "run": run, "modality": "dwi", "feature": "fa", "region": "cst",
            "hemisphere": "left", "side": "ipsilesional", "statistic": "mean", "method": "region_mask",
            "lesion_policy": "include", "threshold": np.nan, "value": float(value), "unit": "FA", **more,
        }
        for person, pair in enumerate(pairs)
        for run, value in enumerate(pair, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"run": "Int64"})


def test_two_runs_give_the_closed_forms():
    (row,) = repeatability(features(PAIRS)).to_dict("records")
    assert row["n_pairs"] == 6
    assert row["mean"] == pytest.approx(61 / 12)
    # differences 7, 5, 4, 6, 5, 4: mean square 167 / 6
    assert row["within_sd"] == pytest.approx(np.sqrt(167 / 12))
    assert row["smallest_detectable_change"] == pytest.approx(1.959963984540054 * np.sqrt(167 / 6))
    # two-way analysis of variance: mean squares of people (5 df), scans (31 squared over 12, 1 df) and error (5 df)
    people = np.array(PAIRS).mean(axis=1)
    rows, columns = 2 * people.var(ddof=1), 961 / 12
    error = ((np.array(PAIRS) - 61 / 12) ** 2).sum() - 5 * rows - columns
    error /= 5
    assert row["icc"] == pytest.approx((rows - error) / (rows + error + 2 * (columns - error) / 6))


def test_the_intraclass_correlation_is_one_without_error_and_missing_for_two_people():
    assert repeatability(features([(1, 1), (2, 2), (4, 4)]))["icc"].item() == pytest.approx(1)
    assert np.isnan(repeatability(features([(1, 1), (2, 3)]))["icc"].item())


def test_one_run_or_a_missing_value_is_no_pair():
    assert repeatability(features([(1,), (2,)])).empty
    assert repeatability(features([(1, np.nan), (2, 3)]))["n_pairs"].item() == 1
    assert repeatability(features([(1, 2)]).assign(run=pd.NA)).empty


def test_the_table_keeps_its_contract():
    both = pd.concat([features(PAIRS), features(PAIRS, side="contralesional", unit=None)])
    table, problems = check_table(repeatability(both), TABLES["repeatability"], "tables/repeatability")
    assert not problems
    assert len(table) == 2
