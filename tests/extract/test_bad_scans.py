"""A scan whose files break a rule fails with words that say where, what and what to do; the other scans are measured."""

from __future__ import annotations

import gzip
import html
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from imaged_study import (
    PEOPLE,
    SCANS,
    command,
    edit,
    extracted,
    of_scan,
    only,
    planned,
    save,
    scan_file,
    table,
)

Find = Callable[[str], Path]

DWI, BOLD = "dwi/*_dwi.nii.gz", "func/*_bold.nii.gz"
CONFOUNDS, BOLD_JSON = "func/*_timeseries.tsv", "func/*_bold.json"
SESSIONS = [(PEOPLE[0], "01"), *[(person, session) for person in PEOPLE[1:] for session in ("01", "02")]]
VISITS = {"01": "baseline", "02": "day90"}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def mirror(path: Path) -> None:
    image = nibabel.load(path)
    save(np.asanyarray(image.dataobj)[::-1], image.affine, path)


def without_a_slice(path: Path) -> None:
    image = nibabel.load(path)
    save(np.asanyarray(image.dataobj)[..., :-1], image.affine, path)


def shifted(path: Path) -> None:
    image = nibabel.load(path)
    affine = image.affine.copy()
    affine[2, 3] += 1
    save(np.asanyarray(image.dataobj), affine, path)


def elsewhere(path: Path) -> None:
    """Say that an image stands in another space."""
    path.rename(path.with_name(re.sub("_space-[A-Za-z0-9]+", "_space-scanner", path.name)))


def far_away(path: Path) -> None:
    image = nibabel.load(path)
    affine = image.affine.copy()
    affine[1, 3] += 500
    save(np.asanyarray(image.dataobj), affine, path)


def two_minds(path: Path) -> None:
    """Let sform and qform of the same space contradict each other."""
    image = nibabel.load(path)
    turned = image.affine.copy()
    turned[0] *= -1
    image.set_sform(image.affine, 1)
    image.set_qform(turned, 1)
    nibabel.save(nibabel.Nifti1Image(np.asanyarray(image.dataobj), None, image.header), path)


def labelled(path: Path) -> None:
    image = nibabel.load(path)
    mask = np.asanyarray(image.dataobj).astype(np.uint8)
    save(mask * np.random.default_rng(0).integers(1, 4, mask.shape, dtype=np.uint8), image.affine, path)


def five_dimensions(path: Path) -> None:
    image = nibabel.load(path)
    save(np.asanyarray(image.dataobj)[..., None, :], image.affine, path)


def emptied(path: Path) -> None:
    image = nibabel.load(path)
    save(np.zeros(image.shape, np.uint8), image.affine, path)


def one_volume(path: Path) -> None:
    image = nibabel.load(path)
    save(np.asanyarray(image.dataobj)[..., 0], image.affine, path)


def flat(path: Path) -> None:
    """Put two axes of the image on one line of space."""
    image = nibabel.load(path)
    header = image.header.copy()
    affine = image.affine.copy()
    affine[1] = affine[0]
    header.set_sform(affine, 1)
    header.set_qform(None, 0)
    values = np.asanyarray(image.dataobj).tobytes(order="F")
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + values))


def without_time(path: Path) -> None:
    """Take the repetition time out of the header."""
    image = nibabel.load(path)
    save(np.asanyarray(image.dataobj), image.affine, path)
    image = nibabel.load(path)
    header = image.header.copy()
    header["pixdim"][4] = 0
    nibabel.save(nibabel.Nifti1Image(np.asanyarray(image.dataobj), None, header), path)


def words(path: Path, change: Callable[[list[list[str]]], list[list[str]]], gap: str | None = None) -> None:
    rows = [line.split(gap) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join((gap or " ").join(row) + "\n" for row in change(rows)), encoding="utf-8")


def without_column(path: Path, name: str) -> None:
    def _change(rows: list[list[str]]) -> list[list[str]]:
        place = rows[0].index(name)
        return [row[:place] + row[place + 1 :] for row in rows]

    words(path, _change, "\t")


