"""What the parts of a study file must have to do with each other."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from neurotrial.bayes_plan import BAYES_METHODS, FAMILY
from neurotrial.formulas import formula_faults, formula_names
from neurotrial.method_names import BEYOND, METHODS, NEEDS_MCID, NEEDS_RANGE, scale_of
from neurotrial.multiverse_rules import multiverse_faults

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, EffectPriors, HistoricalControls
    from neurotrial.study import Analysis, Family, Outcome, Study
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = ["rule_problems"]

_ROUNDING = 1e-9
_TWO = 2
_NO_MODERATORS = ("participant_id", "arm", "treatment_received", "days_randomisation_to_treatment")
"""Columns that say nothing about participants, or what happened to them after randomisation."""
_OF_NUMBERS = ("per", "at", "spline_df")
_OF_LEVELS = ("cut", "fewest")
_UPPER_CHANCE = 0.025
_UPPER = NormalDist().inv_cdf(1 - _UPPER_CHANCE)

Fault = tuple[tuple[str | int, ...], str, str]
"""Key path, rule that is broken, remedy."""


def rule_problems(study: Study) -> list[Fault]:
    """Return every broken rule between the parts of a study file.

    Parameters
    ----------
    study : Study
        A plan whose single values have been validated.

    Returns
    -------
    list of tuple
        Key path, rule and remedy of each fault; empty for a consistent plan.
    """
    checks = (
        _names_once,
        _marked_once,
        _allocation,
        _visits,
        _outcomes,
        _estimands,
        _analyses,
        _families,
        _associations,
        _subgroups,
        _power,
        _imaging,
        _harmonisation,
        _bayes,
        multiverse_faults,
    )
    return [fault for check in checks for fault in check(study)]


def _names(parts: Sequence[Any]) -> list[str]:
    return [part.name for part in parts]


def _unknown(key: tuple[str | int, ...], name: str, kind: str, known: Iterable[str]) -> Iterator[Fault]:
    known = list(known)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"declare it, or use one of: {', '.join(known)}"
        yield key, f"{name!r} is not a declared {kind}", remedy


def _names_once(study: Study) -> Iterator[Fault]:
    for part in (
        "arms",
        "visits",
        "populations",
        "characteristics",
        "outcomes",
        "estimands",
        "analyses",
        "families",
        "associations",
        "subgroups",
        "power",
    ):
        names = _names(getattr(study, part))
        for index, name in enumerate(names):
            if part == "arms" and name == "all":
                yield (part, index, "name"), "'all' means every arm together in the results", "rename the arm"
            if name in names[:index]:
                yield (part, index, "name"), f"{name!r} is declared twice", "give each its own name"


def _marked_once(study: Study) -> Iterator[Fault]:
    for part, mark in (("arms", "reference"), ("visits", "baseline")):
        count = sum(getattr(item, mark) for item in getattr(study, part))
        if count != 1:
            yield (
                (part,),
                f"exactly one must have `{mark}: true`, {count} have",
                f"mark one with `{mark}: true`",
            )
    primary = sum(analysis.role == "primary" for analysis in study.analyses)
    if primary != 1:
        yield (
            ("analyses",),
            f"exactly one must have `role: primary`, {primary} have",
            "choose the one primary analysis",
        )


def _allocation(study: Study) -> Iterator[Fault]:
    allocation, arms = study.allocation, _names(study.arms)
    if set(allocation.ratio) != set(arms):
        yield (
            ("allocation", "ratio"),
            f"must name every arm once: {', '.join(arms)}",
            "give each arm its share, e.g. 2 and 1",
        )
    total = sum(allocation.ratio.values())
    for index, size in enumerate(allocation.block_sizes):
        if size % total:
            yield (
                ("allocation", "block_sizes", index),
                f"{size} is no multiple of the ratio's sum {total}",
                "correct the block size or the ratio",
            )
    if (allocation.scheme == "permuted_blocks") != bool(allocation.block_sizes):
        yield (
            ("allocation", "block_sizes"),
            "go with `scheme: permuted_blocks`, and only with it",
            "name the block sizes, or use `scheme: unknown`",
        )


def _ordered(key: tuple[str | int, ...], bounds: Sequence[float] | None) -> Iterator[Fault]:
    if bounds is not None and not bounds[0] < bounds[1]:
        yield key, f"{list(bounds)} must run from low to high", "exchange or correct the two numbers"


def _visits(study: Study) -> Iterator[Fault]:
    days = [visit.day for visit in study.visits]
    if any(later <= earlier for earlier, later in itertools.pairwise(days)):
        yield ("visits",), "must stand in the order of their days, each day once", "sort the visits by `day`"
    if not study.visits[0].baseline and any(visit.baseline for visit in study.visits):
        yield (
            ("visits",),
            "the baseline visit must be the first",
            "list the visit with `baseline: true` first",
        )
    for index, visit in enumerate(study.visits):
        key = ("visits", index, "window")
        yield from _ordered(key, visit.window)
        if visit.window and not visit.window[0] <= visit.day <= visit.window[1]:
            yield key, f"{visit.window} does not hold day {visit.day:g}", "correct the window or the day"


def _outcomes(study: Study) -> Iterator[Fault]:
    for index, outcome in enumerate(study.outcomes):
        key = ("outcomes", index)
        yield from _ordered((*key, "range"), outcome.range)
        if outcome.mcid and outcome.range and outcome.mcid.value > outcome.range[1] - outcome.range[0]:
            yield (*key, "mcid", "value"), "is larger than the whole range", "correct the MCID or the range"
        if outcome.source.table == "motor" and set(outcome.source.where) != {"scale"}:
            yield (
                (*key, "source", "where"),
                "must name `scale` and nothing else for the table motor",
                "e.g. where: {scale: fma_total}",
            )
        if outcome.source.table == "features" and "feature" not in outcome.source.where:
            yield (
                (*key, "source", "where"),
                "must name at least `feature` for the table features",
                "e.g. where: {feature: fa, region: cst}",
            )


def _estimands(study: Study) -> Iterator[Fault]:
    for index, estimand in enumerate(study.estimands):
        key = ("estimands", index)
        yield from _unknown(
            (*key, "population"), estimand.population, "population", _names(study.populations)
        )
        yield from _unknown((*key, "visit"), estimand.visit, "visit", _names(study.visits))
        for place, name in enumerate(estimand.outcomes):
            yield from _unknown((*key, "outcomes", place), name, "outcome", _names(study.outcomes))
        if any(visit.baseline and visit.name == estimand.visit for visit in study.visits):
            yield (*key, "visit"), "is the baseline visit", "name a visit after treatment"


def _analyses(study: Study) -> Iterator[Fault]:
    for index, analysis in enumerate(study.analyses):
        key = ("analyses", index)
        yield from _unknown((*key, "estimand"), analysis.estimand, "estimand", _names(study.estimands))
        if analysis.population:
            yield from _unknown(
                (*key, "population"), analysis.population, "population", _names(study.populations)
            )
        yield from _analysis_methods(study, analysis, key)
        for part in ("covariates", "selection_predictors"):
            for place, term in enumerate(getattr(analysis, part)):
                for fault in formula_faults(term):
                    yield (
                        (*key, part, place),
                        f"{term!r} {fault}",
                        "name columns of participants, e.g. age or log(lesion_volume_ml)",
                    )


def _analysis_methods(study: Study, analysis: Analysis, key: tuple[str | int, ...]) -> Iterator[Fault]:
    given = [row for method in analysis.methods for row in METHODS[method] if row != "paired_t"]
    yield from _unknown((*key, "main_method"), analysis.main_method, "estimate of these methods", given)
    if analysis.requested_method:
        yield from _unknown(
            (*key, "requested_method"), analysis.requested_method, "estimate of these methods", given
        )
    named = [
        name
        for estimand in study.estimands
        if estimand.name == analysis.estimand
        for name in estimand.outcomes
    ]
    for outcome in study.outcomes:
        if outcome.name in named:
            yield from _outcome_needs(outcome, analysis, key)
    beyond = [row for name in BEYOND for row in METHODS[name]]
    if "leave_one_out" in analysis.sensitivity and analysis.main_method in beyond:
        rule = f"leave_one_out repeats the main method, and {analysis.main_method!r} is more than one fit"
        yield (
            (*key, "sensitivity"),
            rule,
            "ask for it in an analysis with another main_method, e.g. ancova_hc3",
        )
    if "selection_weights" in analysis.methods and not analysis.selection_predictors:
        rule = "selection_weights needs to know what being observed may depend on"
        yield (*key, "selection_predictors"), rule, "name columns of participants, e.g. [age, nihss]"
    if analysis.imputation_events and not any(name.startswith("impute_") for name in analysis.methods):
        rule = "says from when an imputation's assumption holds, and no method imputes"
        yield (*key, "imputation_events"), rule, "add a method such as impute_j2r, or leave it out"


def _outcome_needs(outcome: Outcome, analysis: Analysis, key: tuple[str | int, ...]) -> Iterator[Fault]:
    for method in analysis.methods:
        if method in NEEDS_RANGE and outcome.range is None:
            rule = f"{method} needs the range of {outcome.name!r}"
            yield (*key, "methods"), rule, "declare `range` on the outcome"
        if method in NEEDS_MCID and outcome.mcid is None:
            rule = f"{method} needs the minimal clinically important difference of {outcome.name!r}"
            yield (*key, "methods"), rule, "declare `mcid` on the outcome, with its source"


def _families(study: Study) -> Iterator[Fault]:
    methods = {analysis.name: analysis.methods for analysis in study.analyses}
    for index, family in enumerate(study.families):
        key = ("families", index)
        for place, name in enumerate(family.analyses):
            yield from _unknown((*key, "analyses", place), name, "analysis", methods)
            given = [row for method in methods.get(name, []) for row in METHODS[method] if row != "paired_t"]
            if name in methods:
                yield from _unknown((*key, "method"), family.method, f"estimate of analysis {name!r}", given)
        if family.method in itertools.chain(*BAYES_METHODS.values()) or not scale_of(family.method).tested:
            rule = f"{family.method!r} has no p-value to adjust"
            yield (*key, "method"), rule, "name a frequentist estimate of these analyses"
        if family.procedure == "maxt" and family.method != "rerandomisation":
            rule = "goes with `method: rerandomisation`, whose distribution it uses"
            yield (*key, "procedure"), rule, "correct the method, or use holm"
        adjusted = {tuple(one.covariates) for one in study.analyses if one.name in family.analyses}
        if family.procedure == "maxt" and len(adjusted) > 1:
            rule = "takes maxima over analyses that adjust alike, and these have different covariates"
            yield (*key, "procedure"), rule, "give the analyses the same covariates, or use holm"
        yield from _graph(study, family, key)


def _graph(study: Study, family: Family, key: tuple[str | int, ...]) -> Iterator[Fault]:
    if (family.procedure == "graphical") != (family.graph is not None):
        rule = "goes with `procedure: graphical`, and only with it"
        yield (*key, "graph"), rule, "declare weights and transitions of the outcomes, or another procedure"
    if family.graph is None:
        return
    outcomes = [
        name
        for analysis in study.analyses
        if analysis.name in family.analyses
        for estimand in study.estimands
        if estimand.name == analysis.estimand
        for name in estimand.outcomes
    ]
    graph = family.graph
    if set(graph.weights) != set(outcomes):
        rule = f"must name each outcome of the family once: {', '.join(outcomes)}"
        yield (
            (*key, "graph", "weights"),
            rule,
            "give each its share of the level, 0 for those that begin without",
        )
    if sum(graph.weights.values()) > 1 + _ROUNDING:
        rule = f"sum to {sum(graph.weights.values()):g}, more than 1"
        yield (*key, "graph", "weights"), rule, "shares of the level sum to at most 1"
    for name, row in graph.transitions.items():
        for other in (name, *row):
            yield from _unknown(
                (*key, "graph", "transitions", name), other, "outcome of the family", outcomes
            )
        if name in row or sum(row.values()) > 1 + _ROUNDING:
            rule = "passes more than it has, or to itself"
            yield (*key, "graph", "transitions", name), rule, "shares that are passed on sum to at most 1"


def _associations(study: Study) -> Iterator[Fault]:
    for index, part in enumerate(study.associations):
        key = ("associations", index)
        for name in ("x", "y"):
            yield from _unknown((*key, name), getattr(part, name), "outcome", _names(study.outcomes))
        yield from _unknown((*key, "visit"), part.visit, "visit", _names(study.visits))
        yield from _unknown((*key, "population"), part.population, "population", _names(study.populations))
        if part.x == part.y:
            rule = "relates a change to itself"
            yield (
                (*key, "y"),
                rule,
                "name two outcomes; a change and its own baseline share a value (Hope 2019)",
            )
        if any(visit.baseline and visit.name == part.visit for visit in study.visits):
            yield (*key, "visit"), "is the baseline visit", "name a visit after treatment"
        for place, term in enumerate(part.covariates):
            for fault in formula_faults(term):
                yield (*key, "covariates", place), f"{term!r} {fault}", "name columns of participants"


def _subgroups(study: Study) -> Iterator[Fault]:
    for index, part in enumerate(study.subgroups):
        key = ("subgroups", index)
        yield from _unknown((*key, "outcome"), part.outcome, "outcome", _names(study.outcomes))
        yield from _unknown((*key, "visit"), part.visit, "visit", _names(study.visits))
        yield from _unknown((*key, "population"), part.population, "population", _names(study.populations))
        if any(visit.baseline and visit.name == part.visit for visit in study.visits):
            yield (*key, "visit"), "is the baseline visit", "name a visit after treatment"
        if part.by in _NO_MODERATORS and not (part.kind == "dose" and part.by == _NO_MODERATORS[-1]):
            rule = f"{part.by!r} is not known before randomisation, and subgroups by it are not comparable"
            yield (*key, "by"), rule, "name a column of participants that was known at baseline"
        for place, term in enumerate(part.covariates):
            for fault in formula_faults(term):
                yield (*key, "covariates", place), f"{term!r} {fault}", "name columns of participants"
            if part.by in formula_names(term):
                rule = f"{term!r} uses {part.by!r}, which the model has already"
                yield (*key, "covariates", place), rule, "leave it out of the covariates"
        yield from _moderator(part, key)


def _moderator(part: SubgroupPlan, key: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield choices that do not go with the kind of a moderator, or contradict each other."""
    given, wrong = part.model_fields_set, _OF_NUMBERS if part.kind == "categorical" else _OF_LEVELS
    for name in wrong:
        if name in given:
            kind = "continuous" if part.kind == "categorical" else "categorical"
            yield (*key, name), f"goes with `kind: {kind}`", "leave it out, or correct `kind`"
    if part.spline_df is not None and "per" in given:
        yield (*key, "per"), "is the step of a straight line", "leave out `per` or `spline_df`"
    if any(later <= earlier for earlier, later in itertools.pairwise(part.cut)):
        yield (*key, "cut"), f"{part.cut} do not ascend", "give points from low to high, each once"
    if len(set(part.at)) < len(part.at):
        yield (*key, "at"), f"{part.at} holds a value twice", "give each value once"


