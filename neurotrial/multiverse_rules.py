"""What a declared multiverse must have to do with the rest of the study file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.formulas import formula_faults
from neurotrial.multiverse_plan import MODELS, Exclusion
from neurotrial.specifications import why_left_out

if TYPE_CHECKING:
    from neurotrial.multiverse_plan import Decision, MultiversePlan
    from neurotrial.study import Study

__all__ = ["COVARIANCES", "MISSING_RULES", "TRANSFORMATIONS", "multiverse_faults"]

TRANSFORMATIONS = ("identity", "log", "square_root", "logit")
MISSING_RULES = ("complete", "mar", "j2r", "cr", "cir", "lmcf", "weights")
COVARIANCES = ("us", "cs", "csh", "ar1", "ar1h", "toep", "toeph")

RESERVED = (
    "specification", "outcome_name", "method", "estimate", "std_error", "df", "conf_low", "conf_high", "p_value", "conf_level",
    "estimate_sd", "conf_low_sd", "conf_high_sd", "unit", "n_participants", "n_per_arm", "joint", "reference", "status", "reason",
)  # fmt: skip
"""Columns of the table of specifications, which no decision may have the name of."""

_Key = tuple[str | int, ...]
_Fault = tuple[_Key, str, str]


def multiverse_faults(study: Study) -> Iterator[_Fault]:
    """Yield key path, rule and remedy of everything that is wrong with the multiverse of a study."""
    plan = study.multiverse
    if plan is None:
        return
    faults = [*_base(study, plan), *_decisions(study, plan), *_choices(plan)]
    yield from faults
    if not faults:
        yield from _combinations(study, plan)


def _named(key: _Key, name: object, kind: str, known: Iterable[str]) -> Iterator[_Fault]:
    known = list(known)
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        yield (
            key,
            f"{name!r} is no {kind}",
            f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}",
        )


def _base(study: Study, plan: MultiversePlan) -> Iterator[_Fault]:
    yield from _named(
        ("multiverse", "analysis"), plan.analysis, "declared analysis", [a.name for a in study.analyses]
    )
    if plan.outcome is not None:
        yield from _named(
            ("multiverse", "outcome"), plan.outcome, "declared outcome", [o.name for o in study.outcomes]
        )
    if len(study.arms) != 2:  # noqa: PLR2004
        yield ("multiverse",), f"compares two arms, and {len(study.arms)} are declared", "leave it out"


def _decisions(study: Study, plan: MultiversePlan) -> Iterator[_Fault]:
    names = [decision.name for decision in plan.decisions]
    kinds = [decision.kind for decision in plan.decisions]
    for index, decision in enumerate(plan.decisions):
        key: _Key = ("multiverse", "decisions", index)
        if decision.name in names[:index]:
            yield (*key, "name"), f"{decision.name!r} is declared twice", "give each decision its own name"
        if decision.name in RESERVED:
            rule = f"{decision.name!r} is a column of the table of specifications"
            yield (*key, "name"), rule, "give the decision another name"
        if decision.kind != "source" and decision.kind in kinds[:index]:
            yield (
                (*key, "kind"),
                f"there are two decisions of kind {decision.kind}",
                "put their options together",
            )
        for name, option in decision.options.items():
            yield from _option(study, decision, (*key, "options", name), option)


def _option(study: Study, decision: Decision, key: _Key, option: Any) -> Iterator[_Fault]:
    known: dict[str, tuple[str, Iterable[str]]] = {
        "outcome": ("declared outcome", [outcome.name for outcome in study.outcomes]),
        "population": ("declared population", [population.name for population in study.populations]),
        "model": ("model of specifications", MODELS),
        "covariance": ("covariance structure", COVARIANCES),
        "missing": ("rule for missing outcomes", MISSING_RULES),
        "transformation": ("transformation", TRANSFORMATIONS),
        "prior": ("set of priors", PRIOR_SETS),
    }
    if decision.kind in known:
        yield from _named(key, option, *known[decision.kind])
        return
    checks: dict[str, Callable[[_Key, Any], Iterator[_Fault]]] = {
        "source": _source,
        "covariates": _covariates,
        "exclusion": _exclusion,
    }
    yield from checks[decision.kind](key, option)


def _source(key: _Key, option: Any) -> Iterator[_Fault]:
    if not (isinstance(option, dict) and option and all(isinstance(name, str) for name in option)):
        yield (
            key,
            "must name columns of the outcome's source and their values",
            "write e.g. {statistic: median}",
        )
        return
    for name, value in option.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            yield (*key, name), f"{value!r} is neither words nor a number", "give the value of the column"


def _covariates(key: _Key, option: Any) -> Iterator[_Fault]:
    if not (isinstance(option, list) and all(isinstance(term, str) for term in option)):
        yield key, "must be a list of terms", "write e.g. [age, nihss], or [] for none"
        return
    for term in option:
        for fault in formula_faults(term):
            yield (
                key,
                f"covariate {term!r} {fault}",
                "name a column, or write a term such as log(lesion_volume_ml)",
            )


def _exclusion(key: _Key, option: Any) -> Iterator[_Fault]:
    if option is None:
        return
    remedy = "write {measure: fd_mean, above: 0.5}, {flag: COLUMN}, or null for nobody"
    try:
        rule = Exclusion.model_validate(option)
    except ValidationError as error:
        first = error.errors()[0]
        yield (*key, *first["loc"]), str(first["msg"]).lower(), remedy
        return
    limits = (rule.above is not None) + (rule.below is not None)
    if (rule.measure is None) == (rule.flag is None) or limits != (rule.measure is not None):
        yield key, "names neither one measure with one limit nor one flag", remedy


def _choices(plan: MultiversePlan) -> Iterator[_Fault]:
    named: list[tuple[_Key, dict[str, Any]]] = [(("multiverse", "reference"), dict(plan.reference))]
    named += [
        (("multiverse", "constraints", index, "forbid"), dict(one.forbid))
        for index, one in enumerate(plan.constraints)
    ]
    options = {decision.name: list(decision.options) for decision in plan.decisions}
    for key, chosen in named:
        for name, wanted in chosen.items():
            unknown = list(_named((*key, name), name, "declared decision", options))
            yield from unknown
            for option in [] if unknown else [wanted] if isinstance(wanted, str) else wanted:
                yield from _named((*key, name), option, f"option of the decision {name!r}", options[name])


def _combinations(study: Study, plan: MultiversePlan) -> Iterator[_Fault]:
    if plan.too_many:
        rule = f"{plan.n_combinations:,} combinations are too many"
        yield ("multiverse", "decisions"), rule, "leave out options, or decisions that nobody would dispute"
        return
    analysis = next(one for one in study.analyses if one.name == plan.analysis)
    if analysis.main_method not in MODELS and not any(one.kind == "model" for one in plan.decisions):
        rule = (
            f"{analysis.main_method!r}, the main method of {plan.analysis!r}, is no model of specifications"
        )
        yield ("multiverse", "analysis"), rule, f"add a decision of kind model: {', '.join(MODELS)}"
        return
    reason = why_left_out(plan, analysis, plan.reference_options)
    if reason:
        rule = f"the reference specification is not admissible ({reason})"
        yield ("multiverse", "reference"), rule, "correct the constraint, or name another reference"
    priors = any(decision.kind == "prior" for decision in plan.decisions)
    sampled = any("bayes_ancova" in decision.options.values() for decision in plan.decisions)
    if (priors or sampled) and study.bayes is None:
        yield ("multiverse",), "bayes_ancova needs priors, and none are declared", "declare `bayes`"
