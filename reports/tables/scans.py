"""Tables of scans: counts by modality and visit, every scan with its measures, and those that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import MISSING, whole
from neurotrial.reports.quality_names import SHOWN, quality_name
from neurotrial.reports.scans import UNMEASURED, count_scans, modality_label, read_scans
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.scans import Scan

__all__ = ["decision_words", "gap_table", "scan_count_table", "scan_table"]

FLAG = "†"
"""What marks a value beyond its limit."""

_COUNTS = {
    "expected": "Expected", "made": "Made", "measured": "Measured", "failed": "Not measurable",
    "flagged": "Flagged", "excluded": "Excluded by decision", "undecided": "Not yet decided",
}  # fmt: skip

Row = dict[str, str]


def scan_count_table(data: CitedResults) -> Tabulation | None:
    """Return how many scans were expected, made, measured, flagged and excluded, by modality and visit.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        None for a study without images.
    """
    scans = read_scans(data)
    if not scans:
        return None
    kinds = dict.fromkeys((scan.modality, scan.visit) for scan in scans)
    rows = [
        {"scans": modality_label(kind), "visit": data.visit_label(visit)}
        | _count_cells([scan for scan in scans if (scan.modality, scan.visit) == (kind, visit)])
        for kind, visit in sorted(kinds, key=lambda pair: _place(data, scans, pair))
    ]
    rows.append({"scans": "All", "visit": ""} | _count_cells(scans))
    notes = [
        "Made: there are files. Flagged: a quality measure lies beyond its limit; a flag excludes nothing.",
        "Flagged and excluded scans are counted among those made, and can be the same.",
        "Not yet decided: scans that are used without a decision.",
    ]
    labels = {"scans": "Scans", "visit": "Visit"} | _COUNTS
    table = make_table("scan-counts", rows, labels, row_label="scans", notes=notes)
    return Tabulation("scan-counts", table, Markdown("Scans by modality and visit."))


def _place(data: CitedResults, scans: list[Scan], pair: tuple[str, str]) -> tuple[int, int]:
    kinds = list(dict.fromkeys(scan.modality for scan in scans))
    return kinds.index(pair[0]), [visit.name for visit in data.study.visits].index(pair[1])


def _count_cells(scans: list[Scan]) -> Row:
    counts = count_scans(scans)
    return {name: whole(getattr(counts, name)) for name in _COUNTS}


def scan_table(data: CitedResults, modality: str) -> Tabulation | None:
    """Return every scan of a modality that was made: main measures, flags, and the decision with its reason.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    modality : str
        Modality as the tables have it.

    Returns
    -------
    Tabulation or None
        None if no scan of that kind was made.
    """
    scans = [scan for scan in read_scans(data) if scan.modality == modality and scan.made]
    if not scans:
        return None
    measures = _measures(scans, modality)
    labels = {"scan": "Participant", "visit": "Visit"} | {
        name: label for name, (label, _) in measures.items()
    }
    labels |= {"state": "State and decision"}
    rows = [
        {"scan": _scan_label(scan), "visit": data.visit_label(scan.visit)}
        | {name: _cell(scan, name) for name in measures}
        | {"state": _state_words(scan)}
        for scan in scans
    ]
    name = f"scans-{modality}"
    table = make_table(name, rows, labels, row_label="scan", notes=_notes(measures))
    return Tabulation(name, table, Markdown(f"Every {escape(modality_label(modality))} scan that was made."))


def _measures(scans: list[Scan], modality: str) -> dict[str, tuple[str, set[float]]]:
    """Return heading and limits of the measures shown: the main ones, and any other that has a limit."""
    found: dict[str, tuple[str, set[float]]] = {}
    for scan in scans:
        for name, measure in scan.measures.items():
            label, limits = found.setdefault(name, (quality_name(name, measure.unit).heading, set()))
            found[name] = (label, limits | ({measure.limit} if measure.limit is not None else set()))
    main = SHOWN.get(modality, tuple(found))
    more = [name for name, (_, limits) in found.items() if name not in main and limits]
    return {name: found[name] for name in (*main, *more) if name in found}


def _scan_label(scan: Scan) -> str:
    """Return participant and run; without the prefix that all share, which would break the line in a narrow column."""
    name = scan.participant.removeprefix("sub-")
    return name if scan.run is None else f"{name}, run {scan.run}"


def _cell(scan: Scan, name: str) -> str:
    measure = scan.measures.get(name)
    if measure is None:
        return MISSING
    return quality_name(name).shown(measure.value) + (FLAG if measure.flagged else "")


def decision_words(scan: Scan) -> str:
    """Return the decision on a scan in words: used or excluded, by whom, why."""
    verdict = "used" if scan.include else "excluded"
    who = "undecided" if not scan.decided else f"by {scan.by}"
    return f"{verdict}, {who}" + (f": {scan.why}" if scan.why else "")


def _state_words(scan: Scan) -> str:
    failed = [f"not measurable: {scan.reason or 'no reason given'}"] if scan.state == "failed" else []
    decision = [] if failed and not scan.decided and scan.include else [decision_words(scan)]
    return "; ".join([*failed, *decision])


def _notes(measures: Mapping[str, tuple[str, set[float]]]) -> Iterator[str]:
    limits = "; ".join(
        f"{label}: {' or '.join(quality_name(name).shown(limit) for limit in sorted(values))}"
        for name, (label, values) in measures.items()
        if values
    )
    if limits:
        yield f"{FLAG} beyond its limit ({limits}); a flag excludes nothing."
    terms = {
        "snr": "SNR, signal-to-noise ratio",
        "fa_median": "FA, fractional anisotropy",
        "fd_mean": "FD, framewise displacement",
        "share_censored": "censored, volumes left out for motion",
        "tsnr": "tSNR, temporal signal-to-noise ratio",
    }
    words = "; ".join(text for name, text in terms.items() if name in measures)
    if words:
        yield f"{words[:1].upper()}{words[1:]}."


def gap_table(data: CitedResults) -> Tabulation | None:
    """Return the scans that were not made or could not be measured; those of a participant with one reason together.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        None if every scan was measured.
    """
    grouped: dict[tuple[str, str, str], list[Scan]] = {}
    for scan in sorted(read_scans(data), key=lambda scan: scan.participant):
        if scan.state in UNMEASURED:
            grouped.setdefault((scan.participant, scan.state, scan.reason), []).append(scan)
    if not grouped:
        return None
    rows = [
        {
            "participant": participant,
            "scans": _scans_in_words(data, scans),
            "state": UNMEASURED[state],
            "reason": reason or MISSING,
        }
        for (participant, state, reason), scans in grouped.items()
    ]
    labels = {"participant": "Participant", "scans": "Scans", "state": "State", "reason": "Reason"}
    table = make_table("scan-gaps", rows, labels, row_label="participant", centre=False)
    return Tabulation("scan-gaps", table, Markdown("Scans that were not made or could not be measured."))


def _scans_in_words(data: CitedResults, scans: list[Scan]) -> str:
    """Return "DWI and BOLD, Baseline; BOLD, 90 days"."""
    visits: dict[str, list[str]] = {}
    for scan in scans:
        run = "" if scan.run is None else f" (run {scan.run})"
        visits.setdefault(data.visit_label(scan.visit), []).append(modality_label(scan.modality) + run)
    return "; ".join(f"{listing(kinds)}, {visit}" for visit, kinds in visits.items())
