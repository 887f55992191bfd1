"""Sentences of images: how many scans there are, what became of them, and group × time of the imaging outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.effect_cells import adjusted_p, procedure_name
from neurotrial.reports.effects import GROUP_TIME, capitalised
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import p_value
from neurotrial.reports.scans import UNMEASURED, count_scans, modality_label, read_scans

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.reports.scans import Scan
    from neurotrial.study import Analysis

__all__ = ["group_time_text", "scan_counts_text", "scan_names", "unmeasured_text"]


def group_time_text(data: CitedResults, analysis: Analysis) -> Markdown:
    """Return group × time of each outcome with its interval, if the analysis has it beside its main estimator.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        An analysis of the study file.

    Returns
    -------
    Markdown
        One paragraph; nothing without group × time.
    """
    if analysis.main_method == GROUP_TIME:
        return Markdown("")
    effects = [
        effect
        for outcome in data.outcomes_of(analysis)
        for effect in data.effects(analysis.name, outcome.name, GROUP_TIME)
    ]
    if not effects:
        return Markdown("")
    words = "; ".join(_with_adjusted(data, effect) for effect in effects)
    families = _families(data, effects)
    closing = f" Adjusted over: {families}." if families else ""
    text = f"Group × time, the difference between the arms in the change from baseline: {words}.{closing}"
    return Markdown(escape(text))


def _with_adjusted(data: CitedResults, effect: Effect) -> str:
    """Return an effect with its outcome, and what multiplicity leaves of its p-value."""
    adjusted = "".join(f", {p_value(row['p_adjusted'], 'adjusted p')}" for row in adjusted_p(data, effect))
    return f"{effect.outcome.label} ({effect.comparison}): {effect.text}{adjusted}"


def _families(data: CitedResults, effects: Iterable[Effect]) -> str:
    """Return the families that the effects are in, with their procedures."""
    named = dict.fromkeys(row.values["family"] for effect in effects for row in adjusted_p(data, effect))
    families = (family for family in data.study.families if family.name in named)
    return listing(f"{family.label} ({procedure_name(family.procedure)})" for family in families)


def scan_counts_text(data: CitedResults) -> Markdown:
    """Return how many scans were expected, made, measured, failed, flagged and excluded, and what decided.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One paragraph; nothing for a study without images.
    """
    scans = read_scans(data)
    return Markdown(escape(" ".join(_count_sentences(scans)))) if scans else Markdown("")


def _count_sentences(scans: list[Scan]) -> Iterator[str]:
    counts = count_scans(scans)
    kinds = Counter(modality_label(scan.modality) for scan in scans)
    expected = listing(f"{n} {kind}" for kind, n in kinds.items())
    for name in ("expected", "made", "measured", "failed", "flagged", "excluded", "undecided"):
        derived(f"number of scans {name}", getattr(counts, name))
    yield f"{counts.expected} scans were expected ({expected}); {counts.made} were made and {counts.measured} measured."
    yield f"{_scans(counts.failed)} could not be measured."
    yield f"{_scans(counts.flagged)} had a quality measure beyond its limit; a flag excludes nothing."
    yield f"{_scans(counts.excluded)} {_were(counts.excluded)} excluded by decision{_reasons(scans)}."
    if counts.undecided:
        yield f"On {_scans(counts.undecided)} nobody has decided yet; {'it is' if counts.undecided == 1 else 'they are'} used."


def _scans(n: int) -> str:
    return f"{n} scan" if n == 1 else f"{n} scans"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _reasons(scans: Iterable[Scan]) -> str:
    """Return the reasons of exclusions with their counts, in brackets."""
    reasons = Counter(scan.why or "no reason given" for scan in scans if scan.made and not scan.include)
    return f" ({'; '.join(f'{reason}: {n}' for reason, n in reasons.items())})" if reasons else ""


def unmeasured_text(data: CitedResults) -> Markdown:
    """Return why scans are missing or could not be measured, each reason with its count.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One paragraph; nothing if every scan was measured.
    """
    scans = [scan for scan in read_scans(data) if scan.state in UNMEASURED]
    groups = Counter((UNMEASURED[scan.state], scan.reason or "no reason given") for scan in scans)
    words = "; ".join(f"{state} ({reason}): {n}" for (state, reason), n in groups.items())
    if not words:
        return Markdown("")
    return Markdown(escape(f"{capitalised(words)}. Their values are missing; none was filled in."))


def scan_names(data: CitedResults, scans: Iterable[Scan]) -> str:
    """Return participant, kind and visit of scans, those of a participant together."""
    grouped: dict[str, list[str]] = {}
    for scan in scans:
        run = f", run {scan.run}" if scan.run is not None else ""
        words = f"{modality_label(scan.modality)} at {data.visit_label(scan.visit)}{run}"
        grouped.setdefault(scan.participant, []).append(words)
    return "; ".join(f"{participant}: {listing(words)}" for participant, words in grouped.items())
