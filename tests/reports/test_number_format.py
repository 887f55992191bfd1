"""Numbers are printed as journals print them, and read back to what they were."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.reports.number_format import (
    MISSING,
    count_percent,
    interval,
    mean_sd,
    median_iqr,
    number,
    p_cell,
    p_value,
    percent,
    whole,
)

finite = st.floats(-1e9, 1e9, allow_nan=False)


def read(text: str) -> float:
    return float(text.replace("−", "-"))


@given(finite, st.integers(0, 5))
def test_number_reads_back_within_half_a_unit(value, digits):
    # 1e-6 relative: the binary value of a decimal tie may lie on either side
    assert abs(read(number(value, digits)) - value) <= 0.5 * 10**-digits * (1 + 1e-6) + 1e-6


@given(finite, st.integers(0, 5))
def test_number_has_a_real_minus_sign_and_no_negative_zero(value, digits):
    text = number(value, digits)
    assert "-" not in text
    assert text.startswith("−") == (round(value, digits) < 0)
    assert len(text.partition(".")[2]) == digits


@given(finite, finite, st.integers(0, 3))
def test_number_keeps_the_order(a, b, digits):
    low, high = sorted((a, b))
    assert read(number(low, digits)) <= read(number(high, digits))


@pytest.mark.parametrize("value", [None, math.nan, pd.NA])
def test_missing_is_an_en_dash(value):
    assert {number(value, 1), whole(value), p_value(value), p_cell(value), percent(value)} == {MISSING}
    assert {mean_sd(value, 1.0, 1), median_iqr(value, 1, 2, 1), interval(value, value, 1)} == {MISSING}


def test_number_of_infinities():
    assert (number(math.inf, 1), number(-math.inf, 1)) == ("∞", "−∞")


@given(st.floats(0, 1))
def test_p_value_is_never_0_or_1_and_tells_its_size(p):
    text = p_value(p)
    assert text.startswith("p ")
    sign, shown = text.split(" ")[1:]
    assert sign in {"=", "<", ">"}
    assert 0 < float(shown) < 1
    if sign == "=":
        assert abs(float(shown) - p) <= 0.0051
    else:
        assert p < 0.001 if sign == "<" else p > 0.99


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "<\u00a00.001"), (0.00099, "<\u00a00.001"), (0.001, "0.001"), (0.0321, "0.032"), (0.0994, "0.099"), (0.0996, "0.10"),
     (0.5, "0.50"), (0.99, "0.99"), (1.0, ">\u00a00.99")],
)  # fmt: skip
def test_p_cell(p, text):
    assert p_cell(p) == text


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_p_outside_0_to_1_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        p_cell(p)


def test_pairs():
    assert interval(-2.31, 13.94, 1) == "−2.3 to 13.9"
    assert interval(None, 2, 1) == "– to 2.0"
    assert mean_sd(1.25, None, 1) == "1.2 (–)"
    assert median_iqr(14, 11, 18, 0) == "14 (11 to 18)"
    assert (count_percent(0, None), count_percent(12, 0.3871)) == ("0", "12 (39 %)")
