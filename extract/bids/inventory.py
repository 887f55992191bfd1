"""What each scan has and what it lacks, by names and sizes alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from neurotrial.extract.bids.patterns import Modality
    from neurotrial.extract.bids.scans import Scan

__all__ = ["GROUPS", "HERE", "scan_inventory"]

HERE = "here"
"""What an inventory says of files that are there and not empty."""

GROUPS: Mapping[Modality, Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "dwi": {
        "image": ("dwi",),
        "gradients": ("bval", "bvec"),
        "brain": ("brain",),
        "lesion": ("lesion",),
        "regions": ("cst_left", "cst_right", "plic_left", "plic_right"),
        "transform": ("from_template",),
        "maps": ("fa", "md", "ad", "rd"),
    },
    "bold": {
        "image": ("bold",),
        "sidecar": ("bold_json",),
        "confounds": ("confounds",),
        "brain": ("brain",),
        "lesion": ("lesion",),
        "tissue": ("white_matter", "csf"),
        "transform": ("from_template",),
        "series": ("timeseries",),
        "matrix": ("matrix",),
    },
})  # fmt: skip
"""The columns of an inventory by modality, and the roles of files behind them."""

_NEEDED: Mapping[Modality, tuple[tuple[str, ...], ...]] = MappingProxyType({
    "dwi": (("image", "maps"), ("gradients", "maps"), ("brain",), ("lesion",), ("regions", "transform")),
    "bold": (
        ("image", "series", "matrix"), ("sidecar", "series", "matrix"), ("confounds", "series", "matrix"),
        ("brain", "series", "matrix"), ("lesion", "series", "matrix"),
    ),
})  # fmt: skip
"""Columns of which one must be there for a scan to be complete."""


def scan_inventory(scans: Iterable[Scan]) -> pd.DataFrame:
    """Tell what was found of every scan; no image is opened.

    Parameters
    ----------
    scans : iterable of Scan
        As `neurotrial.extract.bids.finding.find_scans` gives them.

    Returns
    -------
    DataFrame
        One row for each scan: ``participant_id``, ``visit``, ``run``, ``modality``, ``producer``, ``preprocessing``; a column
        for each of `GROUPS` (missing where the modality has no such column), which says ``here``, ``no`` and what is not
        there, or which files have 0 bytes; ``complete``, whether there is what measures of every outcome need; ``reason``,
        why a scan has no files or does not use some of them.
    """
    import pandas as pd

    rows = []
    for scan in scans:
        cells = {name: _cell(scan.files, roles) for name, roles in GROUPS[scan.modality].items()}
        complete = all(any(cells[name] == HERE for name in one_of) for one_of in _NEEDED[scan.modality])
        rows.append(
            {
                **scan.identity, "producer": scan.producer or None, "preprocessing": scan.preprocessing, **cells,
                "complete": bool(scan.files) and complete, "reason": scan.absence or "; ".join(scan.unused.values()) or None,
            }
        )  # fmt: skip
    columns = [*dict.fromkeys(name for groups in GROUPS.values() for name in groups)]
    first = ["participant_id", "visit", "run", "modality", "producer", "preprocessing"]
    frame = pd.DataFrame(rows, columns=[*first, *columns, "complete", "reason"])
    words = [name for name in frame if name not in {"run", "complete"}]
    return frame.astype({"run": "Int64", "complete": "bool", **dict.fromkeys(words, "str")})


def _cell(files: Mapping[str, Path], roles: tuple[str, ...]) -> str:
    missing = [role for role in roles if role not in files]
    empty = [role for role in roles if role in files and _is_empty(files[role])]
    words = [f"0 bytes: {', '.join(empty)}"] if empty else []
    if missing:
        words.append("no" if len(missing) == len(roles) else f"no {', '.join(missing)}")
    return "; ".join(words) or HERE


def _is_empty(path: Path) -> bool:
    """Tell whether a file has no content; a link that leads nowhere has none."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return True