def filled(path: Path, name: str, value: str, lines: slice) -> None:
    def _change(rows: list[list[str]]) -> list[list[str]]:
        place = rows[0].index(name)
        for row in rows[lines]:
            row[place] = value
        return rows

    words(path, _change, "\t")


def of_json(path: Path, **values: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | values
    content = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(content), encoding="utf-8")


FAULTS: dict[str, tuple[str, Callable[[Find], None], str]] = {
    "image cut off": (
        "dwi", lambda find: cut(find(DWI)),
        r"_desc-preproc_dwi\.nii\.gz: is cut off or damaged: .+ \(remedy: copy or make the file again\)",
    ),
    "image of 0 bytes": (
        "dwi", lambda find: find(DWI).write_bytes(b""),
        r"_desc-preproc_dwi\.nii\.gz: is empty \(0 bytes\) \(remedy: copy or make the file again\)",
    ),
    "no image": (
        "dwi", lambda find: find(DWI).write_text("a page that asks for a password", encoding="utf-8"),
        r"_desc-preproc_dwi\.nii\.gz: is no readable image: .+ \(remedy: make the file again\)",
    ),
    "one volume": (
        "dwi", lambda find: one_volume(find(DWI)),
        r"_desc-preproc_dwi\.nii\.gz: must have 4 dimensions, it is 30 x 36 x 30 \(remedy: name the right file\)",
    ),
    "five dimensions": (
        "dwi", lambda find: five_dimensions(find(DWI)),
        r"_dwi\.nii\.gz: must have 4 dimensions, it is 30 x 36 x 30 x 1 x 22 \(remedy: name the right file\)",
    ),
    "two coordinate systems": (
        "dwi", lambda find: two_minds(find(DWI)),
        r"_dwi\.nii\.gz: its sform and its qform disagree by \d+\.\d mm \(remedy: find out which one is right, and set both to it\)",
    ),
    "lesion far away": (
        "dwi", lambda find: far_away(find("dwi/*_label-lesion_mask.nii.gz")),
        r"_label-lesion_mask\.nii\.gz: does not overlap with \S+_dwi\.nii\.gz, though both are said to be in the space ACPC",
    ),
    "region with labels": (
        "dwi", lambda find: labelled(find("dwi/*_hemi-L_*_label-CST_mask.nii.gz")),
        r"_label-CST_mask\.nii\.gz: holds values from 0 to 3, which are neither a mask nor weights of 0 to 1",
    ),
    "a direction that is no number": (
        "dwi", lambda find: words(find("dwi/*.bvec"), lambda rows: [["nan" if n == 5 else value for n, value in enumerate(row)] for row in rows]),
        r"_dwi\.bvec: the direction of volume 5 has no unit length",
    ),
    "an affine without depth": (
        "dwi", lambda find: flat(find("dwi/*_desc-brain_mask.nii.gz")),
        r"_desc-brain_mask\.nii\.gz: its affine is no coordinate system",
    ),
    "b-values unlike the volumes": (
        "dwi", lambda find: words(find("dwi/*.bval"), lambda rows: [rows[0][:-1]]),
        r"_dwi\.bval: has 21 entries, the image has 22 volumes \(remedy: take the gradients that belong to this image\)",
    ),
    "directions unlike the volumes": (
        "dwi", lambda find: words(find("dwi/*.bvec"), lambda rows: [row[:-2] for row in rows]),
        r"_dwi\.bvec: has 20 entries, the image has 22 volumes",
    ),
    "a direction without unit length": (
        "dwi", lambda find: words(find("dwi/*.bvec"), lambda rows: [[*row[:4], "0", *row[5:]] for row in rows]),
        r"_dwi\.bvec: the direction of volume 4 has no unit length",
    ),
    "b-values that are words": (
        "dwi", lambda find: find("dwi/*.bval").write_text("b0 b1000", encoding="utf-8"),
        r"_dwi\.bval: holds no table of numbers",
    ),
    "no unweighted volume": (
        "dwi", lambda find: words(find("dwi/*.bval"), lambda rows: [["1000"] * len(rows[0])]),
        r"_dwi\.bval: no volume has b of at most 50 \(remedy: raise `tensor: b0_threshold` in study\.yaml\)",
    ),
    "too high b-values": (
        "dwi", lambda find: words(find("dwi/*.bval"), lambda rows: [["0"] * 2 + ["2000"] * (len(rows[0]) - 2)]),
        r"_dwi\.bvec: has 0 directions up to b = 1500, a tensor needs 6",
    ),
    "lesion mask on another grid": (
        "dwi", lambda find: (without_a_slice(path := find("dwi/*_label-lesion_mask.nii.gz")), elsewhere(path)),
        (r"_label-lesion_mask\.nii\.gz: stands on another grid \(30 x 36 x 29\) than \S+_dwi\.nii\.gz \(30 x 36 x 30\),"
        r" or elsewhere in space \(remedy: resample it to that image, or name the space of both \(space-\)\)"),
    ),
    "region elsewhere in space": (
        "dwi", lambda find: (shifted(path := find("dwi/*_hemi-R_*_label-PLIC_mask.nii.gz")), elsewhere(path)),
        r"_hemi-R_\S+_label-PLIC_mask\.nii\.gz: stands on another grid",
    ),
    "mirrored region": (
        "dwi", lambda find: mirror(find("dwi/*_hemi-L_*_label-CST_mask.nii.gz")),
        (r"_hemi-L_\S+_label-CST_mask\.nii\.gz: is named for the left hemisphere, but its centre lies at x = \d+\.\d mm"
        r" \(remedy: mend the header, or the name: left is negative\)"),
    ),
    "empty region": (
        "dwi", lambda find: emptied(find("dwi/*_hemi-L_*_label-PLIC_mask.nii.gz")),
        r"_label-PLIC_mask\.nii\.gz: is an empty mask \(remedy: make the region again\)",
    ),
    "empty brain mask": (
        "dwi", lambda find: emptied(find("dwi/*_desc-brain_mask.nii.gz")),
        r"_desc-brain_mask\.nii\.gz: is an empty mask",
    ),
    "missing region": (
        "dwi", lambda find: find("dwi/*_hemi-R_*_label-CST_mask.nii.gz").unlink(),
        r"dwi/: there is no cst_right: looked for \*_hemi-R_\*_label-CST_mask\.nii\.gz \(remedy: add the file, or rename it\)",
    ),
    "missing b-values": (
        "dwi", lambda find: find("dwi/*.bval").unlink(),
        r"dwi/: there is no bval: looked for \*_desc-preproc_dwi\.bval",
    ),
    "BOLD cut off": (
        "bold", lambda find: cut(find(BOLD)), r"_desc-preproc_bold\.nii\.gz: is cut off or damaged",
    ),
    "missing confounds column": (
        "bold", lambda find: without_column(find(CONFOUNDS), "rot_y"),
        (r"_timeseries\.tsv: lacks the column rot_y, which the strategy 24p needs"
        r" \(remedy: take the table that fMRIPrep wrote, with all its columns\)"),
    ),
    "confounds rows unlike the volumes": (
        "bold", lambda find: words(find(CONFOUNDS), lambda rows: rows[:-3], "\t"),
        r"_timeseries\.tsv: has 147 rows, the image has 150 volumes \(remedy: take the table that belongs to this image\)",
    ),
    "a confound without a number": (
        "bold", lambda find: filled(find(CONFOUNDS), "trans_z", "n/a", slice(7, 8)),
        r"_timeseries\.tsv: has no number in retained volumes, counted from 1: trans_z \(volume 7\)",
    ),
    "missing confounds": (
        "bold", lambda find: find(CONFOUNDS).unlink(),
        r"func/: there is no confounds: looked for \*_desc-confounds_timeseries\.tsv",
    ),
    "no RepetitionTime": (
        "bold", lambda find: (of_json(find(BOLD_JSON), RepetitionTime=None), without_time(find("func/*_desc-preproc_bold.nii.gz"))),
        r"_bold\.json: gives no RepetitionTime, and there is none in a header \(remedy: add it to the sidecar, in seconds\)",
    ),
    "RepetitionTime in milliseconds": (
        "bold", lambda find: of_json(find(BOLD_JSON), RepetitionTime=2000),
        r"_bold\.json: RepetitionTime is 2000 \(remedy: give it in seconds, above 0\)",
    ),
    "a sidecar that is no JSON": (
        "bold", lambda find: find(BOLD_JSON).write_text("{", encoding="utf-8"),
        r"_bold\.json: gives no RepetitionTime that can be read",
    ),
    "RepetitionTime too long for the band": (
        "bold", lambda find: of_json(find(BOLD_JSON), RepetitionTime=6.0),
        r"RepetitionTime: volumes every 6 s cannot show 0\.1 Hz \(remedy: lower `cleaning: low_pass` in study\.yaml\)",
    ),
    "motion in nearly every volume": (
        "bold", lambda find: filled(find(CONFOUNDS), "framewise_displacement", "0.9", slice(20, None)),
        (r"motion: \d+ of 150 volumes have a framewise displacement of at most 0\.5 mm: 0\.\d min, at least 2 are needed"
        r" \(remedy: lower `cleaning: min_minutes`, or leave the scan out by a decision\)"),
    ),
    "lesion mask of the BOLD scan on another grid": (
        "bold", lambda find: (without_a_slice(path := find("func/*_label-lesion_mask.nii.gz")), elsewhere(path)),
        r"_label-lesion_mask\.nii\.gz: stands on another grid \(26 x 30 x 24\)",
    ),
    "a brain without nodes": (
        "bold", lambda find: emptied(find("func/*_desc-brain_mask.nii.gz")),
        (r"_bold\.nii\.gz: 0 of 12 nodes lie inside the brain mask"
        r" \(remedy: check the space of the image: nodes are in the space of their table\)"),
    ),
    "mirrored lesion": (
        "bold", lambda find: mirror(find("func/*_label-lesion_mask.nii.gz")),
        (r"_label-lesion_mask\.nii\.gz: participants says that the lesion is on the side '(left|right)',"
        r" the mask says '(left|right)' \((0|100)% of the lesion is left of the midline\) \(remedy: correct the table or"
        r" the mask, or declare `imaging: trust: table` or `mask` in study\.yaml\)"),
    ),
}  # fmt: skip


