"""Collecting the shards of all scans into the tables of the study: complete grids, with status and reason."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import InputError
from neurotrial.extract.motion_link import motion_connectivity
from neurotrial.extract.scan import expected_features
from neurotrial.extract.sides import feature_sides
from neurotrial.extract.units import participant_name, participant_picture
from neurotrial.extract.visits.repeatability import repeatability
from neurotrial.paths import write_text
from neurotrial.runner import unit_folder
from neurotrial.shards import PICTURE, read_shard_tables
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table, tsv_text, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.imaging_plan import ImagingPlan
    from neurotrial.runner import Outcome

__all__ = ["collect_tables", "missing_features", "write_tables"]

TABLES_FOLDER = "tables"
UNDECIDED = "undecided"
_MADE_HERE = (
    "features", "profiles", "edges", "nodes", "lesions", "quality", "scans", "repeatability", "motion_link", "status",
)  # fmt: skip
"""Tables that the extraction makes; `decisions` is completed, never replaced."""


def collect_tables(
    scans: Sequence[Scan],
    outcomes: Sequence[Outcome],
    folder: Path,
    plan: ImagingPlan,
    given: Mapping[str, pd.DataFrame],
    study_folder: Path,
) -> dict[str, pd.DataFrame]:
    """Put the tables of all scans together.

    Parameters
    ----------
    scans : sequence of Scan
        Every scan of the grid.
    outcomes : sequence of Outcome
        What became of those that were made, and of the participants with diffusion scans.
    folder : Path
        Holds ``shards/``.
    plan : ImagingPlan
        Says which features each scan should have.
    given : mapping of str to DataFrame
        Tables of the study: `participants`, and `decisions`, what raters or rules have decided so far.
    study_folder : Path
        Where the table of nodes stands.

    Returns
    -------
    dict of str to DataFrame
        `features` has every expected row of every scan: value, or status and reason. `decisions` has every scan that
        was made.
    """
    by_name = {outcome.unit: outcome for outcome in outcomes}

    @functools.cache
    def read(unit: str) -> dict[str, pd.DataFrame]:
        return read_shard_tables(unit_folder(folder, unit))

    expected = functools.cache(lambda modality: pd.DataFrame(expected_features(modality, plan, study_folder)))
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in _MADE_HERE}
    for scan in scans:
        done = _outcome(scan, by_name)
        shards = _shards(scan, by_name, read)
        if not any("features" in shard for shard in shards):
            shards.append({"features": missing_features(scan, expected(scan.modality), done)})
        for shard in shards:
            for name, frame in shard.items():
                parts[name].append(frame)
        parts["status"].append(pd.DataFrame([_status(scan, by_name, folder)]))
    tables = {name: _joined(name, frames) for name, frames in parts.items()}
    tables["scans"] = _with_sites(tables["scans"], given["participants"])
    tables["repeatability"] = _joined("repeatability", [repeatability(tables["features"])])
    linked = motion_connectivity(tables["edges"], tables["quality"], tables["nodes"])
    tables["motion_link"] = _joined("motion_link", [linked])
    tables["decisions"] = _decisions(scans, given.get("decisions"))
    return tables


def _outcome(scan: Scan, by_name: Mapping[str, Outcome]) -> Outcome | None:
    """Return what became of a scan: its own failure, else that of its participant's step; None where it was not made."""
    own = by_name.get(scan.name)
    if own is None or own.state == "failed" or scan.modality != "dwi":
        return own
    return by_name[participant_name(scan)]


def _shards(
    scan: Scan, by_name: Mapping[str, Outcome], read: Callable[[str], dict[str, pd.DataFrame]]
) -> list[dict[str, pd.DataFrame]]:
    """Return the tables of a scan: its own, and its rows of its participant's step."""
    if scan.name not in by_name:
        return []
    found = [read(scan.name)]
    together = by_name.get(participant_name(scan))
    if scan.modality == "dwi" and by_name[scan.name].state == "ok" and together is not None:
        found.append({name: _rows_of(frame, scan) for name, frame in read(together.unit).items()})
    return found


def _rows_of(frame: pd.DataFrame, scan: Scan) -> pd.DataFrame:
    run = frame["run"].isna() if scan.run is None else frame["run"] == scan.run
    return frame[(frame["visit"] == scan.visit) & run]


