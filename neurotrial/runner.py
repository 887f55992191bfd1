"""The runner: units of work, skipped where nothing that they rest on has changed, each a pure call that leaves a shard."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from neurotrial.errors import NeurotrialError
from neurotrial.executors import SerialExecutor
from neurotrial.provenance import timestamp
from neurotrial.shards import Shard, input_hashes, read_sidecar, shard_key, write_shard

__all__ = ["OnError", "Outcome", "Unit", "UnitFault", "run_units", "unit_folder"]

OnError = Literal["continue", "abort"]
RUNS = "runs.jsonl"
SHARDS = "shards"
_AHEAD = 64


class UnitFault(NeurotrialError):  # noqa: N818 - a fault of the data, not an error of the program
    """Something is wrong with the inputs of one unit: it fails, the others go on."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work.

    Attributes
    ----------
    name : str
        Names the shard's folder: letters, digits, ``-`` and ``_``; unique.
    files : mapping of str to Path
        Input files by role.
    spec : mapping
        The settings that matter to it, as JSON values.
    work : callable
        Takes nothing, returns a `Shard`; can be pickled. It raises `UnitFault` where its inputs are at fault.
    """

    name: str
    files: Mapping[str, Path]
    spec: Mapping[str, Any]
    work: Callable[[], Shard]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit.

    Attributes
    ----------
    unit : str
        Its name.
    state : {"ok", "failed"}
        Whether it gave its tables.
    reason : str
        Why it failed; empty where it did not.
    why : str
        Why it ran; ``up to date`` where it did not have to.
    seconds, memory_mb : float
        Time of the unit and the largest memory its process had by then; 0 where it did not run.
    """

    unit: str
    state: Literal["ok", "failed"]
    reason: str
    why: str
    seconds: float = 0.0
    memory_mb: float = 0.0


def unit_folder(folder: Path, unit: str) -> Path:
    """Return the folder of a unit's shard."""
    return folder / SHARDS / unit


def run_units(
    units: Sequence[Unit],
    folder: Path,
    executor: Executor,
    *,
    code: str,
    on_error: OnError = "continue",
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Run the units whose shards are not up to date.

    Parameters
    ----------
    units : sequence of Unit
        What is to be done.
    folder : Path
        Holds ``shards/`` and the log ``runs.jsonl``; exists.
    executor : Executor
        Does the work.
    code : str
        Version of the code that does the work.
    on_error : {"continue", "abort"}
        Whether the first failure ends the run; shards that are finished by then stay.
    progress : callable
        Told the name of each unit when it is done.

    Returns
    -------
    list of Outcome
        In the order of the units; with ``abort``, only those that were done.
    """
    done: dict[str, Outcome] = {}
    for outcome in _outcomes(units, folder, executor, code):
        done[outcome.unit] = outcome
        if outcome.seconds:
            _log(folder, outcome)
        progress(outcome.unit)
        if outcome.state == "failed" and on_error == "abort":
            break
    return [done[unit.name] for unit in units if unit.name in done]


def _outcomes(units: Sequence[Unit], folder: Path, executor: Executor, code: str) -> Iterator[Outcome]:
    """Yield outcomes as they come; only a few units are handed over ahead, so that a run can stop early."""
    ahead = 1 if isinstance(executor, SerialExecutor) else _AHEAD
    waiting, running = deque(units), set[Future[Outcome]]()
    try:
        while waiting or running:
            while waiting and len(running) < ahead:
                running.add(executor.submit(run_unit, waiting.popleft(), folder, code))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    except BrokenExecutor as error:
        rule = "a working process ended without a word, most often for want of memory"
        raise NeurotrialError(
            f"{rule} ({error}); finished scans are kept: run again with fewer --jobs"
        ) from None
    finally:
        for future in running:
            future.cancel()


def run_unit(unit: Unit, folder: Path, code: str) -> Outcome:
    """Run one unit if its shard is not up to date, and write the shard."""
    place = unit_folder(folder, unit.name)
    sidecar = read_sidecar(place)
    hashes, record = input_hashes(unit.files, sidecar["inputs"] if sidecar else {})
    key = shard_key(unit.spec, hashes, code)
    if sidecar and sidecar["key"] == key:
        return Outcome(unit.name, sidecar["state"], sidecar["reason"], "up to date")
    why = _why(sidecar, hashes)
    start = time.perf_counter()
    try:
        shard = unit.work()
        lasting = True
    except UnitFault as fault:
        shard, lasting = Shard(state="failed", reason=str(fault)), True
    except Exception as error:  # noqa: BLE001 - one scan must not end the others; what is not understood is tried again
        shard = Shard(state="failed", reason=f"unexpected {type(error).__name__}: {error}")
        lasting = False
    write_shard(place, shard, key if lasting else "none", record)
    seconds = max(time.perf_counter() - start, 1e-6)
    return Outcome(unit.name, shard.state, shard.reason, why, seconds, _memory_mb())


def _why(sidecar: dict[str, Any] | None, hashes: Mapping[str, str]) -> str:
    if sidecar is None:
        return "there is no whole shard"
    if sidecar["key"] == "none":
        return "it failed in a way that the inputs do not explain"
    old = {role: entry[2] for role, entry in sidecar["inputs"].items()}
    changed = [role for role in {**old, **hashes} if old.get(role, "missing") != hashes.get(role, "missing")]
    return f"changed: {', '.join(changed)}" if changed else "settings or code have changed"


def _memory_mb() -> float:
    """Return the largest memory that this process has had, 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1024 * 1024 if platform.system() == "Darwin" else 1024)


def _log(folder: Path, outcome: Outcome) -> None:
    line = {"time": timestamp(), "host": platform.node(), "parent": os.getpid(), **asdict(outcome)}
    with (folder / RUNS).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
