"""What a result rests on: hashes of inputs and code, versions, seeds and decisions."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial import __version__

if TYPE_CHECKING:
    from neurotrial.loading import StudyData

__all__ = [
    "EXTRACTION_FOLDER",
    "EXTRACTION_RECORD",
    "changes_since",
    "code_hash",
    "provenance",
    "timestamp",
]

EXTRACTION_FOLDER = "extraction"
EXTRACTION_RECORD = f"{EXTRACTION_FOLDER}/software.json"
"""What measured the images: written by the extraction when all its tables are."""

_PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "formulaic")
"""The packages whose code makes numbers."""

_SAMPLERS = ("pymc", "nutpie", "pytensor", "numba", "arviz-stats")
"""Those of Bayesian fits."""


def provenance(data: StudyData, decisions: list[str]) -> dict[str, Any]:
    """Return the record of a fit.

    Parameters
    ----------
    data : StudyData
        The study folder that was fitted.
    decisions : list of str
        What was decided on the way, one sentence each.

    Returns
    -------
    dict
        JSON values: hashes of plan, inputs and code, versions, platform, seed, time, decisions, warnings; and
        ``extraction``, what measured the images, where the study has any.
    """
    packages = _PACKAGES + (_SAMPLERS if data.study.bayes else ())
    return {
        "neurotrial": __version__,
        "code_hash": code_hash(),
        "spec_hash": data.study.spec_hash,
        "inputs": data.hashes,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "versions": {name: found for name in packages if (found := _version(name))},
        "seed": data.study.seed,
        "n_resamples": data.study.n_resamples,
        "created": timestamp(),
        "extraction": _extraction(data.folder) if data.study.imaging else None,
        "decisions": decisions,
        "warnings": [str(problem) for problem in data.warnings],
    }


def changes_since(stored: dict[str, Any] | None, data: StudyData) -> list[str]:
    """Say what has changed since stored results were made.

    Parameters
    ----------
    stored : dict or None
        Provenance of the results; None where there are none that can be read.
    data : StudyData
        The study folder as it is now.

    Returns
    -------
    list of str
        One reason each; empty where the results are up to date.
    """
    if stored is None:
        return ["there are no readable results"]
    now = {"code": code_hash(), **data.hashes}
    then = {"code": stored.get("code_hash"), **stored.get("inputs", {})}
    return [f"{name} has changed" for name in dict.fromkeys([*now, *then]) if now.get(name) != then.get(name)]


def timestamp() -> str:
    """Return the time in UTC, or the one that ``SOURCE_DATE_EPOCH`` asks for."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")


def code_hash() -> str:
    """Return the BLAKE2b digest of the code that makes numbers: the core and the models."""
    digest = hashlib.blake2b(digest_size=16)
    for name, pattern in (("neurotrial", "*.py"), ("neurotrial.models", "**/*.py")):
        spec = find_spec(name)
        folder = Path(str(spec.origin if spec else "")).parent
        for path in sorted(folder.glob(pattern)):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _extraction(folder: Path) -> dict[str, Any] | None:
    path = folder / EXTRACTION_RECORD
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
