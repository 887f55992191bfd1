"""Collecting the shards of all scans into the tables of the study: complete grids, with status and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import InputError
from neurotrial.extract.scan import expected_features
from neurotrial.extract.sides import feature_sides
from neurotrial.paths import write_text
from neurotrial.runner import unit_folder
from neurotrial.shards import PICTURE, read_shard_tables
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES
from neurotrial.tabular import empty_table, tsv_text, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.imaging_plan import ImagingPlan
    from neurotrial.runner import Outcome

__all__ = ["collect_tables", "missing_features", "write_tables"]

TABLES_FOLDER = "tables"
NOT_MADE = "the scan was not made: there is no image"
UNDECIDED = "undecided"
_MADE_HERE = ("features", "edges", "nodes", "lesions", "quality", "status")
"""Tables that the extraction makes; `decisions` is completed, never replaced."""


def collect_tables(
    scans: Sequence[Scan],
    outcomes: Sequence[Outcome],
    folder: Path,
    plan: ImagingPlan,
    decisions: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    """Put the tables of all scans together.

    Parameters
    ----------
    scans : sequence of Scan
        Every scan of the grid.
    outcomes : sequence of Outcome
        What became of those that were made.
    folder : Path
        Holds ``shards/``.
    plan : ImagingPlan
        Says which features each scan should have.
    decisions : DataFrame or None
        What raters or rules have decided so far.

    Returns
    -------
    dict of str to DataFrame
        `features` has every expected row of every scan: value, or status and reason. `decisions` has every scan that
        was made.
    """
    by_name = {outcome.unit: outcome for outcome in outcomes}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in _MADE_HERE}
    for scan in scans:
        outcome = by_name.get(scan.name)
        shard = read_shard_tables(unit_folder(folder, scan.name)) if outcome else {}
        if "features" not in shard:
            shard["features"] = missing_features(scan, plan, outcome)
        for name, frame in shard.items():
            parts[name].append(frame)
        parts["status"].append(pd.DataFrame([_status(scan, outcome, folder)]))
    tables = {name: _joined(name, frames) for name, frames in parts.items()}
    tables["decisions"] = _decisions(scans, decisions)
    return tables


def _joined(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the rows of a table, with the columns of its contract in their order and their types."""
    table = TABLES[name]
    empty = empty_table(table)
    filled = [
        frame.reindex(columns=empty.columns).astype(dict(empty.dtypes)) for frame in frames if len(frame)
    ]
    return pd.concat(filled, ignore_index=True) if filled else empty


def missing_features(scan: Scan, plan: ImagingPlan, outcome: Outcome | None) -> pd.DataFrame:
    """Return the rows of a scan without values: it was not made, or it could not be measured."""
    rows = pd.DataFrame(expected_features(scan.modality, plan))
    status, reason = ("missing_input", NOT_MADE) if outcome is None else ("failed", outcome.reason)
    rows = feature_sides(rows, scan.expected_side)
    return rows.assign(**scan.identity, status=status, reason=reason)


def _status(scan: Scan, outcome: Outcome | None, folder: Path) -> dict[str, Any]:
    picture = unit_folder(folder, scan.name) / PICTURE
    state, reason = ("skipped", NOT_MADE) if outcome is None else (outcome.state, outcome.reason or None)
    shown = picture.relative_to(folder.parent).as_posix() if outcome and picture.is_file() else None
    return {**scan.identity, "step": "extract", "state": state, "reason": reason, "picture": shown}


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
