"""The priors of the Bayesian analyses, as the study file declares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.reports.cited import derived
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.number_format import MISSING, interval, number, plain, probability
from neurotrial.reports.posteriors import NORMAL_95, POOLED, bayes_kinds, bayesian_analyses, normal_range
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, HistoricalControls, NormalPrior, NuisancePriors
    from neurotrial.reports.cited import CitedResults

__all__ = ["historical_words", "prior_table"]

Row = dict[str, str]


def prior_table(data: CitedResults) -> Tabulation | None:
    """Return the priors of the plan, or None without Bayesian analyses.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        Each parameter with its distribution on the standardised scale, and what that means.
    """
    plan = data.study.bayes
    analyses = bayesian_analyses(data)
    if plan is None or not (analyses or _joint(data)):
        return None
    kinds = {kind for analysis in analyses for kind in bayes_kinds(analysis)}
    means, spreads = list(_mean_rows(plan.others, kinds)), _spread_rows(data, plan, kinds)
    published = [_historical_row(data, part) for part in plan.historical]
    rows = [*_effect_rows(plan), *means[:1], *published, *means[1:], *spreads]
    labels = {"parameter": "Parameter", "prior": "Prior", "range": "95 % of it"}
    table = make_table("priors", rows, labels, row_label="parameter", notes=_notes(data, plan, kinds))
    return Tabulation("priors", table, Markdown("Priors, as the study file declares them."))


def _joint(data: CitedResults) -> bool:
    return any(part.bayes for part in data.study.associations)


def _effect_rows(plan: BayesPlan) -> Iterator[Row]:
    from statistics import NormalDist

    for name in PRIOR_SETS:
        prior: NormalPrior = getattr(plan.effect, name)
        benefit = probability(1 - NormalDist(prior.mean, prior.sd).cdf(0.0))
        yield _normal_row(f"Effect of the arm, {name} (P(benefit) {benefit})", prior.mean, prior.sd)


def _mean_rows(others: NuisancePriors, kinds: set[str]) -> Iterator[Row]:
    yield _normal_row("Mean of the reference arm, less the mean of baseline", 0, others.intercept_sd)
    if kinds & {"bayes_ancova", "bayes_bounded", POOLED}:
        yield _normal_row("Slope on baseline (all but group × time)", others.slope.mean, others.slope.sd)
    yield _normal_row("Slope on a covariate over its SD", 0, others.covariate_sd)
    if "bayes_group_time" in kinds:
        yield _normal_row("Difference of the arms at baseline (group × time)", 0, others.imbalance_sd)


def _spread_rows(data: CitedResults, plan: BayesPlan, kinds: set[str]) -> Iterator[Row]:
    others = plan.others
    if kinds != {"bayes_bounded"}:
        yield _half_normal_row("Residual SDs", others.residual_sd)
    if POOLED in kinds:
        yield _half_normal_row("SD of the effects on the outcomes about the pooled effect", others.pooling_sd)
    correlated = {"bayes_group_time": "visits (group × time)", POOLED: "outcomes (hierarchical model)"}
    named = [words for kind, words in correlated.items() if kind in kinds]
    named += ["outcomes and visits (joint changes)"] if _joint(data) else []
    if named:
        lkj = f"LKJ({plain(others.correlation_eta)})"
        yield {"parameter": f"Correlation of {', of '.join(named)}", "prior": lkj, "range": MISSING}
    if plan.residuals == "student":
        yield _tail_row(others)


def _tail_row(others: NuisancePriors) -> Row:
    from scipy.stats import gamma

    low, high = 2 + gamma.ppf([0.025, 0.975], others.tail_shape, scale=1 / others.tail_rate)
    prior = f"2 + gamma({plain(others.tail_shape)}, {plain(others.tail_rate)})"
    return {
        "parameter": "Degrees of freedom of residuals (Student)",
        "prior": prior,
        "range": interval(low, high, 0),
    }


def _half_normal_row(parameter: str, scale: float) -> Row:
    return {
        "parameter": parameter,
        "prior": f"half-normal({plain(scale)})",
        "range": interval(0, derived("limit of a prior", NORMAL_95 * scale), 2),
    }


def _normal_row(parameter: str, mean: float, sd: float) -> Row:
    low, high = (derived("limit of a prior", value) for value in normal_range(mean, sd))
    ends = interval(low, high, 2)
    return {"parameter": parameter, "prior": f"normal({plain(mean)}, {plain(sd)})", "range": ends}


def _historical_row(data: CitedResults, part: HistoricalControls) -> Row:
    label = data.study.outcome(part.outcome).label
    how = "meta-analytic-predictive" if part.method == "map" else "power prior"
    return {
        "parameter": f"The same for {label}, from published arms",
        "prior": f"{how}, weight {plain(part.robust_weight)}",
        "range": MISSING,
    }


def historical_words(part: HistoricalControls) -> str:
    """Return how published control arms became a prior."""
    arms = f"{len(part.arms)} published control {'arm' if len(part.arms) == 1 else 'arms'} of {sum(arm.n for arm in part.arms)}"
    how = (
        f"meta-analytic-predictive, between-trial SD half-normal({plain(part.tau_scale)})"
        if part.method == "map"
        else f"power prior, discount {number(part.power, 2)}"
    )
    return f"{arms} participants, {how}; weight {plain(part.robust_weight)}, the rest on the vague prior"


def _notes(data: CitedResults, plan: BayesPlan, kinds: set[str]) -> Iterator[str]:
    yield "Normal(mean, SD). All priors are on the scale of baseline SDs."
    yield "P(benefit): probability of a benefit before the data are seen."
    if POOLED in kinds:
        yield "Hierarchical model: the prior of the effect is that of the pooled effect."
    if "bayes_bounded" in kinds:
        yield (
            "Bounded score: baseline SDs become log odds by the slope of the scale at the mean of baseline; what only this model "
            "has keeps the priors of the software."
        )
    for part in plan.historical:
        sources = "; ".join(
            f"{arm.source} (n = {arm.n}, change {plain(arm.mean_change)}, SD {plain(arm.sd_change)})"
            for arm in part.arms
        )
        yield f"{data.study.outcome(part.outcome).label}: {historical_words(part)}. Sources: {sources}."
