"""The index of a BIDS dataset as a table, and the JSON sidecars of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import refuse
from neurotrial.extract.bids.descriptions import DESCRIPTION
from neurotrial.extract.bids.entities import ENTITIES, parse_name, run_number
from neurotrial.extract.bids.files import misplaced_files
from neurotrial.extract.bids.folders import list_dataset
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd


__all__ = ["index_dataset", "sidecar"]

_ALWAYS = ("task", "acq", "dir", "hemi", "space", "label", "from", "to", "mode", "model", "param", "desc")
_PLACED = frozenset({"sub", "ses", "run"})
_COLUMNS = frozenset(
    {"path", "root", "producer", "participant", "session", "datatype", "suffix", "extension", "size"}
)


def index_dataset(path: Path | str) -> pd.DataFrame:
    """Index a BIDS dataset with its derivatives; no image is opened.

    Parameters
    ----------
    path : Path or str
        Top folder of the dataset.

    Returns
    -------
    DataFrame
        One row for each file, by folder and name: ``path`` (absolute), ``root`` (relative to the dataset, ``.`` for the
        dataset itself), ``producer`` (first name under GeneratedBy of the root), ``participant`` (``sub-01``), ``session``
        (label), ``run`` (number), ``datatype``, ``suffix``, ``extension``, ``size`` in bytes (0 too where the content of a
        link is not there), and a column for each entity that names have. What a file does not have is missing.
        ``attrs["problems"]`` holds warnings: folders that cannot be read, links that lead out and are not followed, files in
        the folder of another participant, which get none.

    Raises
    ------
    InputError
        If the folder does not exist.

    Examples
    --------
    >>> index = index_dataset("bids")  # doctest: +SKIP
    >>> index.query("suffix == 'dwi' and extension == '.nii.gz' and desc == 'preproc'")  # doctest: +SKIP
    """
    import pandas as pd

    dataset = Path(path)
    if not dataset.is_dir():
        raise refuse(str(dataset), "the folder does not exist", "name the top folder of a BIDS dataset")
    listing = list_dataset(dataset)
    files = listing.files
    root, of_root = _factor([file.root for file in files])
    tail, of_tail = _factor([(file.datatype, file.tail) for file in files])
    names = [parse_name(name) for _, name in tail]
    columns: dict[str, Any] = {
        "path": pd.array([file.path for file in files], dtype="str"),
        "root": _words([item.name for item in root], of_root),
        "producer": _words([item.producer or None for item in root], of_root),
        "participant": _words(*_factor([None if file.misplaced else file.participant for file in files])),
        "session": _words(*_factor([None if file.misplaced else file.session for file in files])),
        "run": pd.array([run_number(item[0].get("run")) for item in names], dtype="Int64").take(of_tail),
        "datatype": _words([datatype or None for datatype, _ in tail], of_tail),
        "suffix": _words([item[1] for item in names], of_tail),
        "extension": _words([item[2] for item in names], of_tail),
        "size": [file.size for file in files],
    }
    for entity in _entity_names({entity for item in names for entity in item[0]}):
        columns[entity] = _words([item[0].get(entity) for item in names], of_tail)
    index = pd.DataFrame(columns).astype({"size": "int64"})
    index.attrs["problems"] = [*listing.problems, *misplaced_files(files)]
    return index


def _factor(values: list[Any]) -> tuple[list[Any], list[int]]:
    """Return the different values, and the place of each among them."""
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), codes


def _words(values: list[Any], codes: list[int]) -> Any:
    """Return a column of words that repeat; much quicker than to make it from all of them."""
    import pandas as pd

    return pd.array(values, dtype="str").take(codes)


def _entity_names(found: set[str]) -> list[str]:
    """Return the entities that have a column: the usual ones, the known ones that occur, then those that nobody knows."""
    known = [name for name in ENTITIES if name in found | set(_ALWAYS) and name not in _PLACED]
    return known + sorted(found - set(ENTITIES) - _COLUMNS)


def sidecar(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the JSON files that apply to a file say together.

    By the inheritance principle of BIDS, a JSON file applies to a file of its own folder, or of folders below it, that has
    its suffix and all of its entities. Where two of them have a key, the nearer one holds; in one folder, the one with more
    entities.

    Parameters
    ----------
    row : mapping or Series
        A row of `index_dataset`, or anything with ``path``.

    Returns
    -------
    dict
        Empty where no JSON file applies.

    Raises
    ------
    ScanFault
        If one of the JSON files cannot be read.
    """
    path = Path(row["path"])
    merged: dict[str, Any] = {}
    for place in _applying(path):
        merged = _read_json(place) | merged
    return merged


def _applying(path: Path) -> Iterator[Path]:
    """Yield the JSON files that apply to a file, nearest first, up to the root of its dataset or derivative."""
    entities, suffix, _ = parse_name(path.name)
    for folder in path.parents:
        found = []
        for place in folder.glob(f"*{suffix}.json"):
            own, own_suffix, extension = parse_name(place.name)
            if own_suffix == suffix and extension == ".json" and own.items() <= entities.items():
                found.append((-len(own), place))
        yield from (place for _, place in sorted(found))
        if (folder / DESCRIPTION).is_file():
            return


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScanFault(path.name, f"is not readable JSON: {error}", "mend or remove the file") from None
    if not isinstance(content, dict):
        raise ScanFault(path.name, "holds no keys and values", "mend or remove the file")
    return content
