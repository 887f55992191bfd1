"""What a dataset or derivative says of itself in ``dataset_description.json``: who made it, and whether it is raw."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["DESCRIPTION", "Root", "read_root"]

DESCRIPTION = "dataset_description.json"


class Root(NamedTuple):
    """A dataset, or a derivative in it.

    Attributes
    ----------
    folder : str
        Absolute path.
    name : str
        Path relative to the dataset, ``.`` for the dataset itself.
    producer : str
        First name under GeneratedBy; empty where there is none.
    version : str
        Version of the producer; empty where there is none.
    raw : bool
        Whether its images come as the scanner made them.
    """

    folder: str
    name: str
    producer: str
    version: str
    raw: bool

    @property
    def software(self) -> str:
        """Producer and version in words."""
        return f"{self.producer} {self.version}".strip()


def read_root(folder: str, dataset: str) -> Root:
    """Read the description of a root; one that is missing or no JSON describes nothing.

    Parameters
    ----------
    folder : str
        The root, absolute.
    dataset : str
        The dataset that it stands in, absolute.
    """
    try:
        content = json.loads(Path(folder, DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    known: dict[str, Any] = content if isinstance(content, dict) else {}
    producer, version = _maker(known)
    name = Path(os.path.relpath(folder, dataset)).as_posix()
    kind = known.get("DatasetType", "raw" if name == "." and not producer else "derivative")
    return Root(folder, name, producer, version, kind == "raw")


def _maker(description: dict[str, Any]) -> tuple[str, str]:
    """Return name and version of the first maker; PipelineDescription is how drafts of BIDS had it."""
    makers = description.get("GeneratedBy") or [description.get("PipelineDescription")]
    first = makers[0] if isinstance(makers, list) and makers else makers
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("Name") or ""), str(first.get("Version") or "")
