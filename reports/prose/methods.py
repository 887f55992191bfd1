"""The methods section, made from the study file: what was planned is what is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import procedure_name
from neurotrial.reports.effects import method_label
from neurotrial.reports.markdown_text import Markdown, escape, labelled, listing, paragraphs
from neurotrial.reports.number_format import number, plain
from neurotrial.study import METHODS

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis, Outcome, Study, Visit

__all__ = [
    "analysis_text",
    "design_text",
    "estimator_text",
    "harmonisation_text",
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
    "rerandomisation": "Re-randomisation draws the arms of all who were randomised again, as the allocation allows, and refits the "
    "comparison adjusted for baseline among those observed; the statistic is studentised (HC2), the p-value that of Phipson and Smyth "
    "[@phipson2010], the interval holds the shifts that the test does not reject.",
    "freedman_lane": "Freedman and Lane's test permutes the residuals of the model without the arm; it is approximate.",
    "mm_regression": "MM regression [@yohai1987] adjusts for baseline and bounds the influence of outlying values.",
    "m_regression": "Huber's M regression bounds the influence of outlying outcomes.",
    "median_regression": "Median regression compares medians, adjusted for baseline.",
    "mann_whitney": "The change is compared by the exact Mann–Whitney test, with the Hodges–Lehmann shift and its interval.",
    "brunner_munzel": "Brunner and Munzel's test asks how often a treated patient changes more than a patient of the reference arm, without "
    "equal spreads.",
    "proportional_odds": "A cumulative logit model takes every score as an ordered category; its odds ratio is also shown as a difference of mean "
    "expected scores in points.",
    "fractional_logit": "Fractional logit models the mean share of the scale by a logistic curve, with HC2 standard errors.",
    "beta_binomial": "A beta-binomial model takes the score as points out of the maximum.",
    "censored_gaussian": "A Gaussian model takes scores at the ends of the scale as censored.",
    "responders_difference": "Responders improved by the minimal clinically important difference or more; proportions are compared by Newcombe's "
    "interval and Boschloo's exact test, and shown as ratio and number needed to treat.",
    "responders_imputed_difference": "Responders are also counted in multiply imputed data and pooled by Rubin's rules.",
    "hedges_g": "Differences without a unit are Hedges' g of the change, the difference of changes in baseline SDs (Morris), and Cliff's delta.",
    "impute_mar_cm": "Missing outcomes are imputed by conditional means of a Gaussian model under missing at random, with the jackknife "
    "[@wolbers2022], and by draws from its posterior with Rubin's rules and Barnard and Rubin's degrees of freedom; the jackknife gives "
    "the variance under repeated sampling, Rubin's rules the information-anchored one.",
    "impute_j2r_cm": "Under jump to reference [@carpenter2013] outcomes after an event follow the reference arm.",
    "impute_cr_cm": "Under copy reference [@carpenter2013] patients with an event follow the reference arm throughout.",
    "impute_cir_cm": "Under copy increments in reference [@carpenter2013] changes after an event are those of the reference arm.",
    "impute_lmcf_cm": "Under last mean carried forward the mean stays where it was before an event.",
    "ipw_stacked": "Those observed are weighted by the inverse of their estimated probability of being observed; standard errors take the "
    "estimation of the weights into account, with a bootstrap beside them.",
    "paired_t": "Changes within an arm (paired t-test) describe its course and are always shown beside the contrast between arms.",
}
_PAPERS = {
    "numpy": "harris2020", "scipy": "virtanen2020", "pandas": "mckinney2010", "statsmodels": "seabold2010", "dipy": "garyfallidis2014",
    "nilearn": "abraham2014", "pymc": "abrilpla2023", "arviz": "kumar2019", "arviz-stats": "kumar2019",
}  # fmt: skip
_PROCEDURES = {"holm": " [@holm1979]", "maxt": " [@westfall1993]"}


def design_text(data: CitedResults) -> Markdown:
    """Return design, setting, eligibility, interventions and allocation, as far as the study file states them."""
    info = data.study.study
    named = {
        "Design": ("sec-trial-design", info.design),
        "Setting": ("sec-setting", info.setting),
        "Eligibility": ("sec-eligibility", info.eligibility),
        "Intervention": ("sec-intervention", info.intervention),
        "Comparator": ("sec-comparator", info.comparator),
    }
    stated = [labelled(label, f"**{head}.** {escape(text)}") for head, (label, text) in named.items() if text]
    return paragraphs(*stated, labelled("sec-allocation", f"**Allocation.** {_allocation(data.study)}"))


def _allocation(study: Study) -> str:
    """Return the allocation as Markdown; scheme and planned size, where they are stated, have labels of their own."""
    allocation = study.allocation
    arms = [arm for arm in study.arms if arm.name in allocation.ratio]
    ratio = ":".join(str(allocation.ratio[arm.name]) for arm in arms)
    blocks = f" of {listing(map(str, allocation.block_sizes), 'or')}" if allocation.block_sizes else ""
    strata = (
        f", stratified by {listing(name.replace('_', ' ') for name in allocation.strata)}"
        if allocation.strata
        else ""
    )
    scheme = escape(f"{_SCHEMES[allocation.scheme]}{blocks}{strata}")
    known = f"[{scheme}]{{#sec-randomisation}}" if allocation.scheme != "unknown" else scheme
    planned = (
        f" [The planned size was {allocation.planned} participants.]{{#sec-planned-size}}"
        if allocation.planned
        else ""
    )
    words = f"Participants were allocated to {listing(arm.label for arm in arms)} in the ratio {ratio}"
    return f"{escape(words)} {known}.{planned}"


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
    permuted = any(row.endswith(("permutation", "randomisation")) for row in used)
    resamples = (
        f" Permutation tests draw {study.n_resamples} relabellings unless all can be enumerated."
        if permuted
        else ""
    )
    return Markdown(" ".join([*sentences, level]) + resamples)


def harmonisation_text(data: CitedResults) -> Markdown | None:
    """Return how outcomes were harmonised between sites or scanners; None where they were not."""
    plan = data.study.harmonisation
    if plan is None:
        return None
    labels = {outcome.name: outcome.label for outcome in data.study.outcomes}
    named = escape(listing(labels[name] for name in plan.outcomes))
    kept = escape(listing(["arm by visit", *plan.covariates]))
    words = (
        f"Before any analysis, {named} were harmonised between levels of {escape(plan.batch)} by ComBat [@johnson2007] with a random "
        f"intercept of each participant [@beer2020]; the effects of {kept} were preserved."
    )
    return Markdown(f"**Harmonisation.** {words}")


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
    packages = [*map(escape, python), *_packages(provenance.get("versions", {}))]
    toolkit = f"neurotrial {provenance['neurotrial']}" if "neurotrial" in provenance else "neurotrial"
    words = (
        escape(f"Estimates were made with {toolkit}") + (f" ({listing(packages)})" if packages else "") + "."
    )
    if extraction := provenance.get("extraction"):
        measured = listing(_packages(extraction["versions"]))
        words += (
            f" Images were measured with {escape('neurotrial ' + extraction['neurotrial'])} ({measured})."
        )
    return Markdown(words)


def _packages(versions: Mapping[str, str]) -> Iterator[str]:
    """Yield packages with version, and with the paper by which their authors want to be cited."""
    for name, version in versions.items():
        cited = f" [@{_PAPERS[name]}]" if name in _PAPERS else ""
        yield f"{escape(f'{name} {version}')}{cited}"
