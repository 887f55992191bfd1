"""What is up to date is not measured again, what is killed goes on, and the tables do not tell how they were made."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from imaged_study import SCANS, command, edit, extracted, only, save, scan_file, table

from neurotrial.shards import SIDECAR


def tables(study: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (study / "tables").iterdir()}


def ran(extraction) -> dict[str, str]:
    return {outcome.unit: outcome.why for outcome in extraction.outcomes if outcome.seconds}


def sidecars(study: Path) -> dict[str, int]:
    """Return when the shard of each scan was finished; those of participants have no visit in their name."""
    return {
        path.parent.name: path.stat().st_mtime_ns for path in study.glob(f"extraction/shards/*_*_*/{SIDECAR}")
    }


def forget(study: Path, people: str) -> None:
    """Remove the shards of some people, and every table that is made of shards."""
    for shard in study.glob(f"extraction/shards/{people}_*"):
        shutil.rmtree(shard)
    for path in (study / "tables").glob("*.json"):
        for suffix in (".json", ".parquet", ".tsv"):
            path.with_suffix(suffix).unlink()


def test_a_second_run_measures_nothing_and_leaves_the_tables_alone(study):
    before = tables(study)
    done = command(study)
    assert done.exit_code == 0
    assert f"0 of {SCANS} scans measured now, the others were up to date" in done.output
    assert tables(study) == before


def test_a_changed_lesion_mask_measures_that_scan_again(study):
    path = scan_file(study, "dwi/*_label-lesion_mask.nii.gz")
    image = nibabel.load(path)
    mask = np.asanyarray(image.dataobj).copy()
    mask[tuple(np.argwhere(mask)[0])] = 0
    save(mask, image.affine, path)
    before = table(study, "lesions")
    done = extracted(study)
    assert ran(done) == {"sub-002_baseline_dwi": "changed: lesion"}
    assert [one.unit for one in done.visits if one.seconds] == ["sub-002_dwi"]
    after = table(study, "lesions")
    changed = before["volume_ml"] != after["volume_ml"]
    assert before[changed][["participant_id", "visit"]].to_numpy().tolist() == [["sub-002", "baseline"]]
    # the other visit still has the voxel in its mask: the union has it too
    assert after["used_ml"].equals(before["used_ml"])


@pytest.mark.parametrize(
    ("old", "new", "modality"),
    [("fit: wls", "fit: ols", "dwi"), ("density_threshold: 0.3", "density_threshold: 0.4", "bold")],
)
def test_a_changed_setting_measures_only_what_rests_on_it(study, old, new, modality):
    only(study)
    before = table(study, "features").query("participant_id == 'sub-002'")
    edit(study / "study.yaml", old, new)
    assert ran(extracted(study)) == {
        f"sub-002_{visit}_{modality}": "settings or code have changed" for visit in ("baseline", "day90")
    }
    after = table(study, "features").query("participant_id == 'sub-002'")
    for own, same in ((modality, False), ({"dwi": "bold", "bold": "dwi"}[modality], True)):
        rows = [part[part["modality"] == own].reset_index(drop=True) for part in (before, after)]
        assert rows[1].equals(rows[0]) is same


def test_changed_streamlines_measure_their_participant_again_and_no_scan(study):
    only(study, session="01")
    edit(study / "study.yaml", "regions: {", "regions: {secondary: [streamlines], ")
    path = scan_file(study, "dwi/*_dwi.nii.gz").parent / "CST_left.tck"
    edit(study / "study.yaml", "  derivatives: [", "  producers: mine.toml\n  derivatives: [")
    patterns = '[common.dwi]\nstreamlines_cst_left = [{name = "CST_left.tck"}]\n'
    (study / "mine.toml").write_text(patterns, encoding="utf-8")

    def write(count):
        line = np.column_stack([np.full(40, -20.0), np.full(40, -15.0), np.linspace(50, -30, 40)])
        lines = [line + np.array([0.3 * number, 0, 0]) for number in range(count)]
        tractogram = nibabel.streamlines.Tractogram(lines, affine_to_rasmm=np.eye(4))
        nibabel.streamlines.save(tractogram, str(path))
        return extracted(study)

    write(6)
    done = write(7)
    assert ran(done) == {}
    assert [one.why for one in done.visits if one.seconds] == [
        "changed: sub-002_baseline_dwi streamlines_cst_left"
    ]
    rows = table(study, "features").query(
        "method == 'streamlines' and statistic == 'mean' and hemisphere == 'left'"
    )
    assert set(rows.query("participant_id == 'sub-002' and visit == 'baseline'")["n"]) == {7}


def test_changed_nodes_measure_every_bold_scan_again(study):
    only(study)
    edit(study / "nodes.tsv", "m1_l\tm1\tleft\t-38.0", "m1_l\tm1\tleft\t-39.0")
    assert ran(extracted(study)) == {
        f"sub-002_{visit}_bold": "changed: nodes" for visit in ("baseline", "day90")
    }


def test_a_corrected_lesion_side_measures_that_person_again(study):
    edit(study / "bids" / "participants.tsv", "right", "left")
    assert ran(extracted(study)) == {}
    edit(study / "tables" / "participants.tsv", "female\tright", "female\tleft")
    done = extracted(study)
    assert {name[:7] for name in ran(done)} == {"sub-002"}
    assert len(done.failed) == 4


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill -9")
def test_a_killed_run_of_two_processes_goes_on_in_one_and_leaves_what_one_leaves(study, extracted_study):
    forget(study, "sub-00[24]")
    left = SCANS - len(sidecars(study))
    program = [sys.executable, "-m", "neurotrial", "extract", str(study), "--jobs", "2"]
    process = subprocess.Popen(
        program, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(sidecars(study)) < SCANS - left + 2:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = sidecars(study)
    assert SCANS - left < len(kept) < SCANS
    done = command(study)
    assert done.exit_code == 0, done.output
    assert f"{SCANS - len(kept)} of {SCANS} scans measured now" in done.output
    after = sidecars(study)
    assert len(after) == SCANS
    assert {name: after[name] for name in kept} == kept
    assert tables(study) == tables(extracted_study)
    for path in extracted_study.glob("extraction/shards/*/*.p*"):
        assert (study / path.relative_to(extracted_study)).read_bytes() == path.read_bytes()


def test_what_a_person_decided_stays_as_it_is(study):
    path = study / "tables" / "decisions.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("sub-004")]
    kept[1] = "sub-001\tbaseline\t\tdwi\tfalse\tK. M.\tghosts in every volume\t2026-02-03"
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    before = table(study, "decisions")
    extracted(study)
    after = table(study, "decisions")
    assert after.head(len(before)).equals(before)
    added = after.iloc[len(before) :]
    assert (added["participant_id"] == "sub-004").all()
    assert len(added) == 4
    assert (added["by"] == "undecided").all()
    assert added["include"].all()
    assert added["date"].isna().all()
    text = path.read_bytes()
    extracted(study)
    assert path.read_bytes() == text


def test_abort_stops_at_the_first_fault_and_writes_no_table(study):
    shutil.rmtree(study / "extraction")
    scan_file(study, "dwi/*_dwi.nii.gz").write_bytes(b"")
    before = tables(study)
    done = command(study, "--on-error", "abort")
    assert done.exit_code == 1
    assert "failed: sub-002_baseline_dwi: " in done.output
    assert "Tables:" not in done.output
    assert set(sidecars(study)) == {"sub-001_baseline_dwi", "sub-001_baseline_bold", "sub-002_baseline_dwi"}
    assert tables(study) == before
