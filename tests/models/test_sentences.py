import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.models.sentences import agreement, format_p
from neurotrial.models.tidy import Estimate, tidy_frame

FAMILIES = {
    "baseline-adjusted difference": ("ancova_ols", "ancova_hc3"),
    "change score": ("change_welch",),
    "follow-up value": ("follow_up_welch",),
    "improvement ratio": (
        "ratio_baseline_welch",
        "ratio_baseline_mann_whitney",
        "ratio_baseline_permutation",
    ),
    "share of potential": (
        "ratio_potential_welch",
        "ratio_potential_mann_whitney",
        "ratio_potential_permutation",
    ),
}
SLUGS = [slug for slugs in FAMILIES.values() for slug in slugs]
TESTS = {
    "least squares": "ols",
    "HC3": "hc3",
    "Welch": "welch",
    "Mann-Whitney": "mann_whitney",
    "permutation": "permutation",
}


def frame(numbers, contrast="cells - control", n=44):
    """Make rows from ``{slug: (estimate, p)}``; None stands for a failed estimate."""
    made = []
    for slug, pair in numbers.items():
        row = {"n_per_arm": {"control": 13, "cells": n - 13}}
        row |= (
            {"status": "failed", "reason": "too few"}
            if pair is None
            else {"estimate": pair[0], "p_value": pair[1]}
        )
        made.append(Estimate(slug, "arm", contrast, **row))
    return tidy_frame(made)


def people(control=27.7, cells=37.0):
    return pd.DataFrame({"arm": ["control", "cells"] * 2, "baseline": [control, cells] * 2, "follow_up": 1.0})


def said(numbers, main="ancova_hc3", direction="higher_is_better", **means):
    return agreement(frame(numbers), people(**means), main=main, direction=direction)


def test_all_agree_and_none_rejects():
    numbers = {"ancova_hc3": (2.0, 0.2), "change_welch": (3.0, 0.134)}
    assert said(numbers) == (
        "All estimators favour cells; at the 5 % level no test rejects the null hypothesis "
        "(smallest p = 0.13, change score (Welch))."
    )


def test_lower_can_be_better():
    assert said({"ancova_hc3": (2.0, 0.2)}, direction="lower_is_better") == (
        "The baseline-adjusted difference favours control; at the 5 % level the test does not reject the null hypothesis (p = 0.20)."
    )


def test_all_reject():
    numbers = {"ancova_hc3": (2.0, 0.001), "change_welch": (3.0, 0.0123)}
    assert said(numbers).endswith(
        "at the 5 % level all tests reject the null hypothesis (largest p = 0.012)."
    )


def test_the_ratio_and_the_adjusted_difference_disagree_in_verdict():
    numbers = {"ancova_hc3": (-1.7, 0.7), "follow_up_welch": (1.9, 0.7), "ratio_baseline_welch": (-0.7, 0.04)}
    assert said(numbers) == (
        "The estimators point in different directions: the baseline-adjusted difference and the improvement ratio favour "
        "control, the follow-up value favours cells; at the 5 % level the improvement ratio (Welch, p = 0.040) rejects the "
        "null hypothesis, the others do not (smallest p = 0.70); the improvement ratio (Welch p = 0.040) and the "
        "baseline-adjusted difference (HC3, p = 0.70) disagree in verdict: the baseline means differ (cells 37.0, control "
        "27.7), and the ratio depends on baseline."
    )


def test_p_values_tenfold_apart_are_a_disagreement_in_strength():
    numbers = {"ancova_hc3": (-1.7, 0.697), "ratio_baseline_welch": (-0.7, 0.06)}
    assert "disagree in strength of evidence: the baseline means differ" in said(numbers)
    assert "disagree" not in said({"ancova_hc3": (-1.7, 0.5), "ratio_baseline_welch": (-0.7, 0.06)})


def test_a_drawn_p_value_near_the_level_is_said_to_be_uncertain():
    near, far = (frame({"ratio_baseline_permutation": (1.0, p_value)}) for p_value in (0.0498, 0.04))
    reason = "p has Monte Carlo standard error 0.0022: 10000 relabellings with fixed totals"
    texts = [
        agreement(rows.assign(reason=reason), people(), main="ancova_hc3", direction="higher_is_better")
        for rows in (near, far)
    ]
    assert texts[0].endswith(
        "; the p-value of the improvement ratio (permutation) is too close to the level for the number of relabellings drawn."
    )
    assert "too close" not in texts[1]


def test_equal_baseline_means_are_not_said_to_differ():
    numbers = {"ancova_hc3": (1.7, 0.7), "ratio_baseline_welch": (-0.7, 0.01)}
    text = said(numbers, control=0.4501, cells=0.4502)
    assert "disagree in direction and verdict: the baseline means agree (cells 0.450, control 0.450)" in text


def test_methods_in_different_participants_are_said_to_be():
    rows = pd.concat(
        [frame({"ancova_hc3": (1.0, 0.3)}, n=44), frame({"ratio_baseline_welch": (-1.0, 0.3)}, n=42)]
    )
    text = agreement(rows, people(), main="ancova_hc3", direction="higher_is_better")
    assert "disagree in direction, in 42 and 44 participants:" in text


def test_failed_estimates_are_named():
    assert said({"ancova_hc3": (1.0, 0.3), "change_welch": None}).endswith(
        "; not estimated: change score (Welch)."
    )
    assert said({"change_welch": None}) == "No estimate between arms could be computed: too few."


