"""The results tables of a multiverse."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from neurotrial.tables import Table, count, number, share, text

__all__ = ["MULTIVERSE_TABLES"]

_OPTIONAL: Mapping[str, Any] = MappingProxyType({"nullable": True})
_KEY = text("key", "unique key; prose cites `key#column`")

_SPECIFICATIONS = Table(
    "specifications",
    "one row for each admissible combination of the decisions of the multiverse",
    ("key",),
    (
        _KEY,
        count("specification", "its number, from 0"),
        text("options", "option of each decision, as JSON"),
        text("outcome", "outcome, a name of the study file"),
        text("method", "estimator"),
        number("estimate", "estimate"),
        number("std_error", "standard error", minimum=0),
        number("df", "degrees of freedom", minimum=0),
        number("conf_low", "lower limit of the interval"),
        number("conf_high", "upper limit of the interval"),
        share("conf_level", "confidence level"),
        share("p_value", "two-sided p-value"),
        number("estimate_sd", "estimate in baseline SDs; above 0 is a benefit"),
        number("conf_low_sd", "lower limit in baseline SDs"),
        number("conf_high_sd", "upper limit in baseline SDs"),
        text("unit", "unit of the estimate"),
        count("n_participants", "participants", **_OPTIONAL),
        text("n_per_arm", "participants by arm, as JSON"),
        text("joint", "whether it is part of the joint tests", levels=("yes", "no")),
        text("reference", "whether it is the pre-specified one", levels=("yes", "no")),
        count("stacking_group", "comparable specifications have one number", **_OPTIONAL),
        share("stacking_weight", "weight in its group", **_OPTIONAL),
        number("elpd_loo", "leave-one-out log score of its predictions"),
        text("status", "ok, or failed with the reason", levels=("ok", "failed")),
        text("reason", "why it failed, or what should be known", **_OPTIONAL),
    ),
)

_JOINT_TESTS = Table(
    "joint_tests",
    "what all linear Gaussian specifications of the multiverse show together, against redrawn labels",
    ("key",),
    (
        _KEY,
        text("statistic", "median effect in baseline SDs, share significant in one direction, Stouffer's z",
             levels=("median", "share", "stouffer")),
        number("observed", "statistic as it is"),
        number("null_low", "2.5 % quantile under redrawn labels"),
        number("null_median", "median under redrawn labels"),
        number("null_high", "97.5 % quantile under redrawn labels"),
        share("p_value", "two-sided p-value"),
        number("mc_error", "its Monte Carlo standard error", minimum=0),
        count("n_specifications", "specifications that are tested jointly"),
        count("n_labellings", "labellings"),
        text("scheme", "how labels were redrawn"),
    ),
)  # fmt: skip

_DECISION_SHARES = Table(
    "decision_shares",
    "share of the variance of the estimates, in baseline SDs, that each decision of the multiverse explains",
    ("key",),
    (
        _KEY,
        text("decision", "decision, a name of the study file; interactions for what main effects leave"),
        share("share", "share of the variance"),
        number("range", "largest difference between mean estimates of its options, in baseline SDs"),
    ),
)

_MULTIVERSE = Table(
    "multiverse",
    "the multiverse in numbers, one row each",
    ("key",),
    (
        _KEY,
        text("what", "what is counted or summarised"),
        number("value", "its value"),
        text("words", "in words, e.g. the reason for which combinations were left out", **_OPTIONAL),
    ),
)

MULTIVERSE_TABLES = (_SPECIFICATIONS, _JOINT_TESTS, _DECISION_SHARES, _MULTIVERSE)
"""In the order in which the results store has them; all are empty without a multiverse."""
