"""The inventory says of every scan what is there, what is missing and what is empty; `check` shows it."""

from __future__ import annotations

import pytest
from bids_files import QSIPREP, dataset, of, put, scans_of

from neurotrial.extract.bids.inventory import HERE, scan_inventory
from neurotrial.extract.extraction import ScanPlan
from neurotrial.summaries import show_scans

MASKS = ("space-ACPC_desc-brain_mask.nii.gz", "space-ACPC_label-lesion_mask.nii.gz")
TRANSFORM = "sub-01/anat/sub-01_from-MNI152NLin2009cAsym_to-ACPC_mode-image_xfm.h5"


def inventory(top, **more):
    return scan_inventory(scans_of(top, **more)[0]).set_index(["participant_id", "visit"])


def test_what_is_missing_is_named(tmp_path):
    top = dataset(tmp_path)
    put(top / QSIPREP, *of("sub-01", "1", *MASKS, "hemi-L_label-CST_mask.nii.gz"), TRANSFORM)
    next((top / QSIPREP).glob("sub-02/ses-1/dwi/*.bval")).unlink()
    next((top / QSIPREP).glob("sub-02/ses-2/dwi/*.nii.gz")).unlink()
    put(top, *of("sub-02", "2", "dwi.nii.gz"))
    rows = inventory(top)
    whole = rows.loc["sub-01", "baseline"]
    columns = ["image", "gradients", "brain", "lesion", "regions", "transform", "maps"]
    assert whole[columns].tolist() == [
        HERE,
        HERE,
        HERE,
        HERE,
        "no cst_right, plic_left, plic_right",
        HERE,
        "no",
    ]
    assert whole["complete"]
    assert not rows.loc["sub-01", "day90"]["complete"]
    assert rows.loc["sub-02", "baseline"]["gradients"] == "no bval"
    raw = rows.loc["sub-02", "day90"]
    assert raw[columns].tolist() == ["no"] * 7
    assert raw["reason"].startswith("sub-02_ses-2_dwi.nii.gz: there is only the scanner's image")
    assert raw[["producer", "preprocessing"]].isna().all()
    assert inventory(top, accept_raw=True).loc["sub-02", "day90"]["preprocessing"] == "minimal"


def test_files_of_0_bytes_are_named(tmp_path):
    top = dataset(tmp_path)
    put(top / QSIPREP, *of("sub-01", "1", *MASKS), TRANSFORM)
    put(
        top / QSIPREP,
        *of("sub-01", "1", "space-ACPC_desc-preproc_dwi.nii.gz", "space-ACPC_desc-preproc_dwi.bvec"),
        text="",
    )
    row = inventory(top).loc["sub-01", "baseline"]
    assert (row["image"], row["gradients"]) == ("0 bytes: dwi", "0 bytes: bvec")
    assert not row["complete"]


def test_a_link_whose_content_was_not_fetched_is_empty(tmp_path):
    top = dataset(tmp_path)
    image = top / QSIPREP / of("sub-01", "1", "space-ACPC_desc-preproc_dwi.nii.gz")[0]
    image.unlink()
    image.symlink_to(top / ".git" / "annex" / "content")
    assert inventory(top).loc["sub-01", "baseline"]["image"] == "0 bytes: dwi"


def test_maps_need_no_image(tmp_path):
    names = [f"model-tensor_param-{name}_dwimap.nii.gz" for name in ("fa", "md", "ad", "rd")]
    top = dataset(tmp_path, QSIPREP, "QSIRecon", *names, *MASKS)
    put(top / QSIPREP, TRANSFORM)
    row = inventory(top).loc["sub-01", "baseline"]
    assert (row["image"], row["maps"], row["preprocessing"], row["producer"]) == (
        "no",
        HERE,
        "maps",
        "qsirecon",
    )
    assert row["complete"]


@pytest.fixture
def shown(tmp_path, capsys):
    """Return what `check` prints of two people, of whom one lacks a file, has an empty one, and was not scanned again."""
    top = dataset(tmp_path)
    regions = [f"hemi-{side}_label-{region}_mask.nii.gz" for side in "LR" for region in ("CST", "PLIC")]
    put(
        top / QSIPREP,
        *of("sub-01", "1", *MASKS, *regions),
        *of("sub-02", "1", *MASKS, *regions),
        *of("sub-01", "1", "run-2_dwi.nii.gz"),
    )
    next((top / QSIPREP).glob("sub-02/ses-1/dwi/*.bval")).unlink()
    next((top / QSIPREP).glob("sub-02/ses-1/dwi/*_dwi.nii.gz")).write_bytes(b"")
    next((top / QSIPREP).glob("sub-02/ses-2/dwi/*_dwi.nii.gz")).unlink()
    next((top / QSIPREP).glob("sub-01/ses-2/dwi/*_dwi.nii.gz")).unlink()
    put(top, *of("sub-01", "2", "dwi.nii.gz"))
    show_scans(ScanPlan(None, tuple(scans_of(top)[0]), ()))
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_every_scan_has_a_line(shown):
    tick = "\N{CHECK MARK}"
    assert shown[0] == ["Files", "of", "dwi", "scans"]
    assert ["sub-01,", "baseline", *[tick] * 5, "-", "-"] in shown
    assert ["sub-02,", "baseline", "0", "bytes:", "dwi", "no", "bval", *[tick] * 3, "no", "no"] in shown
    assert ["sub-02,", "day90", *["-"] * 7, "not", "made"] in shown
    (raw,) = (line for line in shown if line[:2] == ["sub-01,", "day90"])
    assert raw[2:10] == [*["-"] * 7, "sub-01_ses-2_dwi.nii.gz:"]


def test_scans_are_counted(shown):
    assert ["baseline,", "dwi", "2", "1", "0"] in shown
    assert ["day90,", "dwi", "0", "0", "2"] in shown