def test_each_contrast_has_its_sentence():
    rows = pd.concat(
        [frame({"ancova_hc3": (1.0, 0.3)}), frame({"ancova_hc3": (-1.0, 0.3)}, "drug - control")]
    )
    wide = pd.concat([people(), people().replace("cells", "drug")])
    text = agreement(rows, wide, main="ancova_hc3", direction="higher_is_better")
    assert re.findall(r"(\S+ - control): \S+ \S+ \S+ favours (\w+)", text) == [
        ("cells - control", "cells"),
        ("drug - control", "control"),
    ]


@pytest.mark.parametrize(
    ("p_value", "printed"),
    [
        (0.0004, "p < 0.001"),
        (0.0123, "p = 0.012"),
        (0.049, "p = 0.049"),
        (0.0498, "p = 0.0498"),
        (0.04999, "p = 0.04999"),
        (0.05, "p = 0.050"),
        (0.0502, "p = 0.0502"),
        (0.0996, "p = 0.100"),
        (0.125, "p = 0.12"),
        (0.994, "p > 0.99"),
    ],
)
def test_p_values_are_printed_on_their_side_of_the_level(p_value, printed):
    assert format_p(p_value, 0.05) == printed


pairs = st.none() | st.tuples(
    st.sampled_from([-2.0, 0.0, 1.5]), st.sampled_from([0.0003, 0.0402, 0.0499, 0.05, 0.0501, 0.3, 0.7, 1.0])
)


@given(
    numbers=st.dictionaries(st.sampled_from(SLUGS), pairs, min_size=1),
    main=st.sampled_from(SLUGS),
    better=st.sampled_from(["higher_is_better", "lower_is_better"]),
    means=st.tuples(st.sampled_from([27.7, 37.0]), st.sampled_from([27.7, 37.0])),
)
def test_whatever_the_rows_say_the_sentence_is_true(numbers, main, better, means):
    text = said(numbers, main, better, control=means[0], cells=means[1])
    given_rows = {slug: pair for slug, pair in numbers.items() if pair is not None}
    if not given_rows:
        assert text == "No estimate between arms could be computed: too few."
        return
    clauses = text.removesuffix(".").split("; ")
    sign = 1 if better == "higher_is_better" else -1
    assert sides_said(clauses[0], given_rows) == {
        slug: sign * np.sign(pair[0]) for slug, pair in given_rows.items()
    }
    assert rejecting_said(clauses[1], given_rows) == {
        slug for slug, pair in given_rows.items() if pair[1] <= 0.05
    }
    check_conflict([clause for clause in clauses if "disagree in" in clause], given_rows, main, means)
    failed = set(numbers) - set(given_rows)
    assert any(clause.startswith("not estimated") for clause in clauses) == bool(failed)


def slugs_named(words, given_rows):
    """Read ``the change score, the improvement ratio (Welch)`` back into slugs."""
    found = set()
    for family, test in re.findall(r"the ([a-zA-Z\- ]+?)(?: \(([^)]+)\))?(?=,| and |$)", words):
        own = [slug for slug in FAMILIES[family] if slug in given_rows]
        name = test.split(",")[0]
        found |= {slug for slug in own if not test or slug.endswith(TESTS[name])}
    return found


def sides_said(clause, given_rows):
    sides = {"cells": 1, "control": -1, "neither arm": 0}
    whole = re.fullmatch(r"(All estimators|The .+?) favours? (cells|control|neither arm)", clause)
    if whole and "different directions" not in clause:
        return dict.fromkeys(given_rows, sides[whole[2]])
    listing = clause.removeprefix("The estimators point in different directions: ")
    said_sides = {}
    for words, whom in re.findall(r"(.+?) favours? (cells|control|neither arm)(?:, |$)", listing):
        said_sides |= dict.fromkeys(slugs_named(words, given_rows), sides[whom])
    return said_sides


def rejecting_said(clause, given_rows):
    if re.search(r"all tests reject|the test rejects", clause):
        return set(given_rows)
    if re.search(r"no test rejects|the test does not reject", clause):
        return set()
    words = re.fullmatch(r"at the 5 % level (.+?) rejects? the null hypothesis, .+", clause)[1]
    return slugs_named(words, given_rows)


def check_conflict(clauses, given_rows, main, means):
    ratios = [pair for slug, pair in given_rows.items() if slug.startswith("ratio_baseline")]
    adjusted = [slug for slug in ("ancova_hc3", "ancova_ols") if slug in given_rows]
    if not ratios or not adjusted:
        assert not clauses
        return
    estimate, p_value = given_rows[main if main in adjusted else adjusted[0]]
    direction = any(np.sign(pair[0]) != np.sign(estimate) for pair in ratios)
    verdict = any((pair[1] <= 0.05) != (p_value <= 0.05) for pair in ratios)
    apart = [sorted((pair[1], p_value)) for pair in ratios]
    strength = not verdict and any(low <= 0.1 and high >= 10 * low for low, high in apart)
    assert bool(clauses) == (direction or verdict or strength)
    if clauses:
        about = re.search(r"disagree in (.+?):", clauses[0])[1]
        assert ("direction" in about, "verdict" in about, "strength" in about) == (
            direction,
            verdict,
            strength,
        )
        how = "agree" if means[0] == means[1] else "differ"
        assert f"baseline means {how} (cells {means[1]}, control {means[0]})" in clauses[0]
