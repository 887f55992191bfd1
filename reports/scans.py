"""The scans of a study: what became of each, its quality measures, and the decision on it; never by arm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from neurotrial.reports.cited import derived
from neurotrial.reports.number_format import is_missing

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = [
    "MODALITIES",
    "UNDECIDED",
    "UNMEASURED",
    "Measure",
    "Scan",
    "ScanCounts",
    "count_scans",
    "modality_label",
    "read_scans",
]

MODALITIES: Mapping[str, str] = MappingProxyType({"dwi": "DWI", "bold": "BOLD"})
"""Each modality as readers know it."""

UNDECIDED = "undecided"
"""What `decisions` names where nobody has decided yet."""

UNMEASURED: Mapping[str, str] = MappingProxyType({"failed": "not measurable", "skipped": "not made"})
"""States of scans without values, as readers know them."""

_STEP = "extract"
_Key = tuple[str, str, int | None, str]
"""Participant, visit, run and modality."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A quality measure of a scan: its value and unit, and the limit beyond which it is flagged (None: no limit)."""

    value: float | None
    unit: str
    limit: float | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that the plan expects.

    Attributes
    ----------
    participant, visit, modality : str
        Whose scan, at which visit (a name of the study file), of which kind.
    run : int or None
        Run within the visit.
    state : str
        ok, failed, skipped (there are no files), or empty where the extraction left no record.
    reason, picture : str
        Why it failed or is missing; its picture, relative to the study folder. Empty where there is none.
    measures : dict of str to Measure
        Quality measures by name.
    include : bool
        Whether it is used; only a decision excludes.
    by, why, date : str
        Who decided, for which reason, when; ``by`` is empty or `UNDECIDED` where nobody has.
    """

    participant: str
    visit: str
    modality: str
    run: int | None = None
    state: str = ""
    reason: str = ""
    picture: str = ""
    measures: dict[str, Measure] = field(default_factory=dict)
    include: bool = True
    by: str = ""
    why: str = ""
    date: str = ""

    @property
    def made(self) -> bool:
        """Whether there are files."""
        return self.state != "skipped"

    @property
    def flags(self) -> list[str]:
        """Names of the measures beyond their limit."""
        return [name for name, measure in self.measures.items() if measure.flagged]

    @property
    def decided(self) -> bool:
        """Whether somebody, or a rule, decided on it."""
        return self.by not in {"", UNDECIDED}


@dataclass(frozen=True, slots=True)
class ScanCounts:
    """How many scans were expected, made, measured, failed, flagged, excluded by decision, and are used without a decision."""

    expected: int
    made: int
    measured: int
    failed: int
    flagged: int
    excluded: int
    undecided: int


def modality_label(modality: str) -> str:
    """Return a modality as readers know it; one without a label by its name."""
    return MODALITIES.get(modality, modality)


def count_scans(scans: Iterable[Scan]) -> ScanCounts:
    """Count scans; flagged and excluded ones are counted among those made, undecided ones among those that did not fail."""
    expected = list(scans)
    made = [scan for scan in expected if scan.made]
    return ScanCounts(
        expected=len(expected),
        made=len(made),
        measured=sum(scan.state == "ok" for scan in made),
        failed=sum(scan.state == "failed" for scan in made),
        flagged=sum(bool(scan.flags) for scan in made),
        excluded=sum(not scan.include for scan in made),
        undecided=sum(not scan.decided and scan.state != "failed" for scan in made),
    )


def read_scans(data: CitedResults) -> list[Scan]:
    """Return the scans that status, quality or decisions of a fit know, by modality, participant, visit and run.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    list of Scan
        Empty for a study without images.
    """
    status = {_key(row): row for row in _rows(data, "status") if row["step"] == _STEP}
    decisions = {_key(row): row for row in _rows(data, "decisions")}
    measures: dict[_Key, dict[str, Measure]] = {}
    for row in _rows(data, "quality"):
        measures.setdefault(_key(row), {})[row["measure"]] = _measure(row)
    keys = dict.fromkeys((*status, *decisions, *measures))
    scans = [_scan(key, status.get(key), measures.get(key, {}), decisions.get(key)) for key in keys]
    visits = [visit.name for visit in data.study.visits]
    kinds = [*MODALITIES, *sorted({scan.modality for scan in scans} - set(MODALITIES))]
    return sorted(
        scans,
        key=lambda scan: (
            kinds.index(scan.modality),
            scan.participant,
            _place(visits, scan.visit),
            scan.run or 0,
        ),
    )


def _rows(data: CitedResults, table: str) -> Iterator[dict[str, Any]]:
    frame = data.results.tables[table]
    for row in frame.itertuples(index=False):
        yield dict(zip(frame.columns, row, strict=True))


def _key(row: Mapping[str, Any]) -> _Key:
    run: Any = row.get("run")
    return row["participant_id"], row["visit"], None if is_missing(run) else int(run), row["modality"]


def _measure(row: Mapping[str, Any]) -> Measure:
    value, limit = (None if is_missing(row[name]) else float(row[name]) for name in ("value", "threshold"))
    for known in (value, limit):
        if known is not None:
            derived(f"quality measure {row['measure']}", known)
    return Measure(value, _text(row.get("unit")), limit, bool(row["flagged"]))


def _scan(
    key: _Key,
    status: Mapping[str, Any] | None,
    measures: dict[str, Measure],
    decision: Mapping[str, Any] | None,
) -> Scan:
    participant, visit, run, modality = key
    derived("participant", participant)
    done, decided = status or {}, decision or {}
    return Scan(
        participant, visit, modality, run,
        state=_text(done.get("state")), reason=_text(done.get("reason")), picture=_text(done.get("picture")),
        measures=measures, include=bool(decided.get("include", True)), by=_text(decided.get("by")),
        why=_text(decided.get("reason")), date=_text(decided.get("date")),
    )  # fmt: skip


def _text(value: Any) -> str:
    return "" if is_missing(value) else str(value)


def _place(visits: list[str], visit: str) -> int:
    return visits.index(visit) if visit in visits else len(visits)