def _with_sites(scans: pd.DataFrame, participants: pd.DataFrame) -> pd.DataFrame:
    """Complete site and scanner by those of `participants`."""
    known = participants.set_index("participant_id")
    for name in ("site", "scanner"):
        if name in known:
            scans[name] = scans[name].fillna(scans["participant_id"].map(known[name]))
    return scans


def _joined(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the rows of a table, with the columns of its contract in their order and their types."""
    table = TABLES[name]
    empty = empty_table(table)
    filled = [
        frame.reindex(columns=empty.columns).astype(dict(empty.dtypes)) for frame in frames if len(frame)
    ]
    return pd.concat(filled, ignore_index=True) if filled else empty


def missing_features(scan: Scan, expected: pd.DataFrame, outcome: Outcome | None) -> pd.DataFrame:
    """Return the rows of a scan without values: it was not made, or it could not be measured.

    Parameters
    ----------
    scan : Scan
        Whose rows.
    expected : DataFrame
        Rows that every scan of its modality has, as `expected_features` gives them.
    outcome : Outcome or None
        What became of it; None where it was not made.
    """
    status, reason = ("missing_input", scan.absence) if outcome is None else ("failed", outcome.reason)
    rows = feature_sides(expected, scan.expected_side)
    return rows.assign(**scan.identity, status=status, reason=reason)


def _status(scan: Scan, by_name: Mapping[str, Outcome], folder: Path) -> dict[str, Any]:
    own, done = by_name.get(scan.name), _outcome(scan, by_name)
    state, reason = ("skipped", scan.absence) if done is None else (done.state, done.reason or None)
    failed_together = done is not own and done is not None and done.state == "failed"
    picture = unit_folder(folder, scan.name) / PICTURE
    if done is not None and scan.modality == "dwi":
        picture = unit_folder(folder, done.unit) / participant_picture(scan)
    shown = picture.relative_to(folder.parent).as_posix() if picture.is_file() else None
    return {
        **scan.identity,
        "step": "visits" if failed_together else "extract",
        "state": state,
        "reason": reason,
        "picture": shown,
    }


def _decisions(scans: Sequence[Scan], decided: pd.DataFrame | None) -> pd.DataFrame:
    """Return what is decided, and a row that includes each scan on which nobody has decided yet."""
    scan = ["participant_id", "visit", "run", "modality"]
    rows = [
        {**item.identity, "include": True, "by": UNDECIDED, "reason": None, "date": None}
        for item in scans
        if item.files
    ]
    old = _joined("decisions", [] if decided is None else [decided])
    new = _joined("decisions", [pd.DataFrame(rows)] if rows else [])
    known = set(old[scan].astype("str").itertuples(index=False, name=None))
    fresh = [row not in known for row in new[scan].astype("str").itertuples(index=False, name=None)]
    parts = [part for part in (old, new[fresh]) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else new


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write the tables of the extraction into ``tables/``; `decisions` as TSV only, because people edit it.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As `collect_tables` gives them.
    folder : Path
        The study folder.

    Returns
    -------
    list of Path
        The file of each table; tables without rows are not written, and removed where they stood.

    Raises
    ------
    InputError
        If a table breaks its contract; nothing is written then.
    """
    problems = [
        problem
        for name, frame in tables.items()
        if len(frame)
        for problem in check_table(frame, TABLES[name], f"{TABLES_FOLDER}/{name}")[1]
    ]
    if problems:
        raise InputError(problems)
    target = folder / TABLES_FOLDER
    target.mkdir(exist_ok=True)
    written = []
    for name, frame in tables.items():
        if name == "decisions":
            written += _write_decisions(frame, target)
        elif len(frame):
            written.append(write_table(frame, target, TABLES[name])[0])
        else:
            _remove(target, name)
    return written


def _write_decisions(frame: pd.DataFrame, target: Path) -> list[Path]:
    path = target / "decisions.tsv"
    text = tsv_text(frame)
    if not len(frame) or (path.is_file() and path.read_text(encoding="utf-8") == text):
        return []
    write_text(path, text)
    return [path]


def _remove(target: Path, name: str) -> None:
    for suffix in (".parquet", ".tsv", ".json"):
        (target / f"{name}{suffix}").unlink(missing_ok=True)
