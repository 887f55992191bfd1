from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract.atlases.loading import read_atlas
from neurotrial.extract.atlases.places import atlas_folders, find_atlases
from neurotrial.extract.atlases.registry import known_atlases
from neurotrial.extract.atlases.side_check import centroids

MRICRON = Path("/usr/share/mricron/templates")
needs_mricron = pytest.mark.skipif(
    not (MRICRON / "JHU-WhiteMatter-labels-1mm.nii.gz").is_file(),
    reason="the Debian package mricron-data is not installed",
)
NOWHERE: dict[str, Path | None] = {"fsl": None, "mricron": None, "templateflow": None}


def write_fsl(folder: Path, *, mirrored: bool = False) -> dict[str, Path | None]:
    """Write a file of FSL's name with every label, right ones at x > 0 or not."""
    path = folder / "data" / "atlases" / "JHU" / "JHU-ICBM-labels-2mm.nii.gz"
    path.parent.mkdir(parents=True)
    data = np.zeros((11, 49, 3), dtype=np.uint8)
    for (_, hemisphere), values in known_atlases()["jhu-icbm-labels-2mm"].labels.items():
        column = {"left": 2, "right": 8, "both": 5}[hemisphere]
        data[10 - column if mirrored else column, list(values), 1] = values
    affine = np.diag([2.0, 2, 2, 1])
    affine[0, 3] = -10
    nib.save(nib.Nifti1Image(data, affine), path)
    return atlas_folders({"FSLDIR": str(folder)}) | {"mricron": None}


def test_every_structure_of_the_registry_has_both_sides_or_none():
    for atlas in known_atlases().values():
        sides: dict[str, set[str]] = {}
        for name, hemisphere in atlas.labels:
            sides.setdefault(name, set()).add(hemisphere)
        assert all(found in ({"left", "right"}, {"both"}) for found in sides.values())
        assert all(copy.x_row is None or (copy.sha256 and copy.fault) for copy in atlas.copies)


def test_labels_of_the_corticospinal_tract():
    labels = known_atlases()["jhu-icbm-labels-1mm"].labels
    assert [labels[name, "right"] for name in ("cst", "cerebral_peduncle", "alic", "plic")] == [
        (7,), (15,), (17,), (19,),
    ]  # fmt: skip
    assert labels["cst_path", "left"] == (8, 16, 20, 26)
    assert known_atlases()["jhu-icbm-tracts-2mm"].labels["cst", "left"] == (2,)


def test_a_name_is_found_where_fsl_is_installed(tmp_path):
    folders = write_fsl(tmp_path)
    atlas = read_atlas("jhu-icbm-labels-2mm", folders=folders)
    assert (atlas.space, atlas.repaired) == ("MNI152NLin6Asym", None)
    assert atlas.weights("plic", "left")[2, 20, 1] == 1
    found = find_atlases(folders)
    assert found.loc[found["state"] == "ready", "name"].tolist() == ["jhu-icbm-labels-2mm"]


def test_a_mirrored_copy_is_refused_under_its_name_and_by_its_path(tmp_path):
    folders = write_fsl(tmp_path, mirrored=True)
    path = tmp_path / "data" / "atlases" / "JHU" / "JHU-ICBM-labels-2mm.nii.gz"
    for target in ("jhu-icbm-labels-2mm", path):
        with pytest.raises(InputError, match=r"plic_left|cst_right: centroid at x = -6\.0"):
            read_atlas(target, folders=folders)


def test_what_is_not_installed_is_told_with_the_places():
    with pytest.raises(InputError, match=r"fsl: JHU/JHU-ICBM-labels-1mm\.nii\.gz, mricron: JHU-White.*"):
        read_atlas("jhu-icbm-labels-1mm", folders=NOWHERE)
    assert set(find_atlases(NOWHERE)["state"]) == {"not found"}


def test_placeholders_of_templateflow_are_empty_and_not_there(tmp_path):
    folder = tmp_path / "tpl-MNI152NLin6Asym"
    folder.mkdir()
    (folder / "tpl-MNI152NLin6Asym_res-01_atlas-X_dseg.nii.gz").touch()
    (folder / "tpl-MNI152NLin6Asym_res-02_atlas-X_dseg.nii.gz").write_bytes(b"something")
    found = find_atlases(NOWHERE | {"templateflow": tmp_path})
    rows = found[found["place"] == "templateflow"]
    assert rows["state"].tolist() == ["empty", "needs labels"]
    assert rows["space"].unique().tolist() == ["MNI152NLin6Asym"]
    with pytest.raises(InputError, match="placeholder"):
        read_atlas(rows["path"].iloc[0])


def test_another_file_under_a_known_name_is_not_given_its_labels(tmp_path):
    path = tmp_path / "JHU-WhiteMatter-labels-1mm.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), path)
    with pytest.raises(InputError, match="another content"):
        read_atlas(path)
    found = find_atlases(NOWHERE | {"mricron": tmp_path})
    assert found.loc[found["place"] == "mricron", "state"].tolist()[0] == "unknown file"


def test_the_environment_names_the_folders():
    folders = atlas_folders({"FSLDIR": "/opt/fsl", "TEMPLATEFLOW_HOME": "/data/tf"})
    assert folders["fsl"] == Path("/opt/fsl/data/atlases")
    assert folders["templateflow"] == Path("/data/tf")
    assert atlas_folders({})["fsl"] is None


@needs_mricron
@pytest.mark.parametrize(("mm", "voxels"), [(1, 3752), (2, 477)])
def test_the_mirrored_header_of_mricron_is_caught_and_mended(mm, voxels):
    name, folders = f"jhu-icbm-labels-{mm}mm", NOWHERE | {"mricron": MRICRON}
    with pytest.raises(InputError) as caught:
        read_atlas(name, folders=folders)
    clash, sides = caught.value.problems
    assert "contradict" in clash.rule
    assert len(sides.rows) == 44
    assert "repair=True" in sides.remedy
    atlas = read_atlas(name, folders=folders, repair=True)
    assert atlas.repaired is not None
    assert "left and right change places" in atlas.repaired
    assert atlas.weights("plic", "left").sum() == voxels
    places = centroids(atlas)
    # the same place as in FSL's own file, to half a voxel of 2 mm
    assert places["plic", "left"] == pytest.approx((-19.4, -13.1, 7.9), abs=0.2)
    assert places["plic", "right"] == pytest.approx((20.5, -13.2, 7.9), abs=0.2)


@needs_mricron
def test_a_sound_file_of_mricron_passes_the_side_check():
    atlas = read_atlas("aal-colin27", folders=NOWHERE | {"mricron": MRICRON})
    assert atlas.repaired is None
    assert centroids(atlas)["precentral", "left"] == pytest.approx((-39.6, -5.7, 50.9), abs=0.1)
