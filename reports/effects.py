"""An estimate with everything that a sentence or a table cell says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.method_names import Scale, scale_of
from neurotrial.reports.family import outcome_named
from neurotrial.reports.number_format import MISSING, interval, is_missing, number, p_value, probability

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedRow
    from neurotrial.study import Outcome, Study

__all__ = [
    "BAYES_LABELS",
    "GROUP_TIME",
    "METHOD_LABELS",
    "RATIO",
    "RATIO_DIGITS",
    "Effect",
    "capitalised",
    "effect_of",
    "is_adjusted",
    "is_bayesian",
    "method_label",
    "model_label",
]

RATIO = "ratio"
_ADJUSTED = (
    "ancova", "clda", "bayes_ancova", "bayes_bounded", "bayes_outcomes", "rerandomisation", "freedman_lane", "mm_", "m_", "median_", "impute_", "ipw_",
    "proportional_", "fractional_", "beta_", "censored_",
)  # fmt: skip
RATIO_DIGITS = 2
_DIGITS = {"patients": 1}
GROUP_TIME = "mmrm_group_time"
"""The estimator of group × time."""

BAYES_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "bayes_ancova": "Bayesian ANCOVA",
        "bayes_group_time": "Bayesian group × time",
        "bayes_bounded": "Bayesian bounded score",
        "bayes_outcomes": "Bayesian hierarchical model",
    }
)
"""Each Bayesian model in words."""

_ASSUMPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "mar": "imputation, missing at random",
        "j2r": "imputation, jump to reference",
        "cr": "imputation, copy reference",
        "cir": "imputation, copy increments in reference",
        "lmcf": "imputation, last mean carried forward",
    }
)

METHOD_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "ancova_ols": "ANCOVA, model-based standard error",
        "ancova_hc3": "ANCOVA, HC3 standard error",
        "change_welch": "change from baseline, Welch t",
        GROUP_TIME: "group × time, mixed model",
        "clda": "common baseline mean, mixed model",
        "follow_up_welch": "follow-up only, Welch t",
        "paired_t": "paired t within the arm",
        "ratio_baseline_welch": "improvement ratio, Welch t",
        "ratio_baseline_mann_whitney": "improvement ratio, Mann–Whitney",
        "ratio_baseline_permutation": "improvement ratio, permutation",
        "ratio_potential_welch": "share of recovery potential, Welch t",
        "ratio_potential_mann_whitney": "share of recovery potential, Mann–Whitney",
        "ratio_potential_permutation": "share of recovery potential, permutation",
        "rerandomisation": "ANCOVA, re-randomisation test",
        "freedman_lane": "ANCOVA, Freedman–Lane permutation test",
        "mm_regression": "robust regression, MM",
        "m_regression": "robust regression, Huber’s M",
        "median_regression": "median regression",
        "mann_whitney": "change, Mann–Whitney and Hodges–Lehmann shift",
        "brunner_munzel": "change, probability of superiority (Brunner–Munzel)",
        "proportional_odds": "proportional odds, log odds of a higher score",
        "proportional_odds_points": "proportional odds, difference in points",
        "fractional_logit": "fractional logit, log odds of the mean share",
        "fractional_logit_points": "fractional logit, difference in points",
        "beta_binomial": "beta-binomial, log odds of the mean share",
        "beta_binomial_points": "beta-binomial, difference in points",
        "censored_gaussian": "Gaussian censored at floor and ceiling",
        "responders_difference": "responders, difference of proportions",
        "responders_ratio": "responders, ratio of proportions",
        "responders_nnt": "responders, number needed to treat",
        "responders_imputed_difference": "responders after imputation (MAR), difference of proportions",
        "responders_imputed_ratio": "responders after imputation (MAR), ratio of proportions",
        "responders_imputed_nnt": "responders after imputation (MAR), number needed to treat",
        "hedges_g": "Hedges’ g of the change",
        "d_ppc": "pretest–posttest–control d",
        "cliffs_delta": "Cliff’s delta of the change",
        "ipw_stacked": "weighted for selection, stacked standard error",
        "ipw_bootstrap": "weighted for selection, bootstrap",
        **{
            f"impute_{name}_{slug}": f"{words}, {way}"
            for name, words in _ASSUMPTIONS.items()
            for slug, way in (("cm", "jackknife"), ("bayes", "Rubin’s rules"))
        },
        **{
            slug: f"{BAYES_LABELS[kind]}, {prior} prior"
            for kind, slugs in BAYES_METHODS.items()
            for slug, prior in zip(slugs, PRIOR_SETS, strict=True)
        },
    }
)
"""Each estimator in words."""

_INTERVALS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "t": ("CI", ""),
        "normal": ("CI", " by normal approximation"),
        "exact_rank": ("CI", " by exact rank inversion"),
        "asymptotic_rank": ("CI", " by asymptotic rank inversion"),
        "permutation": ("CI", " by permutation"),
        "percentile": ("CI", " by bootstrap percentiles"),
        "score": ("CI", " by score test"),
        "noncentral_t": ("CI", " by the noncentral t"),
        "hdi": ("highest-density credible interval", ""),
        "eti": ("equal-tailed credible interval", ""),
    }
)
"""Each kind of interval: its name, and how it was made where that is not by the t distribution."""


def method_label(method: str) -> str:
    """Return an estimator in words; one without a label by its name."""
    return METHOD_LABELS.get(method, method.replace("_", " "))


def model_label(method: str) -> str:
    """Return a Bayesian model or estimate in words, for a table that says that all of it is Bayesian."""
    words = BAYES_LABELS.get(method) or method_label(method)
    return capitalised(words.removeprefix("Bayesian "))


def capitalised(words: str) -> str:
    """Return words with a capital first letter, the rest as it is."""
    return words[:1].upper() + words[1:]


def is_adjusted(method: str) -> bool:
    """Tell whether an estimator adjusts for the baseline value."""
    return method.startswith(_ADJUSTED)


def is_bayesian(method: str) -> bool:
    """Tell whether an estimator is a posterior."""
    return method.startswith("bayes_")


@dataclass(frozen=True, slots=True)
class Effect:
    """An estimate with its interval.

    Attributes
    ----------
    key : str
        Key in the results store.
    outcome : Outcome
        The outcome, with unit and direction.
    method, term, contrast : str
        Estimator, kind of effect, and what is compared as the store has it.
    arm, reference : str
        Names of the arms compared; ``reference`` is empty for what is within one arm.
    comparison : str
        What is compared, in labels of the study file.
    estimate, low, high, p : float or None
        In the unit of the outcome, or as a ratio; None where there is none.
    level : float
        Confidence level.
    interval_kind, unit : str
        How the interval was made; unit of the estimate.
    benefit, important, equivalent : float or None
        Posterior probability of benefit, of one beyond the minimal clinically important difference, and of a difference
        within the region of practical equivalence.
    n_per_arm : dict of str to int
        Participants by arm.
    failure : str
        Why there is no estimate; empty where there is one.
    """

    key: str
    outcome: Outcome
    method: str
    term: str
    contrast: str
    arm: str
    reference: str
    comparison: str
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    level: float
    interval_kind: str
    unit: str
    benefit: float | None
    important: float | None
    equivalent: float | None
    n_per_arm: dict[str, int]
    failure: str

    @property
    def digits(self) -> int:
        """Decimals: those of the outcome, or of a scale without its unit."""
        return self.outcome.digits if self.unit == self.outcome.unit else _DIGITS.get(self.unit, RATIO_DIGITS)

    @property
    def scale(self) -> Scale:
        """The scale of the estimate: its own unit, if any, and its value of no difference."""
        return scale_of(self.method)

    @property
    def has_interval(self) -> bool:
        """Whether both limits exist."""
        return self.low is not None and self.high is not None

    @property
    def interval_name(self) -> str:
        """The interval by its level and kind, e.g. "95 % CI"."""
        name, way = self._interval_words
        return f"{100 * self.level:.4g} % {name}{way}"

    @property
    def _interval_words(self) -> tuple[str, str]:
        return _INTERVALS.get(self.interval_kind, (f"{self.interval_kind.replace('_', ' ')} interval", ""))

    @property
    def amount(self) -> str:
        """The estimate with its unit."""
        value = number(self.estimate, self.digits)
        return value if self.unit == RATIO or self.estimate is None else f"{value} {self.unit}"

    @property
    def precision(self) -> str:
        """Interval, p-value and posterior probabilities, as far as they exist."""
        name, way = self._interval_words
        limits = f"{100 * self.level:.4g} % {name} {interval(self.low, self.high, self.digits)}{way}"
        parts = [limits if self.has_interval else "no interval"]
        parts += [p_value(self.p)] if self.p is not None else []
        chances = {
            "probability of benefit": self.benefit,
            "probability of a benefit beyond the minimal clinically important difference": self.important,
        }
        parts += [f"{name} {probability(value)}" for name, value in chances.items() if value is not None]
        return "; ".join(parts)

    @property
    def text(self) -> str:
        """The estimate as prose has it, e.g. "8.1 points (95 % CI 2.3 to 13.9; p = 0.007)"."""
        if self.failure:
            return f"not estimable ({self.failure})"
        return MISSING if self.estimate is None else f"{self.amount} ({self.precision})"

    @property
    def favoured(self) -> str:
        """Name of the arm that the estimate favours by the outcome's direction; empty at 0 or without estimate."""
        if self.estimate is None or self.estimate == self.scale.null or not self.reference:
            return ""
        upwards = self.scale.improvement or self.outcome.direction == "higher_is_better"
        better = (self.estimate > self.scale.null) == upwards
        return self.arm if better else self.reference

    @property
    def excludes_null(self) -> bool | None:
        """Whether the interval excludes no difference (0, or that of the scale); None without interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > self.scale.null or self.high < self.scale.null


def effect_of(row: CitedRow, study: Study) -> Effect:
    """Return the effect of a row of `estimates`.

    Parameters
    ----------
    row : CitedRow
        The row; what is shown of it goes on record.
    study : Study
        Gives labels, unit and direction.

    Returns
    -------
    Effect
    """
    outcome = outcome_named(study, row.values["outcome"])
    arm, reference, comparison = _compared(row.values["contrast"], study)
    columns = (
        "estimate", "conf_low", "conf_high", "p_value", "probability_benefit", "probability_mcid", "probability_rope",
    )  # fmt: skip
    shown = {name: _number(row[name]) for name in columns}
    failed = row["status"] == "failed"
    reason = row.values["reason"]
    return Effect(
        key=row.key,
        outcome=outcome,
        method=row.values["method"],
        term=row.values["term"],
        contrast=row.values["contrast"],
        arm=arm,
        reference=reference,
        comparison=comparison,
        estimate=shown["estimate"],
        low=shown["conf_low"],
        high=shown["conf_high"],
        p=shown["p_value"],
        level=_number(row.values["conf_level"]) or study.conf_level,
        interval_kind=row.values["interval_kind"],
        unit=row.values["unit"],
        benefit=shown["probability_benefit"],
        important=shown["probability_mcid"],
        equivalent=shown["probability_rope"],
        n_per_arm=_counts(row["n_per_arm"]),
        failure=(str(reason) if not is_missing(reason) else "no reason given") if failed else "",
    )


def _number(value: Any) -> float | None:
    return None if is_missing(value) else float(value)


def _counts(text: Any) -> dict[str, int]:
    return {} if is_missing(text) or not text else {str(arm): int(n) for arm, n in json.loads(text).items()}


def _compared(contrast: str, study: Study) -> tuple[str, str, str]:
    """Take a contrast apart: "cells - control", "day90 - baseline @ cells", "mean @ cells" or "arm"."""
    labels = {arm.name: arm.label for arm in study.arms} | {visit.name: visit.label for visit in study.visits}
    what, at, within = contrast.partition(" @ ")
    first, minus, second = what.partition(" - ")
    words = f"{labels.get(first, first)} minus {labels.get(second, second)}" if minus else what
    if at:
        return within, "", f"{words}, {labels.get(within, within)}"
    return (first, second, words) if minus else ("", "", "between the arms")
