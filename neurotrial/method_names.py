"""The methods that an analysis of a study file may name, the estimates that each gives, and on which scale they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurotrial.bayes_plan import BAYES_METHODS

__all__ = [
    "BEYOND",
    "BOUNDED",
    "IMPUTATIONS",
    "METHODS",
    "NEEDS_MCID",
    "NEEDS_RANGE",
    "Method",
    "Scale",
    "imputes",
    "scale_of",
]

Method = Literal[
    "ancova",
    "change_score",
    "group_time",
    "clda",
    "follow_up",
    "improvement_ratio",
    "share_of_potential",
    "within_arm",
    "rerandomisation",
    "freedman_lane",
    "robust",
    "median",
    "ranks",
    "proportional_odds",
    "fractional_logit",
    "beta_binomial",
    "censored_gaussian",
    "responders",
    "responders_imputed",
    "effect_sizes",
    "impute_mar",
    "impute_j2r",
    "impute_cr",
    "impute_cir",
    "impute_lmcf",
    "selection_weights",
    "bayes_ancova",
    "bayes_group_time",
    "bayes_bounded",
    "bayes_outcomes",
]

BOUNDED = ("proportional_odds", "fractional_logit", "beta_binomial", "censored_gaussian")
"""Models of a score with floor and ceiling."""

IMPUTATIONS = ("impute_mar", "impute_j2r", "impute_cr", "impute_cir", "impute_lmcf")
"""Imputation under each assumption."""

BEYOND = ("rerandomisation", "selection_weights", "responders_imputed", *IMPUTATIONS, *BAYES_METHODS)
"""Methods that need more than the two values of the participants of the population."""

NEEDS_RANGE = ("share_of_potential", "bayes_bounded", *BOUNDED)
NEEDS_MCID = ("responders", "responders_imputed")

_RESPONDERS = ("responders_difference", "responders_ratio", "responders_nnt")

METHODS: dict[str, tuple[str, ...]] = {
    "ancova": ("ancova_ols", "ancova_hc3"),
    "change_score": ("change_welch",),
    "group_time": ("mmrm_group_time",),
    "clda": ("clda",),
    "follow_up": ("follow_up_welch",),
    "improvement_ratio": (
        "ratio_baseline_welch",
        "ratio_baseline_mann_whitney",
        "ratio_baseline_permutation",
    ),
    "share_of_potential": (
        "ratio_potential_welch",
        "ratio_potential_mann_whitney",
        "ratio_potential_permutation",
    ),
    "within_arm": ("change_welch", "paired_t"),
    "rerandomisation": ("rerandomisation",),
    "freedman_lane": ("freedman_lane",),
    "robust": ("mm_regression", "m_regression"),
    "median": ("median_regression",),
    "ranks": ("mann_whitney", "brunner_munzel"),
    **{name: (name, f"{name}_points") for name in BOUNDED[:-1]},
    "censored_gaussian": ("censored_gaussian",),
    "responders": _RESPONDERS,
    "responders_imputed": tuple(name.replace("responders", "responders_imputed") for name in _RESPONDERS),
    "effect_sizes": ("hedges_g", "d_ppc", "cliffs_delta"),
    **{name: (f"{name}_cm", f"{name}_bayes") for name in IMPUTATIONS},
    "selection_weights": ("ipw_stacked", "ipw_bootstrap"),
    **BAYES_METHODS,
}
"""Each method that an analysis may name, with the rows of between- and within-arm estimates that it gives."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of an estimate.

    Attributes
    ----------
    unit : str
        Unit of the estimate; empty for that of the outcome.
    null : float
        The value of no difference.
    improvement : bool
        Whether larger is a benefit whatever the outcome's direction.
    tested : bool
        Whether the estimate has a test of no difference.
    """

    unit: str = ""
    null: float = 0.0
    improvement: bool = False
    tested: bool = True


_SCALES: dict[str, Scale] = {
    "brunner_munzel": Scale("probability", 0.5),
    "hedges_g": Scale("SD", tested=False),
    "d_ppc": Scale("SD", tested=False),
    "cliffs_delta": Scale("delta", tested=False),
    "ipw_bootstrap": Scale(tested=False),
    "proportional_odds": Scale("log odds"),
    "fractional_logit": Scale("log odds"),
    "beta_binomial": Scale("log odds"),
}
_RESPONDER_SCALES = {
    "difference": Scale("proportion", improvement=True),
    "ratio": Scale("risk ratio", 1.0, improvement=True),
    "nnt": Scale("patients", improvement=True, tested=False),
}


def imputes(slug: str) -> bool:
    """Tell whether a row of estimates is one of everybody in the population, missing values imputed."""
    return slug.startswith("responders_imputed") or any(slug in METHODS[name] for name in IMPUTATIONS)


def scale_of(slug: str) -> Scale:
    """Return the scale of an estimate by the slug of its method.

    Examples
    --------
    >>> scale_of("ancova_hc3").unit, scale_of("responders_ratio").null
    ('', 1.0)
    """
    if slug.startswith("ratio_"):
        return Scale("ratio")
    if slug.startswith("responders"):
        return _RESPONDER_SCALES[slug.rpartition("_")[2]]
    return _SCALES.get(slug, Scale())
