"""The methods section, made from the study file: what was planned is what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import procedure_name
from neurotrial.reports.effects import method_label
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.number_format import number, plain
from neurotrial.study import METHODS

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis, Outcome, Study, Visit

__all__ = [
    "analysis_text",
    "design_text",
    "estimator_text",
    "multiplicity_text",
    "outcomes_text",
    "software_text",
    "visits_text",
]

_SCHEMES = {
    "permuted_blocks": "by permuted blocks",
    "complete": "by complete randomisation",
    "simple": "by simple randomisation",
    "unknown": "by a scheme that the study file does not state",
}
_OUTSIDE = {"keep": "kept", "exclude": "excluded"}
_REPEATED = {
    "refuse": "Repeated visits were not allowed.",
    "closest": "Of repeated visits the one closest to the target day was used.",
    "first": "Of repeated visits the first was used.",
    "last": "Of repeated visits the last was used.",
}
_ESTIMATORS = {
    "ancova_ols": "ANCOVA regresses the value at follow-up on arm and baseline, with model-based standard errors.",
    "ancova_hc3": "ANCOVA with HC3 standard errors [@mackinnon1985] does not rest on equal variances; with unequal allocation "
    "model-based standard errors can be biased either way [@bartlett2020].",
    "change_welch": "The change from baseline is compared between arms by Welch's t-test.",
    "mmrm_group_time": "Group × time is the difference between the arms in the change from baseline, from a mixed model for "
    "repeated measures: all values of all participants, unstructured covariance of the visits, restricted maximum likelihood; an "
    "exact t-test where the data allow one, else standard errors and degrees of freedom after Kenward and Roger [@kenward1997].",
    "clda": "A mixed model for repeated measures with one baseline mean for all arms (constrained longitudinal data analysis "
    "[@liang2000]) compares the arms at follow-up, with the same inference.",
    "follow_up_welch": "The value at follow-up alone is compared between arms by Welch's t-test.",
    "ratio_baseline_welch": "The improvement ratio is the change divided by the baseline value, compared by Welch's t-test; "
    "it is undefined for a baseline of 0 and depends on baseline [@vickers2001].",
    "ratio_baseline_mann_whitney": "The improvement ratio is also compared by the Mann–Whitney test.",
    "ratio_baseline_permutation": "The improvement ratio is also compared by a permutation test [@phipson2010].",
    "ratio_potential_welch": "The share of recovery potential is the change divided by the distance from baseline to the upper "
    "end of the scale, compared by Welch's t-test.",
    "ratio_potential_mann_whitney": "The share of recovery potential is also compared by the Mann–Whitney test.",
    "ratio_potential_permutation": "The share of recovery potential is also compared by a permutation test [@phipson2010].",
    "paired_t": "Changes within an arm (paired t-test) describe its course and are always shown beside the contrast between arms.",
}
_PROCEDURES = {"holm": " [@holm1979]"}


def design_text(data: CitedResults) -> Markdown:
    """Return design, setting, eligibility, interventions and allocation, as far as the study file states them."""
    info = data.study.study
    named = {
        "Design": info.design,
        "Setting": info.setting,
        "Eligibility": info.eligibility,
        "Intervention": info.intervention,
        "Comparator": info.comparator,
    }
    stated = [f"**{head}.** {escape(text)}" for head, text in named.items() if text]
    return paragraphs(*stated, f"**Allocation.** {escape(_allocation(data.study))}")


def _allocation(study: Study) -> str:
    allocation = study.allocation
    arms = [arm for arm in study.arms if arm.name in allocation.ratio]
    ratio = ":".join(str(allocation.ratio[arm.name]) for arm in arms)
    blocks = f" of {listing(map(str, allocation.block_sizes), 'or')}" if allocation.block_sizes else ""
    strata = (
        f", stratified by {listing(name.replace('_', ' ') for name in allocation.strata)}"
        if allocation.strata
        else ""
    )
    planned = f" The planned size was {allocation.planned} participants." if allocation.planned else ""
    return (
        f"Participants were allocated to {listing(arm.label for arm in arms)} in the ratio {ratio} "
        f"{_SCHEMES[allocation.scheme]}{blocks}{strata}.{planned}"
    )


def visits_text(data: CitedResults) -> Markdown:
    """Return the visits with their windows, and the rules for visits that miss them."""
    rules = data.study.visit_rules
    visits = listing(map(_visit, data.study.visits))
    windows = any(visit.window for visit in data.study.visits)
    outside = f" Values outside their window were {_OUTSIDE[rules.outside_window]}." if windows else ""
    return Markdown(
        escape(f"Visits, in days since randomisation: {visits}.{outside} {_REPEATED[rules.repeated]}")
    )


def _visit(visit: Visit) -> str:
    window = f", window {plain(visit.window[0])} to {plain(visit.window[1])}" if visit.window else ""
    return f"{visit.label} (day {plain(visit.day)}{window})"


def outcomes_text(data: CitedResults) -> Markdown:
    """Return the outcomes with unit, range, direction and the difference that matters, the primary ones first."""
    first = [outcome.name for outcome in data.outcomes_of(data.primary)]
    used = [outcome for analysis in data.study.analyses for outcome in data.outcomes_of(analysis)]
    ordered = {outcome.name: outcome for outcome in (*data.outcomes_of(data.primary), *used)}
    return Markdown(
        "\n".join(f"- {_outcome(outcome, primary=name in first)}" for name, outcome in ordered.items())
    )


def _outcome(outcome: Outcome, *, primary: bool) -> str:
    parts = [outcome.unit, outcome.direction.replace("_", " ")]
    parts += [f"range {plain(outcome.range[0])} to {plain(outcome.range[1])}"] if outcome.range else []
    if outcome.mcid:
        size = f"{number(outcome.mcid.value, outcome.digits)} {outcome.unit}"
        parts.append(f"minimal clinically important difference {size}, {outcome.mcid.source}")
    cited = " [@fuglmeyer1975]" if outcome.source.table == "motor" else ""
    return (
        f"{escape(outcome.label)}{cited}{' (primary)' if primary else ''}{escape(': ' + '; '.join(parts))}."
    )


def analysis_text(data: CitedResults) -> Markdown:
    """Return one paragraph for each analysis: role, estimand, population, outcomes, estimators and covariates."""
    return paragraphs(
        *(
            f"**{escape(analysis.label)}** {escape(_analysis(data, analysis))}"
            for analysis in data.study.analyses
        )
    )


def _analysis(data: CitedResults, analysis: Analysis) -> str:
    estimand, visit = data.estimand_visit(analysis)
    requested = (
        f" The estimator that was requested is: {method_label(analysis.requested_method)}."
        if analysis.requested_method
        else ""
    )
    covariates = (
        f" Covariates beside baseline: {listing(analysis.covariates)}." if analysis.covariates else ""
    )
    outcomes = listing(outcome.label for outcome in data.outcomes_of(analysis))
    return (
        f"({analysis.role}). Estimand: {estimand.label}; population: {data.study.population_of(analysis).label}; {outcomes} at "
        f"{visit}. Main estimator: {method_label(analysis.main_method)}.{requested}{covariates}"
    )


def estimator_text(data: CitedResults) -> Markdown:
    """Return what each estimator that the plan uses does, with its reference."""
    study = data.study
    used = dict.fromkeys(
        row for analysis in study.analyses for name in analysis.methods for row in METHODS[name]
    )
    sentences = [_ESTIMATORS[row] for row in used if row in _ESTIMATORS]
    level = escape(f"Intervals have a level of {100 * study.conf_level:.4g} %.")
    permuted = any(row.endswith("permutation") for row in used)
    resamples = (
        f" Permutation tests draw {study.n_resamples} relabellings unless all can be enumerated."
        if permuted
        else ""
    )
    return Markdown(" ".join([*sentences, level]) + resamples)


def multiplicity_text(data: CitedResults) -> Markdown:
    """Return the families of p-values that are adjusted together, and that all others are not."""
    study = data.study
    labels = {analysis.name: analysis.label for analysis in study.analyses}
    sentences = []
    for family in study.families:
        members = listing(labels[name] for name in family.analyses)
        procedure = escape(procedure_name(family.procedure)) + _PROCEDURES.get(family.procedure, "")
        words = f"{escape(f'{family.label}: one p-value for each contrast and outcome of {members} ({method_label(family.method)}),')}"
        sentences.append(f"{words} adjusted by {procedure}.")
    rest = "All other p-values are not adjusted." if sentences else "No p-value is adjusted for multiplicity."
    return Markdown(" ".join([*sentences, rest]))


def software_text(data: CitedResults) -> Markdown:
    """Return the software that made the numbers, with its versions from the record of the fit."""
    provenance = data.results.provenance
    python = [f"Python {provenance['python']}"] if "python" in provenance else []
    packages = [*python, *(f"{name} {version}" for name, version in provenance.get("versions", {}).items())]
    toolkit = f"neurotrial {provenance['neurotrial']}" if "neurotrial" in provenance else "neurotrial"
    words = f"Estimates were made with {toolkit}" + (f" ({listing(packages)})" if packages else "") + "."
    if extraction := provenance.get("extraction"):
        measured = [f"{name} {version}" for name, version in extraction["versions"].items()]
        words += f" Images were measured with neurotrial {extraction['neurotrial']} ({listing(measured)})."
    return Markdown(escape(words))