def _power(study: Study) -> Iterator[Fault]:
    arms = _names(study.arms)
    for index, plan in enumerate(study.power):
        key = ("power", index)
        yield from _unknown((*key, "outcome"), plan.outcome, "outcome", _names(study.outcomes))
        for name in plan.n_per_arm:
            yield from _unknown((*key, "n_per_arm"), name, "arm", arms)
        if (
            len(plan.n_per_arm) != _TWO
            or sum(arm.reference for arm in study.arms if arm.name in plan.n_per_arm) != 1
        ):
            rule = "power is simulated for two arms, one of them the reference"
            yield (*key, "n_per_arm"), rule, "name the reference arm and one other"


def _imaging(study: Study) -> Iterator[Fault]:
    plan = study.imaging
    if plan is None:
        return
    for session, visit in plan.sessions.items():
        yield from _unknown(("imaging", "sessions", session), visit, "visit", _names(study.visits))
    repeated = [visit for visit in plan.sessions.values() if list(plan.sessions.values()).count(visit) > 1]
    if repeated:
        rule = f"visit {repeated[0]!r} is given to several sessions"
        yield ("imaging", "sessions"), rule, "give each visit one session; runs within it are numbered"
    cleaning = plan.cleaning
    if not cleaning.high_pass < cleaning.low_pass:
        rule = f"{cleaning.high_pass:g} must be below low_pass, {cleaning.low_pass:g}"
        yield ("imaging", "cleaning", "high_pass"), rule, "exchange or correct the two frequencies"
    network = plan.network
    sweeps: dict[tuple[str, ...], list[Any]] = {
        ("cleaning", "sensitivity"): [cleaning.strategy, *cleaning.sensitivity],
        ("network", "sensitivity", "nodes"): [network.nodes, *network.sensitivity.nodes],
        ("network", "sensitivity", "kinds"): [network.kind, *network.sensitivity.kinds],
        ("network", "sensitivity", "lesion"): [network.lesion, *network.sensitivity.lesion],
        ("network", "sensitivity", "radii_mm"): network.sensitivity.radii_mm,
        ("network", "thresholds"): network.thresholds,
        ("network", "densities"): network.densities,
    }
    for key, values in sweeps.items():
        twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
        if twice is not None:
            yield (
                ("imaging", *key),
                f"{twice!r} is measured already",
                "name each once; the plan's own choice need not be repeated",
            )


