"""Limitations that follow from the plan and the data, and the statements that the study file holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.family import outcome_named
from neurotrial.reports.markdown_text import Markdown, escape, labelled, listing, paragraphs
from neurotrial.reports.number_format import is_missing
from neurotrial.reports.prose.bayes import failed_posteriors_text
from neurotrial.reports.prose.counts import analysed_spans
from neurotrial.reports.scans import count_scans, read_scans
from neurotrial.reports.statement_names import STATEMENTS

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis

__all__ = ["limitations_text", "statements_text"]


def limitations_text(data: CitedResults) -> Markdown:
    """Return the limitations that plan and data make certain, one list item each; authors add their own.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        A list; nothing if none applies.
    """
    parts = (
        _mock,
        _simulated,
        _unequal,
        _subsets,
        _scans,
        _ratios,
        _within,
        _multiplicity,
        _subgroups,
        _failures,
        _lost_fits,
    )
    return Markdown("\n".join(f"- {item}" for part in parts for item in part(data)))


def _mock(data: CitedResults) -> Iterator[str]:
    if data.study.study.mock:
        yield "The arms are dummies, drawn anew: no number here says anything about a difference between the arms."


def _simulated(data: CitedResults) -> Iterator[str]:
    if data.study.study.simulated:
        yield "All data are simulated: no number here says anything about patients."


def _unequal(data: CitedResults) -> Iterator[str]:
    outcome = data.outcomes_of(data.primary)[0]
    counts = {arm.label: data.n_analysed(data.primary, outcome.name, arm.name) for arm in data.study.arms}
    if len(set(counts.values())) > 1:
        sizes = listing(f"{n} ({label})" for label, n in counts.items())
        words = (
            f"The arms are unequal: {sizes} in the primary analysis; the smallest arm limits the precision"
        )
        yield f"{escape(words)}, and model-based standard errors of ANCOVA can be biased either way [@bartlett2020]."


def _subsets(data: CitedResults) -> Iterator[str]:
    randomised = data.n_randomised()
    for span, labels in analysed_spans(data).items():
        if span != str(randomised):
            yield escape(
                f"{span} of {randomised} randomised participants have both visits and are in the population of: "
                f"{listing(labels)}. Randomisation does not protect the comparison of those who remain."
            )
    imputed = [label for labels in analysed_spans(data, imputed=True).values() for label in labels]
    if imputed:
        yield escape(f"Imputed values rest on assumptions that no data can test: {listing(imputed)}.")


def _scans(data: CitedResults) -> Iterator[str]:
    """Yield what missing, excluded, flagged and undecided scans, and lesions without a side, mean for the comparison."""
    scans = read_scans(data)
    counts = count_scans(scans)
    unusable = {scan.participant for scan in scans if scan.state in {"skipped", "failed"} or not scan.include}
    if unusable:
        yield (
            f"Participants who lack at least one usable scan: {derived('participants', len(unusable))} ({counts.expected - counts.made} scans not made, "
            f"{counts.failed} not measurable, {counts.excluded} excluded by decision). Imaging results are those of "
            "participants whose scans could be used, who may differ from the others in severity and in motion."
        )
    used = sum(bool(scan.flags) and scan.include for scan in scans)
    if used:
        yield f"Scans with a quality measure beyond its limit are in the analysis unless a decision excludes them: {used}."
    if counts.undecided:
        yield f"Scans that nobody has judged yet are in the analysis: {counts.undecided}."
    if unsided := _without_side(data):
        yield f"Participants without a single side of the lesion have no ipsilesional measures: {unsided}."


def _without_side(data: CitedResults) -> int:
    """Count participants who have no side in measures that others have on the side of the lesion."""
    features = data.results.tables["features"]
    measure = ["feature", "region"]
    sided = features.loc[features["side"].eq("ipsilesional"), measure].drop_duplicates()
    none = features.loc[features["side"].eq("none"), ["participant_id", *measure]]
    return int(none.merge(sided, on=measure)["participant_id"].nunique())


def _ratios(data: CitedResults) -> Iterator[str]:
    if any("improvement_ratio" in analysis.methods for analysis in data.study.analyses):
        yield (
            "The improvement ratio divides by baseline: it is undefined at 0, heavy-tailed near 0, and differs between arms "
            "whose baselines differ even where the treatment does nothing [@vickers2001]. A correlation of change with baseline "
            "can be extreme whatever the true relation, where follow-up varies less than baseline [@hope2019]."
        )


def _within(data: CitedResults) -> Iterator[str]:
    if any("within_arm" in analysis.methods for analysis in data.study.analyses):
        yield (
            "A change that is significant in one arm and not in the other is no evidence of a difference between the arms; "
            "larger arms reach significance more easily."
        )


def _multiplicity(data: CitedResults) -> Iterator[str]:
    loose = list(_unadjusted(data))
    if loose:
        yield escape(
            f"The p-values of {listing(analysis.label for analysis in loose)} are not adjusted for multiplicity."
        )


def _subgroups(data: CitedResults) -> Iterator[str]:
    if data.study.subgroups:
        yield (
            "Effects in subgroups rest on parts of the trial and are less precise than the effect in all; that no interaction was found "
            "does not show that the effect is the same for everybody."
        )


def _unadjusted(data: CitedResults) -> Iterator[Analysis]:
    adjusted = {name for family in data.study.families for name in family.analyses}
    for analysis in data.study.analyses:
        several = len(data.outcomes_of(analysis)) * len(data.comparisons) > 1
        loose = analysis.name not in adjusted and (several or analysis.role != "primary")
        if loose and _has_p_values(data, analysis):
            yield analysis


def _has_p_values(data: CitedResults, analysis: Analysis) -> bool:
    """Tell whether an analysis tests anything: one of posteriors alone does not, and adjusted means are no tests."""
    rows = data.rows("estimates", analysis=analysis.name)
    return any(row.values["term"] != "lsmean" and not is_missing(row.values["p_value"]) for row in rows)


def _failures(data: CitedResults) -> Iterator[str]:
    failed = data.rows("estimates", status="failed")
    if failed:
        pairs = dict.fromkeys((row.values["analysis"], row.values["outcome"]) for row in failed)
        labels = listing(outcome_named(data.study, outcome).label for _, outcome in pairs)
        yield escape(f"{len(failed)} planned estimates could not be made; they concern {labels}.")


def _lost_fits(data: CitedResults) -> Iterator[str]:
    if words := failed_posteriors_text(data).text:
        yield f"{words} What their sampler reached is in the supplement."


def statements_text(data: CitedResults) -> Markdown:
    """Return registration, ethics, data, funding and conflicts from the study file, marked where it is silent.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One paragraph each.
    """
    info = data.study.study
    silent = "*[Authors: not stated in study.yaml.]*"
    texts = {name: getattr(info, name) for name in STATEMENTS}
    return paragraphs(
        *(
            labelled(
                f"sec-{name.replace('_', '-')}",
                f"**{STATEMENTS[name]}.** {escape(text) if text else silent}",
            )
            for name, text in texts.items()
        )
    )
