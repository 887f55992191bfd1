"""Shards: the tables and other files that one unit of work leaves, with a sidecar that says what they rest on.

A shard is a folder. Its files are written one by one under other names and put in place; the sidecar comes last, so
that a shard without one, or with one whose hashes do not fit, was interrupted and is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from neurotrial.paths import file_hash, replacing, write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PICTURE",
    "Shard",
    "input_hashes",
    "read_shard_tables",
    "read_sidecar",
    "shard_key",
    "write_shard",
]

SIDECAR = "shard.json"
PICTURE = "picture.png"
"""Name of a scan's picture for quality control in its shard."""
State = Literal["ok", "failed"]


@dataclass(frozen=True, slots=True)
class Shard:
    """What a unit of work gives.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Rows by table name; none for a unit that failed.
    files : mapping of str to bytes
        Other files by name: letters, digits, ``-``, ``_`` and an extension, e.g. `PICTURE`.
    state : {"ok", "failed"}
        A failure is as lasting as the inputs that cause it: it is kept, and not tried again until one of them changes.
    reason : str
        Why it failed; empty where it did not.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    state: State = "ok"
    reason: str = ""


def shard_key(spec: Mapping[str, Any], inputs: Mapping[str, str], code: str) -> str:
    """Return the BLAKE2b digest (32 hex digits) of everything that can change a shard.

    Parameters
    ----------
    spec : mapping
        The settings that matter to the unit, as JSON values.
    inputs : mapping of str to str
        Hash of each input file by its role.
    code : str
        Version of the code that does the work.
    """
    text = json.dumps([spec, dict(inputs), code], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def input_hashes(
    files: Mapping[str, Path], known: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Hash input files, and take the hash of an earlier run for those whose size and time are what they were.

    Parameters
    ----------
    files : mapping of str to Path
        Input files by role.
    known : mapping
        The ``inputs`` of a sidecar: size, modification time in ns and hash by role.

    Returns
    -------
    dict of str to str
        Hash by role; ``missing`` where there is no file.
    dict of str to list
        Size, time and hash by role, for the sidecar.
    """
    hashes, record = {}, {}
    for role, path in sorted(files.items()):
        if not path.is_file():
            hashes[role] = "missing"
            continue
        stat = path.stat()
        seen = [stat.st_size, stat.st_mtime_ns]
        old = known.get(role)
        hashes[role] = old[2] if old and list(old[:2]) == seen else file_hash(path)
        record[role] = [*seen, hashes[role]]
    return hashes, record


def write_shard(folder: Path, shard: Shard, key: str, inputs: Mapping[str, Any]) -> None:
    """Write a shard: the old sidecar goes first, the new one comes last.

    Parameters
    ----------
    folder : Path
        The shard's own folder; made where it does not exist.
    shard : Shard
        What to write.
    key : str
        As `shard_key` gives it.
    inputs : mapping
        The record of `input_hashes`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SIDECAR).unlink(missing_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    files = []
    for name, frame in shard.tables.items():
        with replacing(folder / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)
        files.append(f"{name}.parquet")
    for name, content in shard.files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
        files.append(name)
    sidecar = {
        "key": key,
        "state": shard.state,
        "reason": shard.reason,
        "files": {name: file_hash(folder / name) for name in files},
        "inputs": dict(inputs),
    }
    write_text(folder / SIDECAR, json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n")


def read_sidecar(folder: Path) -> dict[str, Any] | None:
    """Return the sidecar of a shard whose files are those that it names, None where there is no such shard."""
    try:
        sidecar: dict[str, Any] = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        whole = all(file_hash(folder / name) == digest for name, digest in sidecar["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return sidecar if whole and {"key", "state", "reason", "inputs"} <= set(sidecar) else None


def read_shard_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a shard by name."""
    import pandas as pd

    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
