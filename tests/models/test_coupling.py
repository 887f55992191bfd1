import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.errors import InputError
from neurotrial.models import expected_coupling

RHO = (0.0, 0.3, 0.5, 0.7, 0.9)
# computed by hand from the published formula (Hope 2019), to two decimals
TABLE = {
    0.50: (-0.89, -0.87, -0.87, -0.88, -0.93),
    0.75: (-0.80, -0.73, -0.69, -0.66, -0.71),
    1.00: (-0.71, -0.59, -0.50, -0.39, -0.22),
    1.25: (-0.62, -0.46, -0.33, -0.14, 0.22),
}


@pytest.mark.parametrize("k", TABLE)
def test_table_to_two_decimals(k):
    # half a unit of the last printed digit, and a rounding of exactly half
    np.testing.assert_allclose(expected_coupling(k, RHO), TABLE[k], atol=0.005 + 1e-9)


@given(seed=st.integers(0, 1000), scale=st.floats(0.2, 3))
def test_it_is_the_correlation_of_baseline_with_change(seed, scale):
    rng = np.random.default_rng(seed)
    baseline = rng.normal(size=30)
    follow_up = scale * (0.6 * baseline + rng.normal(size=30))
    ours = expected_coupling(follow_up.std() / baseline.std(), np.corrcoef(baseline, follow_up)[0, 1])
    assert float(ours) == pytest.approx(np.corrcoef(baseline, follow_up - baseline)[0, 1], abs=1e-12)


def test_without_change_there_is_no_correlation():
    assert np.isnan(expected_coupling(1.0, 1.0))
    assert expected_coupling(1.0, -1.0) == -1


def test_values_out_of_range_are_refused():
    with pytest.raises(InputError) as caught:
        expected_coupling([0.0, 1.0], 1.5)
    assert [problem.where for problem in caught.value.problems] == ["k", "rho"]
