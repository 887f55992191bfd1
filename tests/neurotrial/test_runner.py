"""The runner: nothing is lost, nothing is done twice, and one failure leaves the others alone."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest

from neurotrial.errors import NeurotrialError
from neurotrial.executors import SerialExecutor, open_executor
from neurotrial.runner import RUNS, Unit, UnitFault, run_units, unit_folder
from neurotrial.shards import PICTURE, SIDECAR, Shard, read_shard_tables, read_sidecar


def measure(path: Path) -> Shard:
    text = path.read_text(encoding="utf-8")
    if text == "broken":
        raise UnitFault(f"{path.name}: is broken")
    if text == "bug":
        raise ZeroDivisionError("by nought")
    return Shard({"quality": pd.DataFrame({"value": [float(text)]})}, {PICTURE: b"png"})


def unit(path: Path, **spec: object) -> Unit:
    return Unit(path.stem, {"scan": path}, spec, functools.partial(measure, path))


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"scan{number}.txt" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_text(str(number), encoding="utf-8")
    return paths


def run(scans: list[Path], **more: object) -> dict[str, tuple[str, str]]:
    spec = more.pop("spec", {})
    units = [unit(path, **spec) for path in scans]
    outcomes = run_units(units, scans[0].parent, SerialExecutor(), **{"code": "1", **more})
    return {outcome.unit: (outcome.state, outcome.why) for outcome in outcomes}


def runs(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / RUNS).read_text(encoding="utf-8").splitlines()]


def test_a_second_run_repeats_nothing(scans, tmp_path):
    first = run(scans)
    assert set(first.values()) == {("ok", "there is no whole shard")}
    assert set(run(scans).values()) == {("ok", "up to date")}
    assert [line["unit"] for line in runs(tmp_path)] == [path.stem for path in scans]
    folder = unit_folder(tmp_path, "scan3")
    assert read_shard_tables(folder)["quality"]["value"].tolist() == [3.0]
    assert (folder / PICTURE).read_bytes() == b"png"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda scans: scans[1].write_text("77", encoding="utf-8"), "changed: scan"),
        (lambda scans: (unit_folder(scans[0].parent, "scan1") / SIDECAR).unlink(), "there is no whole shard"),
        (
            lambda scans: (unit_folder(scans[0].parent, "scan1") / PICTURE).write_bytes(b"half"),
            "there is no whole shard",
        ),
        (
            lambda scans: (unit_folder(scans[0].parent, "scan1") / SIDECAR).write_text("{", encoding="utf-8"),
            "there is no whole shard",
        ),
    ],
    ids=["input", "no sidecar", "shard damaged", "sidecar cut off"],
)
def test_only_what_changed_runs_again_and_says_why(scans, change, why):
    run(scans)
    change(scans)
    again = run(scans)
    assert again.pop("scan1") == ("ok", why)
    assert set(again.values()) == {("ok", "up to date")}


def test_a_setting_and_a_code_version_run_everything_again(scans):
    run(scans)
    assert set(run(scans, spec={"fit": "ols"}).values()) == {("ok", "settings or code have changed")}
    assert set(run(scans, spec={"fit": "ols"}, code="2").values()) == {
        ("ok", "settings or code have changed")
    }


def test_an_input_touched_without_change_is_hashed_and_not_run(scans):
    run(scans)
    os.utime(scans[2], ns=(1, 1))
    assert run(scans)["scan2"] == ("ok", "up to date")


def test_a_fault_is_kept_with_its_reason_and_the_others_go_on(scans, tmp_path):
    scans[1].write_text("broken", encoding="utf-8")
    assert [state for state, _ in run(scans).values()] == ["ok", "failed", "ok", "ok"]
    assert run(scans)["scan1"] == ("failed", "up to date")
    assert read_sidecar(unit_folder(tmp_path, "scan1"))["reason"] == "scan1.txt: is broken"
    scans[1].write_text("5", encoding="utf-8")
    assert run(scans)["scan1"] == ("ok", "changed: scan")


def test_an_unexpected_error_is_a_failure_that_is_tried_again(scans):
    scans[0].write_text("bug", encoding="utf-8")
    assert run(scans)["scan0"][0] == "failed"
    assert run(scans)["scan0"] == ("failed", "it failed in a way that the inputs do not explain")


def test_abort_stops_at_the_first_failure(scans, tmp_path):
    scans[1].write_text("broken", encoding="utf-8")
    assert list(run(scans, on_error="abort")) == ["scan0", "scan1"]
    assert not unit_folder(tmp_path, "scan2").exists()


def test_processes_leave_the_same_shards_as_one_after_the_other(tmp_path):
    shards = {}
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        paths = [folder / f"scan{number}.txt" for number in range(3)]
        for number, path in enumerate(paths):
            path.write_text(str(number), encoding="utf-8")
        with open_executor(jobs) as executor:
            outcomes = run_units([unit(path) for path in paths], folder, executor, code="1")
        assert [outcome.unit for outcome in outcomes] == ["scan0", "scan1", "scan2"]
        shards[jobs] = {
            path.relative_to(folder): path.read_bytes() for path in folder.glob("shards/*/*.parquet")
        }
    assert shards[1] == shards[2]
    assert len(shards[1]) == 3


def die(_: Path) -> Shard:
    os._exit(1)


def test_a_process_that_dies_is_named_and_nothing_finished_is_lost(scans):
    units = [Unit("dies", {"scan": scans[0]}, {}, functools.partial(die, scans[0]))]
    with pytest.raises(NeurotrialError, match="finished scans are kept"), open_executor(2) as executor:
        run_units(units, scans[0].parent, executor, code="1")


KILLED = """
    import functools, sys, time
    from pathlib import Path
    import pandas as pd
    from neurotrial.executors import SerialExecutor
    from neurotrial.runner import Unit, run_units
    from neurotrial.shards import Shard

    def slow(number):
        time.sleep(0.15)
        return Shard({"quality": pd.DataFrame({"value": [float(number)]})})

    folder = Path(sys.argv[1])
    scan = folder / "scan.txt"
    units = [Unit(f"unit{n:02d}", {"scan": scan}, {"n": n}, functools.partial(slow, n)) for n in range(12)]
    run_units(units, folder, SerialExecutor(), code="1")
"""


def test_a_killed_run_loses_nothing_and_repeats_nothing(tmp_path):
    (tmp_path / "scan.txt").write_text("1", encoding="utf-8")
    program = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    process = subprocess.Popen(program)
    while len(list(tmp_path.glob(f"shards/*/{SIDECAR}"))) < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path.parent.name: path.stat().st_mtime_ns for path in tmp_path.glob(f"shards/*/{SIDECAR}")}
    assert 4 <= len(kept) < 12
    subprocess.run(program, check=True)
    after = {path.parent.name: path.stat().st_mtime_ns for path in tmp_path.glob(f"shards/*/{SIDECAR}")}
    assert {name: after[name] for name in kept} == kept
    assert len(after) == 12
    assert set(kept) < set(after)
