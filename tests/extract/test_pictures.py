"""Pictures for quality control: small, of every scan, and blind to the arm."""

from __future__ import annotations

import inspect
from dataclasses import fields

import matplotlib.image
import nibabel
import numpy as np
import pytest
from imaged_study import PLAN, SCANS, made, of_scan, save, table

from neurotrial.extract import pictures
from neurotrial.extract.bids.scans import Scan
from neurotrial.extract.bold.picture import draw_bold
from neurotrial.extract.given.picture import draw_given
from neurotrial.extract.scan import extract_scan

LARGEST = 120_000


def test_every_scan_has_a_small_picture_that_its_status_names(extracted_study):
    status = table(extracted_study, "status").query("state == 'ok'")
    assert len(status) == SCANS
    for name in status["picture"]:
        path = extracted_study / name
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < LARGEST
        picture = matplotlib.image.imread(path)
        assert picture.shape[:2] == (396, 900)
        assert picture[..., :3].std() > 0.1
    assert table(extracted_study, "status").query("state != 'ok'")["picture"].isna().all()


def test_nothing_that_a_picture_is_made_of_knows_the_arm():
    for draw in (pictures.draw_dwi, draw_bold, draw_given):
        assert not {"arm", "participants", "plan", "study"} & set(inspect.signature(draw).parameters)
    assert "arm" not in {field.name for field in fields(Scan)}
    assert list(inspect.signature(extract_scan).parameters) == ["scan", "plan", "study_folder", "simulated"]


def test_the_words_of_a_picture_are_the_scan_its_flags_and_where_the_data_are_from():
    figures = [pictures.empty_figure("sub-001_baseline_dwi", flags, simulated=simulated) for flags, simulated in (
        (["snr 8 < 10", "n_b0 1 < 2"], True), ([], False),
    )]  # fmt: skip
    assert [figure.get_suptitle() for figure in figures] == [
        "sub-001_baseline_dwi    flagged: snr 8 < 10, n_b0 1 < 2    SIMULATED DATA",
        "sub-001_baseline_dwi    nothing flagged",
    ]


@pytest.mark.parametrize("modality", ["dwi", "bold"])
def test_a_scan_without_a_lesion_has_a_picture(study, modality):
    scan = made(study, modality)
    image = nibabel.load(scan.files["lesion"])
    save(np.zeros(image.shape, np.uint8), image.affine, scan.files["lesion"])
    picture = extract_scan(scan, PLAN, study, simulated=True).picture
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < LARGEST


@pytest.mark.parametrize("modality", ["dwi", "bold"])
def test_the_same_scan_has_the_same_picture(extracted_study, modality):
    scan = made(extracted_study, modality)
    status = of_scan(table(extracted_study, "status"), modality)
    stored = extracted_study / status["picture"].item()
    assert extract_scan(scan, PLAN, extracted_study, simulated=True).picture == stored.read_bytes()
