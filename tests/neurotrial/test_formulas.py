from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.formulas import TRANSFORMS, formula_faults, formula_names


@pytest.mark.parametrize(
    "term",
    [
        "age",
        "age + nihss",
        "log(lesion_volume_ml)",
        "poly(age, 2)",
        "C(site):age",
        "center(age) * (nihss - 1)",
        "bs(age, 3)",
    ],
)
def test_formula_terms_are_allowed(term: str) -> None:
    assert formula_faults(term) == []


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("open(x)", "calls 'open'"),
        ("exec (x)", "calls 'exec'"),
        ("age.__class__", "not part of a formula"),
        ("__import__('os')", "not part of a formula"),
        ("`age`", "not part of a formula"),
        ("{age}", "not part of a formula"),
        ("age[0]", "not part of a formula"),
        ("log(age", "unbalanced"),
        ("", "empty"),
        ("a" * 501, "longer than 500"),
    ],
)
def test_anything_else_is_refused(term: str, words: str) -> None:
    assert words in " ".join(formula_faults(term))


@given(st.text(alphabet=st.sampled_from("abxC_(.)[]{}`'\"+-*:, 19\\@=~\n"), max_size=40))
def test_what_passes_calls_only_the_transforms_and_holds_no_code(term: str) -> None:
    if formula_faults(term):
        return
    calls = re.findall(r"([A-Za-z_]\w*)\s*\(", term)
    assert set(calls) <= set(TRANSFORMS)
    assert not set(term) & set(".[]{}`'\"\\@=~")
    assert not re.search(r"\b_", term)


def test_a_lambda_is_read_as_an_interaction_of_two_columns() -> None:
    assert formula_names("lambda: x") == ["lambda", "x"]


def test_names_come_once_and_without_the_transforms() -> None:
    assert formula_names("age * C(site) + log(age)") == ["age", "site"]
