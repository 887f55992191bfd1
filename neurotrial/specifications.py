"""The specifications of a multiverse: every admissible combination of the declared options, resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurotrial.multiverse_plan import Exclusion

if TYPE_CHECKING:
    from neurotrial.multiverse_plan import Decision, MultiversePlan
    from neurotrial.study import Analysis, Study

__all__ = ["LINEAR", "MIXED", "Specification", "SpecificationSet", "specifications_of", "why_left_out"]

MIXED = ("mmrm_group_time", "clda")
LINEAR = ("ancova_ols", "ancova_hc3", "change_welch", "change_pooled", "follow_up_welch", "mmrm_group_time")
"""Models that are linear and Gaussian where everybody has both visits: these are tested jointly."""
_ANCOVA = ("ancova_ols", "ancova_hc3")
_UNADJUSTED = ("change_welch", "change_pooled", "follow_up_welch")


@dataclass(frozen=True, slots=True)
class Specification:
    """One way to analyse the effect.

    Attributes
    ----------
    number : int
        Place among the admissible ones, from 0.
    options : mapping of str to str
        Option of each decision.
    reference : bool
        Whether it is the pre-specified one.
    outcome : str
        Outcome, a name of the study file.
    where : mapping
        The values of its source that decisions replace.
    transformation, population, model, covariance, missing : str
        See `neurotrial.multiverse_plan.Decision`.
    covariates : tuple of str
        Terms beside baseline.
    exclusion : Exclusion or None
        Who is left out.
    prior : str
        Set of priors; ``neutral`` where no decision names one.
    """

    number: int
    options: Mapping[str, str]
    reference: bool
    outcome: str
    where: Mapping[str, Any]
    transformation: str
    population: str
    model: str
    covariance: str
    covariates: tuple[str, ...]
    exclusion: Exclusion | None
    missing: str
    prior: str

    @property
    def variant(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        """Outcome and replaced values: what the numbers are made from."""
        return self.outcome, tuple(sorted(self.where.items()))

    @property
    def method(self) -> str:
        """Slug of the estimator, as in the table `estimates`."""
        if self.missing == "weights":
            return "ipw_stacked"
        if self.missing != "complete":
            return f"impute_{self.missing}_cm"
        return f"{self.model}_{self.prior}" if self.model == "bayes_ancova" else self.model


@dataclass(frozen=True, slots=True)
class SpecificationSet:
    """The admissible specifications, and how many combinations each reason left out.

    Attributes
    ----------
    admitted : tuple of Specification
        The reference is one of them.
    left_out : mapping of str to int
        Combinations by reason.
    """

    admitted: tuple[Specification, ...]
    left_out: Mapping[str, int]


def specifications_of(study: Study) -> SpecificationSet:
    """Return the specifications of a study whose file declares a multiverse."""
    plan = study.multiverse
    if plan is None:
        return SpecificationSet((), {})
    analysis = next(one for one in study.analyses if one.name == plan.analysis)
    reference, left_out = plan.reference_options, dict[str, int]()
    admitted: list[Specification] = []
    for options in plan.combinations():
        reason = why_left_out(plan, analysis, options)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            made = _resolved(study, plan, analysis, options, len(admitted), reference=options == reference)
            admitted.append(made)
    return SpecificationSet(tuple(admitted), left_out)


def why_left_out(plan: MultiversePlan, analysis: Analysis, options: Mapping[str, str]) -> str:
    """Say why a combination is no specification: a declared constraint, or a decision that its model does not know.

    Of combinations that differ only in a decision without a meaning for their model, the first stays.

    Returns
    -------
    str
        Empty where it is admissible.
    """
    for constraint in plan.constraints:
        if constraint.fits(options):
            return constraint.reason
    values = _values(plan, options)
    model = values.get("model", analysis.main_method)
    chosen: dict[str, Decision] = {decision.kind: decision for decision in plan.decisions}
    rules: tuple[tuple[str, bool, str, Callable[[Any], bool]], ...] = (
        ("covariance", model not in MIXED, f"{model} has no covariance structure", lambda _: False),
        ("prior", model != "bayes_ancova", f"{model} has no priors", lambda _: False),
        ("covariates", model in _UNADJUSTED, f"{model} takes no covariates", lambda terms: terms == []),
    )
    for kind, meaningless, reason, preferred in rules:
        decision = chosen.get(kind)
        if (
            decision is not None
            and meaningless
            and options[decision.name] != _kept(decision.options, preferred)
        ):
            return reason
    return _imputed_twice(plan, values, model)


def _kept(options: Mapping[str, Any], preferred: Callable[[Any], bool]) -> str:
    return next((name for name, value in options.items() if preferred(value)), next(iter(options)))


def _imputed_twice(plan: MultiversePlan, values: Mapping[str, Any], model: str) -> str:
    if values.get("missing", "complete") == "complete":
        return ""
    if model not in _ANCOVA:
        return f"rules for missing outcomes go with ANCOVA, not with {model}"
    offered = [option for one in plan.decisions if one.kind == "model" for option in one.options.values()]
    first = next((name for name in offered if name in _ANCOVA), model)
    return (
        ""
        if model == first
        else "imputation and weighting have a variance of their own: one ANCOVA is enough"
    )


def _values(plan: MultiversePlan, options: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of each kind of decision but ``source``."""
    return {
        decision.kind: decision.options[options[decision.name]]
        for decision in plan.decisions
        if decision.kind != "source"
    }


def _resolved(
    study: Study,
    plan: MultiversePlan,
    analysis: Analysis,
    options: Mapping[str, str],
    number: int,
    *,
    reference: bool,
) -> Specification:
    values = _values(plan, options)
    where: dict[str, Any] = {}
    for decision in plan.decisions:
        if decision.kind == "source":
            where |= decision.options[options[decision.name]]
    model = values.get("model", analysis.main_method)
    covariates = () if model in _UNADJUSTED else tuple(values.get("covariates", analysis.covariates))
    exclusion = values.get("exclusion")
    return Specification(
        number=number,
        options=dict(options),
        reference=reference,
        outcome=values.get("outcome", plan.outcome or study.estimand_of(analysis).outcomes[0]),
        where=where,
        transformation=values.get("transformation", "identity"),
        population=values.get("population", study.population_of(analysis).name),
        model=model,
        covariance=values.get("covariance", "us"),
        covariates=covariates,
        exclusion=None if exclusion is None else Exclusion.model_validate(exclusion),
        missing=values.get("missing", "complete"),
        prior=values.get("prior", "neutral"),
    )
