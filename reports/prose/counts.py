"""Sentences of counts: who was randomised, treated, lost and analysed, what is missing, who had adverse events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.method_names import imputes
from neurotrial.reports.cited import ALL_ARMS
from neurotrial.reports.flow_check import SCANNED, SCANS_LOST
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import is_missing, number, whole

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis, Outcome

__all__ = ["analysed_span", "analysed_spans", "flow_text", "harms_text", "missing_text"]


def flow_text(data: CitedResults) -> Markdown:
    """Return the flow of participants in sentences, every number from the store.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
    """
    return Markdown(escape(" ".join(_flow_sentences(data))))


def _by_arm(data: CitedResults, stage: str) -> str:
    rows = {arm.label: data.row("flow", f"flow/{stage}/{arm.name}") for arm in data.study.arms}
    return listing(f"{whole(row['n'])} ({label})" for label, row in rows.items() if row is not None)


def _flow_sentences(data: CitedResults) -> Iterator[str]:
    planned = data.row("flow", f"flow/planned/{ALL_ARMS}")
    randomised = data.n_randomised()
    if planned is not None:
        yield f"The trial planned {whole(planned['n'])} participants and randomised {randomised}:"
    else:
        yield f"The trial randomised {randomised} participants:"
    yield f"{_by_arm(data, 'randomised')}."
    treated = data.row("flow", f"flow/treated/{ALL_ARMS}")
    if treated is not None:
        yield f"The allocated treatment was received by {whole(treated['n'])}: {_by_arm(data, 'treated')}."
    for row in data.rows("flow", arm=ALL_ARMS):
        if row.values["stage"].startswith("lost:"):
            yield f"{row['label']}: {whole(row['n'])} in all; {_by_arm(data, row.values['stage'])}."
    yield from _scanned(data)
    for span, labels in analysed_spans(data).items():
        yield f"{span} of {randomised} randomised participants have both visits and are analysed in: {listing(labels)}."
    for span, labels in analysed_spans(data, imputed=True).items():
        yield f"{span} of {randomised} randomised participants are analysed, missing values imputed, in: {listing(labels)}."


def _scanned(data: CitedResults) -> Iterator[str]:
    scanned = data.row("flow", f"flow/{SCANNED}/{ALL_ARMS}")
    if scanned is None:
        return
    yield f"Scans of every visit exist for {whole(scanned['n'])}: {_by_arm(data, SCANNED)}."
    lost = {"that a decision excludes": SCANS_LOST[0], "that could not be measured": SCANS_LOST[1]}
    words = [
        f"{whole(row['n'])} with a scan {what}: {_by_arm(data, stage)}"
        for what, stage in lost.items()
        for row in data.rows("flow", key=f"flow/{stage}/{ALL_ARMS}")
    ]
    if words:
        yield f"Of these, {'; '.join(words)}."


def analysed_spans(data: CitedResults, *, imputed: bool = False) -> dict[str, list[str]]:
    """Return how many participants are analysed, with the labels of the analyses that have so many.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    imputed : bool
        Whether the analyses are those whose main method imputes, or the others.

    Returns
    -------
    dict of str to list of str
        A count, or lowest and highest count where the outcomes of an analysis differ.
    """
    spans: dict[str, list[str]] = {}
    for analysis in data.study.analyses:
        if imputes(analysis.main_method) != imputed:
            continue
        spans.setdefault(analysed_span(data, analysis), []).append(analysis.label)
    return spans


def analysed_span(data: CitedResults, analysis: Analysis) -> str:
    """Return how many participants are in an analysis: lowest and highest count if its outcomes differ."""
    counts = [data.n_analysed(analysis, outcome.name) for outcome in data.outcomes_of(analysis)]
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high} (by outcome)"


def missing_text(data: CitedResults) -> Markdown:
    """Return how many values are missing by outcome, visit and arm.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One sentence for each pattern of missing values; outcomes that share it are named together.
    """
    patterns: dict[str, dict[str, None]] = {}
    for analysis in data.study.analyses:
        for outcome in data.outcomes_of(analysis):
            patterns.setdefault(_pattern(data, analysis, outcome), {})[outcome.label] = None
    sentences = [f"{listing(labels)}: {pattern}." for pattern, labels in patterns.items()]
    closing = "Participants without a value at one of the two visits are not in the estimates of that outcome; no value was imputed."
    return Markdown(escape(" ".join([*sentences, closing])))


def _pattern(data: CitedResults, analysis: Analysis, outcome: Outcome) -> str:
    visits = (data.study.baseline_visit.name, data.study.estimand_of(analysis).visit)
    parts = [part for visit in visits for part in _missing_at(data, analysis, outcome, visit)]
    population = data.study.population_of(analysis).label
    return f"no value missing ({population})" if not parts else f"missing {'; '.join(parts)} ({population})"


def _missing_at(data: CitedResults, analysis: Analysis, outcome: Outcome, visit: str) -> Iterator[str]:
    rows = [row for row in data.described("outcome", analysis, outcome.name, visit) if row is not None]
    counts = [0 if is_missing(row["n_missing"]) else int(row["n_missing"]) for row in rows]
    if any(counts):
        words = (
            f"{n} of {n + int(row['n'])} ({data.arm_label(row.values['arm'])})"
            for n, row in zip(counts, rows, strict=True)
        )
        yield f"at {data.visit_label(visit)} for {listing(words)}"


def harms_text(data: CitedResults) -> Markdown:
    """Return how many participants had adverse events, serious and related ones, by arm as treated.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One paragraph; nothing if the study recorded no harms.
    """
    rows = data.rows("harms_summary", term="any")
    sentences = [
        f"{data.arm_label(row.values['arm'])}: {whole(row['n_participants'])} of {whole(row['n_at_risk'])} participants had an "
        f"adverse event ({whole(row['n_events'])} events, {whole(row['n_serious'])} serious, {whole(row['n_related'])} judged "
        "related to treatment)."
        for row in rows
    ]
    differences = list(_risk_differences(data))
    cited = " Intervals are exact [@chan1999]." if differences else ""
    return Markdown(escape(" ".join([*sentences, *differences])) + cited)


def _risk_differences(data: CitedResults) -> Iterator[str]:
    """Yield the difference of the risks of any and of any serious event, for each arm that is compared."""
    level = f"{100 * data.study.conf_level:.4g} %"
    for term, what in (("any", "any adverse event"), ("any serious", "any serious event")):
        for arm in data.comparisons:
            row = data.row("harms_summary", f"harms/{term}/{arm}")
            if row is None or is_missing(row.values.get("risk_difference")):
                continue
            estimate, low, high = (
                number(100 * float(row[name]), 0) for name in ("risk_difference", "conf_low", "conf_high")
            )
            comparison = f"{data.arm_label(arm)} minus {data.study.reference_arm.label}"
            yield (
                f"The risk difference of {what}, {comparison}, was {estimate} percentage points ({level} CI {low} to {high})."
            )
