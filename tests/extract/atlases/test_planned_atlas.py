"""The atlas of a study is read once a process, and again after a change of its files."""

from __future__ import annotations

import os

import pytest
from atlas_files import TABLE, volume, write

from neurotrial.errors import InputError
from neurotrial.extract.atlases import planned
from neurotrial.extract.atlases.planned import planned_atlas, planned_atlas_file


def test_an_atlas_is_read_once_and_again_after_a_change(tmp_path):
    write(tmp_path)
    first = planned_atlas("own.nii.gz", tmp_path)
    assert planned_atlas("own.nii.gz", tmp_path) is first
    own_labels = tmp_path / "own labels.tsv"
    own_labels.write_text(TABLE, encoding="utf-8")
    labelled = planned_atlas("own.nii.gz", tmp_path, labels=own_labels.name)
    own_labels.write_text(TABLE.replace("genu", "splenium"), encoding="utf-8")
    assert ("splenium", "both") in planned_atlas("own.nii.gz", tmp_path, labels=own_labels.name).regions
    assert ("splenium", "both") not in labelled.regions
    data = volume()
    data[2, 3, 3] = 0
    path = write(tmp_path, data)
    os.utime(path, ns=(1, 1))
    assert planned_atlas("own.nii.gz", tmp_path).weights("plic", "left").sum() == 1


def test_a_registered_atlas_is_a_file_of_its_unit(tmp_path, monkeypatch):
    (tmp_path / "installed").mkdir()
    path = write(tmp_path / "installed")
    monkeypatch.setattr(planned, "known_atlases", lambda: {"jhu": object()})
    monkeypatch.setattr(planned, "copies_found", lambda *_: [("fsl", path)])
    assert planned_atlas_file("jhu", tmp_path) == path
    assert planned_atlas_file("none", tmp_path) is None


def test_what_is_missing_is_told_every_time(tmp_path):
    for _ in range(2):
        with pytest.raises(InputError, match="is no file, and no name of an atlas"):
            planned_atlas("none.nii.gz", tmp_path)
