"""What a declared multiverse must keep to, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "specifications"))

from multiverse_study import DECISIONS, decision, study

from neurotrial.study_rules import rule_problems

A = decision("a", "model", {"x": "ancova_ols", "y": "change_welch"})


def test_a_consistent_multiverse_has_no_faults():
    assert rule_problems(study()) == []


@pytest.mark.parametrize(
    ("decisions", "more", "where", "rule", "remedy"),
    [
        ([A], {"analysis": "primry"}, ("analysis",), "'primry' is no declared analysis", "did you mean 'primary'?"),
        ([A], {"outcome": "md"}, ("outcome",), "'md' is no declared outcome", "use one of: fa"),
        ([A, A], {}, ("decisions", 1, "name"), "'a' is declared twice", "own name"),
        ([A, {**A, "name": "b"}], {}, ("decisions", 1, "kind"), "two decisions of kind model", "together"),
        ([{**A, "name": "status"}], {}, ("decisions", 0, "name"), "is a column of the table", "another name"),
        (
            [decision("a", "model", {"x": "ancova_ols", "y": "ancova_hc2"})], {},
            ("decisions", 0, "options", "y"), "'ancova_hc2' is no model", "did you mean 'ancova_hc3'?",
        ),
        (
            [decision("a", "covariates", {"x": [], "y": ["open('x')"]})], {},
            ("decisions", 0, "options", "y"), "calls 'open'", "name a column",
        ),
        (
            [decision("a", "covariates", {"x": [], "y": "age"})], {},
            ("decisions", 0, "options", "y"), "must be a list of terms", "[]",
        ),
        (
            [decision("a", "exclusion", {"x": None, "y": {"measure": "fd_mean"}})], {},
            ("decisions", 0, "options", "y"), "neither one measure with one limit nor one flag", "null for nobody",
        ),
        (
            [decision("a", "exclusion", {"x": None, "y": {"mesure": "fd_mean"}})], {},
            ("decisions", 0, "options", "y", "mesure"), "extra inputs are not permitted", "null for nobody",
        ),
        (
            [decision("a", "source", {"x": {"statistic": "mean"}, "y": "median"})], {},
            ("decisions", 0, "options", "y"), "must name columns", "statistic: median",
        ),
        (
            [A], {"reference": {"b": "x"}},
            ("reference", "b"), "'b' is no declared decision", "use one of: a",
        ),
        (
            [A], {"constraints": [{"forbid": {"a": "z"}, "reason": "no sense"}]},
            ("constraints", 0, "forbid", "a"), "'z' is no option of the decision 'a'", "use one of: x, y",
        ),
        (
            [A], {"constraints": [{"forbid": {"a": ["x", "y"]}, "reason": "no sense"}]},
            ("reference",), "the reference specification is not admissible (no sense)", "another reference",
        ),
        (
            [A, DECISIONS[5]], {"reference": {"a": "y", "covariates": "age"}},
            ("reference",), "change_welch takes no covariates", "another reference",
        ),
        (
            [decision("a", "prior", {"x": "neutral", "y": "sceptical"})], {},
            (), "needs priors, and none are declared", "declare `bayes`",
        ),
    ],
)  # fmt: skip
def test_faults(decisions, more, where, rule, remedy):
    faults = rule_problems(study(decisions, **more))
    assert ("multiverse", *where) in [fault[0] for fault in faults]
    found = next(fault for fault in faults if fault[0] == ("multiverse", *where))
    assert rule in found[1]
    assert remedy in found[2]


def test_too_many_combinations_are_refused():
    many = {str(number): {"threshold": number / 100} for number in range(1, 31)}
    decisions = [decision(f"d{number}", "source", many) for number in range(3)]
    (fault,) = rule_problems(study(decisions))
    assert fault[1] == "27,000 combinations are too many"
