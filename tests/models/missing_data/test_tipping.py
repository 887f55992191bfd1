import numpy as np
import pytest
from missing_fixture import ROLES, long, trial

from neurotrial.errors import InputError
from neurotrial.models import impute, tipping_point


@pytest.fixture(scope="module")
def data():
    return long(trial(effect=7.0))


@pytest.mark.parametrize("method", ["conditional-mean", "bayes"])
def test_each_cell_is_the_imputation_with_these_deltas(data, method):
    kwargs = ROLES | {"method": method, "n_imputations": 5, "strategy": "J2R"}
    grid = tipping_point(data, deltas=[-9.0, 0.0, 4.0], deltas_reference=[-1.0, 3.0], **kwargs).tidy()
    assert len(grid) == 6
    for row in grid.itertuples():
        found = (
            impute(data, **kwargs, delta={"cells": row.delta, "control": row.delta_reference}).tidy().iloc[0]
        )
        for column in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"):
            assert getattr(row, column) == pytest.approx(found[column], rel=1e-9)


def test_the_conclusion_changes_at_the_crossing(data):
    found = tipping_point(data, **ROLES)
    assert len(found.tidy()) == 21 * 21
    crossing = found.crossings.set_index("direction")["delta"]
    at = impute(data, **ROLES, delta={"cells": crossing["lower"]}).tidy().iloc[0]
    assert at["p_value"] == pytest.approx(0.05, abs=1e-8)  # the root is found to 1e-10 of a delta
    base = impute(data, **ROLES).tidy().iloc[0]["p_value"]
    assert base < 0.05
    assert "Without delta the difference is significant at 0.05; it would change" in found.sentence()
    assert f"\N{MINUS SIGN}{-crossing['lower']:.3g} (" in found.sentence()
    sd = np.sqrt(found.imputation.covariance[0, 0, 0])
    assert found.tidy()["delta"].max() == pytest.approx(2 * sd)


def test_without_a_crossing_the_sentence_says_so(data):
    found = tipping_point(data, **ROLES, alpha=1e-12)
    assert found.crossings["delta"].isna().all()
    assert "no delta of the imputed values in cells up to 5 residual SDs changes that" in found.sentence()


def test_bad_grids_are_refused(data):
    for change, words in (
        ({"deltas": [0.0, float("inf")]}, "list of finite numbers"),
        ({"compared": "control"}, "no arm to compare"),
        ({"delta": 1.0}, "is what the grid varies"),
        ({"alpha": 5}, "not between 0 and 1"),
    ):
        with pytest.raises(InputError, match=words):
            tipping_point(data, **ROLES, **change)
    complete = data[data.groupby("who")["score"].transform(lambda values: values.notna().all())]
    with pytest.raises(InputError, match="nothing is missing"):
        tipping_point(complete, **ROLES)