def _harmonisation(study: Study) -> Iterator[Fault]:
    plan = study.harmonisation
    if plan is None:
        return
    key = ("harmonisation", "outcomes")
    for place, name in enumerate(plan.outcomes):
        yield from _unknown(key, name, "outcome", _names(study.outcomes))
        if name in plan.outcomes[:place]:
            yield key, f"{name!r} is named twice", "name it once"
    for outcome in study.outcomes:
        if outcome.name in plan.outcomes and outcome.source.table != "features":
            yield key, f"{outcome.name!r} is no imaging outcome", "name outcomes of the table features"


def _bayes(study: Study) -> Iterator[Fault]:
    sizes = {estimand.name: len(estimand.outcomes) for estimand in study.estimands}
    for index, analysis in enumerate(study.analyses):
        named = [method for method in analysis.methods if method in BAYES_METHODS]
        if named and study.bayes is None:
            rule = f"{named[0]} needs priors, and none are declared"
            yield (
                ("analyses", index, "methods"),
                rule,
                "declare the part `bayes`, as `neurotrial init` writes it",
            )
        if "bayes_outcomes" in named and sizes.get(analysis.estimand, _TWO) < _TWO:
            rule = "bayes_outcomes pools the effects on several outcomes, and the estimand has one"
            yield ("analyses", index, "methods"), rule, "use bayes_ancova"
    for index, part in enumerate(study.associations):
        if part.bayes and study.bayes is None:
            remedy = "declare the part `bayes`, as `neurotrial init` writes it"
            yield ("associations", index, "bayes"), "needs priors, and none are declared", remedy
    for index, outcome in enumerate(study.outcomes):
        if outcome.name == FAMILY:
            remedy = "give the outcome another name"
            yield ("outcomes", index, "name"), f"{FAMILY!r} is the name of pooled effects", remedy
    if study.bayes is not None:
        yield from _effect_priors(study.bayes.effect)
        yield from _rope(study.bayes)
        yield from _historical(study)