def places() -> Iterator[tuple[str, int, str, str, str]]:
    """Yield each fault with a scan of its own: number of the copy of the study, participant, session, modality."""
    seen = {"dwi": 0, "bold": 0}
    for name, (modality, *_) in FAULTS.items():
        copy, session = divmod(seen[modality], len(SESSIONS))
        seen[modality] += 1
        yield name, copy, *SESSIONS[session], modality


@pytest.fixture(scope="module")
def broken(extracted_study, tmp_path_factory):
    """Copies of the study with all faults, extracted: the copy and the scan of each fault."""
    folder = tmp_path_factory.mktemp("broken")
    found = {}
    for name, copy, participant, session, modality in places():
        study = folder / str(copy)
        if not study.exists():
            shutil.copytree(extracted_study, study)
        find = lambda pattern, own=study, who=participant, when=session: scan_file(own, pattern, who, when)  # noqa: E731
        FAULTS[name][1](find)
        found[name] = (study, participant, VISITS[session], modality)
    done = {study: extracted(study) for study in {place[0] for place in found.values()}}
    return {name: (done[study], study, *scan) for name, (study, *scan) in found.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_where_it_is_with_a_remedy(broken, name):
    extraction, study, participant, visit, modality = broken[name]
    scan = f"{participant}_{visit}_{modality}"
    (told,) = [outcome.reason for outcome in extraction.failed if outcome.unit == scan]
    assert re.search(FAULTS[name][2], told)
    (status,) = of_scan(table(study, "status"), modality, participant, visit).to_dict("records")
    assert (status["step"], status["state"]) == ("extract", "failed")
    assert status["reason"] == told
    album = (study / "extraction" / "pictures.html").read_text(encoding="utf-8")
    assert f"{participant}, {visit}, {modality}: {html.escape(told)}" in album
    assert str(study.parent) not in told
    features = of_scan(table(study, "features"), modality, participant, visit)
    assert (features["status"] == "failed").all()
    assert features["value"].isna().all()
    assert (features["reason"] == status["reason"]).all()


def test_every_fault_is_the_only_one_of_its_scan(broken):
    for extraction, study in {(id(place[0]), place[1]): place[:2] for place in broken.values()}.values():
        own = {place[2:] for place in broken.values() if place[1] == study}
        assert len(extraction.failed) == len(own)
        assert len(extraction.outcomes) == SCANS


def test_the_table_of_features_stays_a_complete_grid(broken, extracted_study):
    key = [
        "participant_id", "visit", "modality", "feature", "definition", "region", "hemisphere", "side", "statistic", "method",
        "lesion_policy", "threshold",
    ]  # fmt: skip
    whole = table(extracted_study, "features")
    assert not whole.duplicated(key).any()
    for study in {place[1] for place in broken.values()}:
        assert table(study, "features")[key].equals(whole[key])


def test_the_command_ends_with_1_names_the_scan_and_measures_the_others(study):
    only(study)
    shutil.rmtree(study / "extraction")
    cut(scan_file(study, DWI))
    done = command(study)
    assert done.exit_code == 1
    assert "4 of 4 scans measured now" in done.output
    assert (
        "failed: sub-002_baseline_dwi: sub-002_ses-01_space-ACPC_desc-preproc_dwi.nii.gz: is cut off"
        in done.output
    )
    assert "Traceback" not in done.output
    status = table(study, "status").query("participant_id == 'sub-002'")
    assert status["state"].tolist() == ["failed", "ok", "ok", "ok"]
    features = table(study, "features").query("participant_id == 'sub-002'")
    failed = of_scan(features, "dwi")
    assert (failed["status"] == "failed").all()
    others = features.drop(failed.index)
    assert not others["status"].isin(["failed", "missing_input", "low_coverage"]).any()
    assert others.query("lesion_policy in ('include', 'exclude', 'not_applicable')")["value"].notna().all()


@pytest.mark.parametrize("trust", ["table", "mask"])
def test_a_contradicting_side_goes_through_where_one_source_is_trusted(study, trust):
    only(study, session="01")
    for pattern in ("dwi/*_label-lesion_mask.nii.gz", "func/*_label-lesion_mask.nii.gz"):
        mirror(scan_file(study, pattern))
    edit(study / "study.yaml", "  derivatives: [", f"  trust: {trust}\n  derivatives: [")
    assert not extracted(study).failed
    features = table(study, "features")
    side = {"table": "right", "mask": "left"}[trust]
    told = f"table and mask disagree about the side of the lesion (100% of the lesion is left of the midline); the {trust} is trusted"
    for modality in ("dwi", "bold"):
        rows = of_scan(features, modality)
        rows = rows.dropna(subset="value")
        assert (rows["status"] == "flagged").all()
        assert rows["reason"].str.contains(told, regex=False).all()
        assert (rows.query("side == 'ipsilesional'")["hemisphere"] == side).all()


def test_a_visit_without_files_is_skipped_and_keeps_its_rows(extracted_study):
    assert len(planned(extracted_study).made) == SCANS
    for modality in ("dwi", "bold"):
        (status,) = of_scan(table(extracted_study, "status"), modality, "sub-001", "day90").to_dict("records")
        assert status["state"] == "skipped"
        assert status["reason"] == "the scan was not made: there is no image"
        rows = of_scan(table(extracted_study, "features"), modality, "sub-001", "day90")
        made = of_scan(table(extracted_study, "features"), modality, "sub-001", "baseline")
        assert (rows["status"] == "missing_input").all()
        assert rows["value"].isna().all()
        columns = ["feature", "region", "hemisphere", "side", "lesion_policy", "unit"]
        assert np.array_equal(rows[columns], made[columns])
