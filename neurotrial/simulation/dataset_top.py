"""Top of a simulated BIDS dataset: what it is, who is in it, and which sessions there are. It says SIMULATED everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurotrial import __version__
from neurotrial.simulation.scan_files import DERIVATIVE, json_text
from neurotrial.tabular import tsv_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

__all__ = ["write_dataset_top"]

_BIDS = "1.10.0"
_NAME = "SIMULATED trial images"
_README = """\
SIMULATED. Every image, mask and value of this dataset was computed from formulas; no person was scanned.

Made by neurotrial {version}. The images are in derivatives/simulated: as a scanner and preprocessing might leave them, of an
analytic head without anatomy of its own. There are no raw images.
"""
_COLUMNS: dict[str, dict[str, Any]] = {
    "age": {"Description": "age at randomisation", "Units": "year"},
    "sex": {"Description": "sex", "Levels": {"female": "female", "male": "male"}},
    "lesion_side": {"Description": "hemisphere of the lesion", "Levels": {"left": "left", "right": "right"}},
}
_MASKS = {
    "desc-brain": ("Brain", "voxels of the brain"),
    "label-CST": ("ROI", "corticospinal tract: voxels at least half inside the tube"),
    "label-PLIC": ("ROI", "posterior limb of the internal capsule: a part of the corticospinal tract"),
    "label-lesion": ("Lesion", "lesioned voxels"),
}


def write_dataset_top(
    root: Path, participants: pd.DataFrame, scans: pd.DataFrame, sessions: Mapping[str, str]
) -> list[Path]:
    """Write what stands above the scans of a dataset.

    Parameters
    ----------
    root : Path
        The BIDS dataset; made where it is missing.
    participants : DataFrame
        By the contract `participants`; arm and outcome stay out of the dataset.
    scans : DataFrame
        participant_id and visit of every session that took place; participants without one are not listed.
    sessions : mapping of str to str
        Label of each session to the visit that it is.

    Returns
    -------
    list of Path
        Descriptions of the dataset and of its derivative, README, participants, sessions, and sidecars that hold for
        every mask.
    """
    derivative = root / DERIVATIVE
    derivative.mkdir(parents=True, exist_ok=True)
    common = {
        "BIDSVersion": _BIDS,
        "GeneratedBy": [{"Name": "neurotrial", "Version": __version__, "Description": "SIMULATED images"}],
        "Simulated": True,
    }
    texts = {
        "dataset_description.json": json_text({"Name": _NAME, "DatasetType": "raw", **common}),
        "README": _README.format(version=__version__),
        f"{DERIVATIVE}/dataset_description.json": json_text(
            {"Name": f"{_NAME}, preprocessed", "DatasetType": "derivative", **common}
        ),
        **_participant_texts(participants, scans),
        **_session_texts(scans, sessions),
        **{
            f"{DERIVATIVE}/{name}_mask.json": json_text(
                {"Type": kind, "Description": text, "Simulated": True}
            )
            for name, (kind, text) in _MASKS.items()
        },
    }
    return [_write(root / name, text) for name, text in texts.items()]


def _participant_texts(participants: pd.DataFrame, scans: pd.DataFrame) -> dict[str, str]:
    scanned = participants[participants["participant_id"].isin(scans["participant_id"])]
    columns = [name for name in _COLUMNS if name in participants.columns]
    return {
        "participants.tsv": tsv_text(scanned[["participant_id", *columns]]),
        "participants.json": json_text({name: _COLUMNS[name] for name in columns}),
    }


def _session_texts(scans: pd.DataFrame, sessions: Mapping[str, str]) -> dict[str, str]:
    label = {visit: f"ses-{session}" for session, visit in sessions.items()}
    table = scans.assign(session_id=scans["visit"].map(label))[["participant_id", "session_id", "visit"]]
    return {
        f"{name}/{name}_sessions.tsv": tsv_text(rows.drop(columns="participant_id").sort_values("session_id"))
        for name, rows in table.drop_duplicates().groupby("participant_id")
    }


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