def _effect_priors(priors: EffectPriors) -> Iterator[Fault]:
    """Yield where a prior contradicts its name: effects are oriented, so that above 0 is a benefit."""
    key = ("bayes", "effect")
    if priors.sceptical.mean > 0:
        rule = f"{priors.sceptical.mean:g} favours the arm, which a sceptical prior does not"
        yield (*key, "sceptical", "mean"), rule, "use 0 or less"
    if priors.neutral.mean != 0:
        rule = f"{priors.neutral.mean:g} favours one side, which a neutral prior does not"
        yield (*key, "neutral", "mean"), rule, "use 0"
    if priors.enthusiastic.mean <= 0:
        rule = f"{priors.enthusiastic.mean:g} does not favour the arm, which an enthusiastic prior does"
        yield (*key, "enthusiastic", "mean"), rule, "use the effect that is hoped for, above 0"
    if priors.sceptical.sd >= priors.neutral.sd:
        rule = f"{priors.sceptical.sd:g} is no narrower than the neutral prior, {priors.neutral.sd:g}"
        yield (*key, "sceptical", "sd"), rule, "a sceptic doubts large effects: use a smaller SD"
    if priors.enthusiastic.sd >= priors.neutral.sd:
        rule = f"{priors.enthusiastic.sd:g} is no narrower than the neutral prior, {priors.neutral.sd:g}"
        yield (*key, "enthusiastic", "sd"), rule, "an enthusiast doubts harm: use a smaller SD"
    largest = priors.enthusiastic.mean + _UPPER * priors.enthusiastic.sd
    chance = 1 - NormalDist(priors.sceptical.mean, priors.sceptical.sd).cdf(largest)
    if priors.enthusiastic.mean > 0 and chance > _UPPER_CHANCE:
        rule = (
            f"{priors.sceptical.sd:g} gives an effect above {largest:.3g} a probability of {chance:.2g}, more than the "
            f"enthusiastic prior does, {_UPPER_CHANCE:g}"
        )
        yield (*key, "sceptical", "sd"), rule, "a sceptic doubts large effects: use a smaller SD"


