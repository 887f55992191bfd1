import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from neurotrial.errors import InputError
from neurotrial.models import adjust
from neurotrial.models.multiplicity import PROCEDURES

p_lists = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12)


@pytest.mark.parametrize("method", PROCEDURES)
@given(p_values=p_lists, place=st.integers(0, 12))
def test_a_missing_p_counts_as_one_and_stays_missing(method, p_values, place):
    place = min(place, len(p_values))
    with_missing = np.insert(np.array(p_values), place, np.nan)
    as_one = np.insert(np.array(p_values), place, 1.0)
    ours, full = adjust(with_missing, method), adjust(as_one, method)
    assert np.isnan(ours[place])
    np.testing.assert_array_equal(np.delete(ours, place), np.delete(full, place))


@pytest.mark.parametrize("method", PROCEDURES)
@given(p_values=p_lists)
def test_adjusted_values_keep_order_and_are_never_smaller(method, p_values):
    raw = np.array(p_values)
    ours = adjust(raw, method)
    assert (ours >= raw * (1 - 1e-12)).all()
    assert (ours <= 1).all()
    assert (np.diff(ours[np.argsort(raw, kind="stable")]) >= -1e-12).all()


@given(p_values=p_lists)
def test_false_discovery_rates_agree_with_scipy(p_values):
    for method in ("bh", "by"):
        # both multiply by m / rank; they differ in the order of two factors
        np.testing.assert_allclose(
            adjust(p_values, method), stats.false_discovery_control(p_values, method=method), rtol=1e-12
        )


@pytest.mark.parametrize("p_values", [[0.01], [0.04, 0.01, 0.03, 0.01], [0.6, 0.5, 0.9], [0.0, 1.0, 0.2]])
def test_holm_agrees_with_statsmodels(p_values):
    np.testing.assert_array_equal(adjust(p_values, "holm"), multipletests(p_values, method="holm")[1])


def test_an_empty_family_stays_empty():
    assert adjust([], "hommel").size == 0


def test_faults_are_listed_together():
    with pytest.raises(InputError) as caught:
        adjust([0.1, 1.2, -0.1], "sidak")
    assert [problem.where for problem in caught.value.problems] == ["method", "p_values"]
    assert caught.value.problems[1].rows == ("position 1: 1.2", "position 2: -0.1")
