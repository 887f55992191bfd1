import numpy as np
import pytest
from missing_fixture import ROLES, long, three_visits, trial
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models import missingness


def test_counts_and_fisher():
    wide = trial()
    found = missingness(long(wide), **ROLES, characteristics=["age"])
    rows = found.tidy().set_index(["visit", "arm"])
    for arm in ("control", "cells"):
        own = wide[wide["arm"] == arm]
        assert rows.loc[("follow_up", arm), "n_missing"] == own["follow_up"].isna().sum()
        assert rows.loc[("baseline", arm), "n_missing"] == 0
    lost = [
        rows.loc[("follow_up", arm), ["n_observed", "n_missing"]].to_list() for arm in ("control", "cells")
    ]
    assert rows.loc[("follow_up", "cells"), "p_value"] == pytest.approx(stats.fisher_exact(lost).pvalue)
    gone = wide["follow_up"].isna()
    row = found.differences.query("visit == 'follow_up'").iloc[0]
    sd = np.sqrt((wide["age"][gone].var() + wide["age"][~gone].var()) / 2)
    assert row["standardised_difference"] == pytest.approx(
        (wide["age"][gone].mean() - wide["age"][~gone].mean()) / sd
    )


def test_patterns_and_rows_that_are_absent():
    data = three_visits()
    found = missingness(data.dropna(subset="score"), **ROLES)
    assert found.patterns["pattern"].tolist() == ["OOO", "O.O", "OO.", "O.."]
    assert found.patterns["monotone"].tolist() == [True, False, True, True]
    assert found.patterns["n"].tolist() == [34, 1, 3, 2]
    assert found.observed.to_numpy().sum() == data["score"].notna().sum()
    assert found.visits == ("v0", "v1", "v2")


def test_changing_characteristics_are_refused():
    data = long(trial())
    data.loc[0, "age"] = 99
    with pytest.raises(InputError, match="the value changes within a participant"):
        missingness(data, **ROLES, characteristics=["age"])