def _rope(plan: BayesPlan) -> Iterator[Fault]:
    hoped = plan.effect.enthusiastic.mean
    if plan.rope >= hoped > 0:
        rule = (
            f"{plan.rope:g} calls the effect that the enthusiastic prior expects, {hoped:g}, as good as none"
        )
        yield ("bayes", "rope"), rule, "use the largest effect that would not matter, below the one hoped for"


def _historical(study: Study) -> Iterator[Fault]:
    if study.bayes is None:
        return
    outcomes = {outcome.name: outcome for outcome in study.outcomes}
    named = [part.outcome for part in study.bayes.historical]
    for index, part in enumerate(study.bayes.historical):
        key = ("bayes", "historical", index)
        yield from _unknown((*key, "outcome"), part.outcome, "outcome", outcomes)
        if part.outcome in named[:index]:
            rule = f"{part.outcome!r} has published arms already"
            yield (*key, "outcome"), rule, "list all arms of an outcome in one place"
        if (part.method == "power") != (part.power is not None):
            rule = "goes with `method: power`, and only with it"
            yield (*key, "power"), rule, "give the discount of the published arms, or use `method: map`"
        yield from _published_arms(part, outcomes.get(part.outcome), key)


def _published_arms(
    part: HistoricalControls, outcome: Outcome | None, key: tuple[str | int, ...]
) -> Iterator[Fault]:
    sources = [arm.source for arm in part.arms]
    bounds = outcome.range if outcome else None
    for index, arm in enumerate(part.arms):
        place = (*key, "arms", index)
        if arm.source in sources[:index]:
            rule = f"{arm.source!r} is given twice"
            yield (*place, "source"), rule, "count each published arm once; tell two arms of a trial apart"
        if bounds is None:
            continue
        width = bounds[1] - bounds[0]
        if abs(arm.mean_change) > width:
            rule = f"{arm.mean_change:g} is larger than the whole range of {part.outcome!r}, {width:g}"
            yield (*place, "mean_change"), rule, "give the change in the unit of the outcome"
        if arm.sd_change > width:
            rule = f"{arm.sd_change:g} is larger than the whole range of {part.outcome!r}, {width:g}"
            yield (*place, "sd_change"), rule, "give the SD, not the variance, in the unit of the outcome"
