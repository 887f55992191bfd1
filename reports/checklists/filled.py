"""A checklist filled in: of each row where it is answered, whether it is, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from neurotrial.reports.scans import MODALITIES

if TYPE_CHECKING:
    from neurotrial.reports.checklists.anchors import Anchor
    from neurotrial.reports.checklists.items import Applies, Checklist, Item
    from neurotrial.reports.cited import CitedResults

__all__ = ["STATUSES", "FilledRow", "Status", "fill"]

Status = Literal["found", "partly", "to be written", "missing", "not applicable"]

STATUSES: tuple[Status, ...] = ("found", "partly", "to be written", "missing", "not applicable")
"""In the order in which they are counted."""

_NO_SCANS = "the study file declares no images"
_MANUSCRIPT = "reports/manuscript.qmd"


@dataclass(frozen=True, slots=True)
class FilledRow:
    """A row of a checklist, filled in.

    Attributes
    ----------
    item : Item
        The row.
    status : {"found", "partly", "to be written", "missing", "not applicable"}
        Found: every place that it needs is there, with text that is no placeholder. Partly: some of them are.
    places : tuple of str
        Where it is answered, as readers find it.
    remarks : tuple of str
        What is left to do, or why the row does not apply; empty for a row that is found.
    """

    item: Item
    status: Status
    places: tuple[str, ...]
    remarks: tuple[str, ...]


def fill(checklist: Checklist, anchors: Mapping[str, Anchor], data: CitedResults) -> list[FilledRow]:
    """Fill a checklist in.

    Parameters
    ----------
    checklist : Checklist
        As `read_checklist` gives it.
    anchors : mapping of str to Anchor
        The anchors of the manuscript by their labels.
    data : CitedResults
        The study, whose scans tell which rows apply.

    Returns
    -------
    list of FilledRow
        In the order of the checklist.
    """
    absent = _absent(data)
    return [_row(checklist, item, anchors, absent) for item in checklist.items]


def _absent(data: CitedResults) -> dict[Applies, str]:
    """Return what the study does not have, with the reason as readers see it."""
    declared = any(outcome.source.table == "features" for outcome in data.study.outcomes)
    if data.study.imaging is None and not declared:
        return dict.fromkeys(("images", "dwi", "bold"), _NO_SCANS)
    tables = (data.results.tables[name] for name in ("features", "quality", "status"))
    known = {kind for table in tables if "modality" in table for kind in table["modality"].dropna().unique()}
    if not known:
        return {}
    return {
        kind: f"the study has no {MODALITIES[kind]} scans" for kind in ("dwi", "bold") if kind not in known
    }


def _row(
    checklist: Checklist, item: Item, anchors: Mapping[str, Anchor], absent: Mapping[Applies, str]
) -> FilledRow:
    applies = item.applies or checklist.applies
    reason = item.unused or (absent.get(applies) if applies else None)
    if reason:
        return FilledRow(item, "not applicable", (), (reason,))
    needed = [_matches(pattern, anchors) for pattern in (*item.where, *item.authors)]
    found = [anchor for matches in needed for anchor in matches]
    places = dict.fromkeys(anchor.words for anchor in (*found, *_further(item, anchors)))
    status = _status(needed)
    if status == "found":
        return FilledRow(item, status, tuple(places), ())
    shown = () if status == "missing" else tuple(places)
    return FilledRow(item, status, shown, tuple(_remarks(checklist, item, needed)))


def _matches(pattern: str, anchors: Mapping[str, Anchor]) -> list[Anchor]:
    """Return the anchors of the first alternative of a pattern that has any."""
    for alternative in pattern.split("|"):
        found = [anchor for name, anchor in anchors.items() if fnmatchcase(name, alternative)]
        if found:
            return found
    return []


def _further(item: Item, anchors: Mapping[str, Anchor]) -> Iterator[Anchor]:
    for pattern in item.also:
        yield from (anchor for anchor in _matches(pattern, anchors) if anchor.state == "written")


def _status(needed: Sequence[Sequence[Anchor]]) -> Status:
    """Tell how much of what a row needs is there; an empty place counts as absent."""
    states = {anchor.state for matches in needed for anchor in matches}
    if "placeholder" in states:
        return "to be written"
    there = [any(anchor.state == "written" for anchor in matches) for matches in needed]
    if all(there):
        return "found"
    return "partly" if any(there) else "missing"


def _remarks(checklist: Checklist, item: Item, needed: Sequence[Sequence[Anchor]]) -> Iterator[str]:
    """Yield what authors can do about a row, the field of the study file or the text first."""
    gaps = [
        pattern
        for pattern, matches in zip((*item.where, *item.authors), needed, strict=True)
        if not any(anchor.state == "written" for anchor in matches)
    ]
    if item.todo:
        yield item.todo
    if item.fields and any(pattern in item.where for pattern in gaps):
        yield f"write it in study.yaml ({', '.join(item.fields)})"
    elif any(anchor.state == "placeholder" for matches in needed for anchor in matches):
        yield f"replace the placeholder in {_MANUSCRIPT}"
    place = item.place or checklist.place or item.section
    yield from (
        f"write it in {place} and mark it with {{#{label}}}" for label in item.authors if label in gaps
    )
    if not item.todo and not item.fields:
        yield from (f"{_MANUSCRIPT} has no {label}" for label in _lost(item, needed))


def _lost(item: Item, needed: Sequence[Sequence[Anchor]]) -> Iterator[str]:
    for pattern, matches in zip(item.where, needed, strict=False):
        if not matches:
            yield f"{{#{pattern}}}"
