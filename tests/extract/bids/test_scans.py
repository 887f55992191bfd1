"""Which files a scan has, by whom they were made, and what is said where they are missing, doubled or unusable."""

from __future__ import annotations

import pytest
from bids_files import PREPROCESSED, QSIPREP, dataset, describe, of, plan, put, scans_of

from neurotrial.errors import InputError
from neurotrial.extract.bids.scans import NOT_MADE

RAW = ("dwi.nii.gz", "dwi.bval", "dwi.bvec")


def names(scan):
    return {role: path.name for role, path in scan.files.items()}


def test_a_session_of_qsiprep(tmp_path):
    top = dataset(tmp_path)
    put(
        top / QSIPREP,
        *of(
            "sub-01", "1", "space-ACPC_res-2mm_desc-brain_mask.nii.gz", "space-ACPC_label-lesion_mask.nii.gz",
            "hemi-L_space-ACPC_label-CST_mask.nii.gz", "desc-confounds_timeseries.tsv", "space-ACPC_desc-image_qc.tsv",
            "space-ACPC_desc-preproc_dwi.b_table.txt", "space-ACPC_desc-preproc_dwiref.nii.gz",
        ),
        "sub-01/anat/sub-01_from-ACPC_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
        "sub-01/anat/sub-01_from-MNI152NLin2009cAsym_to-ACPC_mode-image_xfm.h5",
        "sub-01/anat/sub-01_from-anat_to-ACPC_mode-image_xfm.mat",
        "sub-01/anat/sub-01_space-ACPC_desc-brain_mask.nii.gz",
    )  # fmt: skip
    scan, later, *_ = scans_of(top)[0]
    assert names(scan) == {
        "dwi": "sub-01_ses-1_space-ACPC_desc-preproc_dwi.nii.gz",
        "bval": "sub-01_ses-1_space-ACPC_desc-preproc_dwi.bval",
        "bvec": "sub-01_ses-1_space-ACPC_desc-preproc_dwi.bvec",
        "brain": "sub-01_ses-1_space-ACPC_res-2mm_desc-brain_mask.nii.gz",
        "lesion": "sub-01_ses-1_space-ACPC_label-lesion_mask.nii.gz",
        "cst_left": "sub-01_ses-1_hemi-L_space-ACPC_label-CST_mask.nii.gz",
        "from_template": "sub-01_from-MNI152NLin2009cAsym_to-ACPC_mode-image_xfm.h5",
        "to_template": "sub-01_from-ACPC_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
        "confounds": "sub-01_ses-1_desc-confounds_timeseries.tsv",
        "image_qc": "sub-01_ses-1_space-ACPC_desc-image_qc.tsv",
    }
    assert (scan.preprocessing, scan.producer, scan.software) == ("full", "qsiprep", "QSIPrep 1.0")
    assert (scan.visit, scan.run, scan.expected_side, scan.folder.name) == ("baseline", None, "left", "dwi")
    assert names(later)["brain"] == "sub-01_space-ACPC_desc-brain_mask.nii.gz"
    assert "from_template" in later.files


@pytest.mark.parametrize(
    "tail",
    [
        "space-ACPC_label-lesion_mask.nii.gz", "label-Lesion_roi.nii.gz", "desc-lesion_mask.nii.gz", "lesion_roi.nii.gz",
        "lesion.nii.gz", "space-T1w_desc-lesion_roi.nii.gz", "T1w_lesion_mask.nii.gz", "T1w_label-lesion_roi.nii.gz",
    ],
)  # fmt: skip
@pytest.mark.parametrize("datatype", ["dwi", "anat"])
def test_every_usual_name_of_a_lesion_mask_is_known(tmp_path, tail, datatype):
    top = dataset(tmp_path)
    put(top / QSIPREP, *of("sub-01", "1", tail, datatype=datatype))
    scan, later, *_ = scans_of(top)[0]
    assert names(scan)["lesion"] == f"sub-01_ses-1_{tail}"
    assert "lesion" not in later.files


@pytest.mark.parametrize(
    ("maker", "root", "tails", "factors"),
    [
        ("QSIRecon", "qsirecon", [f"space-ACPC_model-tensor_param-{name}_dwimap.nii.gz" for name in ("fa", "md", "ad", "rd")], 1000),
        ("qsirecon", "qsirecon-DIPYDKI", [f"space-T1w_desc-preproc_model-tensor_mdp-{name}_dwimap.nii.gz" for name in ("FA", "MD", "AD", "RD")], 1000),
        ("qsirecon", "qsirecon-DSIStudio", [f"space-T1w_model-tensor_param-{name}_dwimap.nii.gz" for name in ("fa", "md", "ad", "rd")], 1),
        ("QSIRecon", "qsirecon", [f"space-T1w_desc-{name}_dwi.nii.gz" for name in ("FA", "MD", "AD", "RD")], 1000),
        ("dipy", "x", ["fa.nii.gz", "md.nii.gz", "ad.nii.gz", "rd.nii.gz"], 1000),
        ("MRtrix3", "x", ["fa.nii.gz", "adc.nii.gz", "ad.nii.gz", "rd.nii.gz"], 1000),
        ("pyAFQ", "x", [f"odfmodel-DTI_desc-{name}_dwi.nii.gz" for name in ("FA", "MD", "AD", "RD")], 1000),
        (None, "maps", [f"model-DTI_param-{name}_dwimap.nii.gz" for name in ("FA", "MD", "AD", "RD")], 1000),
    ],
)  # fmt: skip
def test_scalar_maps_alone_make_a_scan(tmp_path, maker, root, tails, factors):
    root = f"derivatives/{root}"
    top = dataset(tmp_path, root, maker, *tails)
    scan, *_ = scans_of(top, root)[0]
    assert names(scan) == {
        role: f"sub-01_ses-1_{tail}" for role, tail in zip(("fa", "md", "ad", "rd"), tails, strict=True)
    }
    assert scan.preprocessing == "maps"
    assert scan.factors == ({} if factors == 1 else dict.fromkeys(("md", "ad", "rd"), 1000.0))


def test_maps_of_dtifit_have_no_entities_in_their_names(tmp_path):
    describe(tmp_path)
    root = tmp_path / "derivatives/fsl"
    for kind in ("FA", "MD", "L1", "L2", "L3", "V1", "S0"):
        put(root, f"sub-01/ses-1/dwi/dti_{kind}.nii.gz")
    put(
        root,
        *(
            f"sub-02/ses-1/dwi/{name}"
            for name in ("data.nii.gz", "bvals", "bvecs", "nodif_brain_mask.nii.gz")
        ),
    )
    scans = scans_of(tmp_path, "derivatives/fsl")[0]
    assert names(scans[0]) == {
        "fa": "dti_FA.nii.gz", "md": "dti_MD.nii.gz", "ad": "dti_L1.nii.gz", "l2": "dti_L2.nii.gz", "l3": "dti_L3.nii.gz",
    }  # fmt: skip
    assert names(scans[2]) == {
        "dwi": "data.nii.gz",
        "bval": "bvals",
        "bvec": "bvecs",
        "brain": "nodif_brain_mask.nii.gz",
    }
    assert [scan.producer for scan in scans] == ["fsl", "", "fsl", ""]


def test_diffusivities_of_a_kurtosis_model_are_not_taken_for_those_of_a_tensor(tmp_path):
    tails = ("space-T1w_model-dki_param-md_dwimap.nii.gz", "space-T1w_model-tensor_param-fa_dwimap.nii.gz")
    top = dataset(tmp_path, "derivatives/qsirecon", "qsirecon", *tails)
    assert list(scans_of(top, "derivatives/qsirecon")[0][0].files) == ["fa"]


def test_maps_go_with_the_image_in_its_space(tmp_path):
    top = dataset(tmp_path)
    describe(top / "derivatives/qsirecon", "qsirecon")
    for space in ("T1w", "MNI152NLin2009cAsym"):
        put(
            top / "derivatives/qsirecon",
            *of("sub-01", "1", f"space-{space}_model-tensor_param-fa_dwimap.nii.gz"),
        )
    put(
        top / "derivatives/qsirecon",
        *of("sub-02", "1", "space-MNI152NLin2009cAsym_model-tensor_param-fa_dwimap.nii.gz"),
    )
    scans = scans_of(top, QSIPREP, "derivatives/qsirecon")[0]
    assert scans[0].preprocessing == "full"
    assert names(scans[0])["fa"] == "sub-01_ses-1_space-T1w_model-tensor_param-fa_dwimap.nii.gz"
    assert "fa" not in scans[2].files


def test_equal_maps_are_an_error_only_where_they_are_needed(tmp_path):
    top = dataset(tmp_path)
    for name in ("qsirecon-A", "qsirecon-B"):
        describe(top / f"derivatives/qsirecon/{name}", "qsirecon")
        put(top / f"derivatives/qsirecon/{name}", *of("sub-01", "1", "model-tensor_param-fa_dwimap.nii.gz"))
    assert "fa" not in scans_of(top, QSIPREP, "derivatives/qsirecon")[0][0].files
    with pytest.raises(InputError, match="2 files claim to be the fa of one scan") as raised:
        scans_of(top, "derivatives/qsirecon")
    assert "derivatives/qsirecon/qsirecon-A: sub-01_ses-1_model-tensor_param-fa_dwimap.nii.gz" in str(
        raised.value
    )
    chosen = scans_of(top, "derivatives/qsirecon/qsirecon-B", "derivatives/qsirecon")[0][0]
    assert "qsirecon-B" in str(chosen.files["fa"])


def test_images_of_mrtrix_are_told_not_read(tmp_path):
    tails = ("fa.mif", "desc-preproc_dwi.mif.gz")
    top = dataset(tmp_path, "derivatives/mrtrix", None, *tails)
    with pytest.raises(InputError, match=r"holds no image of any of the 2 participants") as raised:
        scans_of(top, "derivatives/mrtrix")
    assert r"sub-01_ses-1_fa.mif: maps of MRtrix (.mif) are not read: mrconvert fa.mif fa.nii.gz" in str(
        raised.value
    )
    put(top / "derivatives/mrtrix", *of("sub-01", "1", "fa.nii.gz"))
    scan, other, *_ = scans_of(top, "derivatives/mrtrix")[0]
    assert names(scan) == {"fa": "sub-01_ses-1_fa.nii.gz"}
    assert "mrconvert" in other.absence


def test_raw_images_count_only_if_the_study_says_so(tmp_path):
    top = dataset(tmp_path)
    for path in (top / QSIPREP / "sub-02").rglob("*.*"):
        path.unlink()
    put(top, *of("sub-02", "1", *RAW), *of("sub-01", "1", *RAW))
    scans = scans_of(top)[0]
    assert [bool(scan.files) for scan in scans] == [True, True, False, False]
    assert scans[2].absence == (
        "sub-02_ses-1_dwi.nii.gz: there is only the scanner's image: preprocess it, or set `accept_raw: true` under `imaging`"
        " in study.yaml"
    )
    assert scans[3].absence == NOT_MADE
    scans = scans_of(top, accept_raw=True)[0]
    assert [scan.preprocessing for scan in scans] == ["full", "full", "minimal", None]
    assert names(scans[2]) == {
        role: f"sub-02_ses-1_{name}" for role, name in zip(("dwi", "bval", "bvec"), RAW, strict=True)
    }
    assert scans[0].files["bval"].name == "sub-01_ses-1_space-ACPC_desc-preproc_dwi.bval"


def test_gradients_of_raw_images_are_inherited(tmp_path):
    describe(tmp_path)
    (tmp_path / QSIPREP).mkdir(parents=True)
    put(
        tmp_path,
        *of("sub-01", "1", "dir-AP_dwi.nii.gz", "dir-AP_dwi.bval"),
        "dwi.bval",
        "dwi.bvec",
        "sub-02/sub-02_dwi.bvec",
    )
    scan = scans_of(tmp_path, accept_raw=True)[0][0]
    assert names(scan) == {
        "dwi": "sub-01_ses-1_dir-AP_dwi.nii.gz",
        "bval": "sub-01_ses-1_dir-AP_dwi.bval",
        "bvec": "dwi.bvec",
    }


def test_gradients_of_another_image_are_not_taken(tmp_path):
    top = dataset(tmp_path)
    (bval,) = (top / QSIPREP).glob("sub-01/ses-1/dwi/*.bval")
    bval.rename(bval.with_name(bval.name.replace("ses-1_", "ses-1_acq-b3000_")))
    assert "bval" not in scans_of(top)[0][0].files


def test_runs_have_their_own_files_and_share_masks(tmp_path):
    describe(tmp_path)
    describe(tmp_path / QSIPREP, "QSIPrep")
    for run in ("1", "02"):
        put(tmp_path / QSIPREP, *of("sub-01", "1", *(f"run-{run}_{name}" for name in PREPROCESSED)))
    put(
        tmp_path / QSIPREP,
        *of("sub-01", "1", "space-ACPC_desc-brain_mask.nii.gz", "run-02_space-ACPC_desc-brain_mask.nii.gz"),
    )
    first, second, *_ = scans_of(tmp_path)[0]
    assert [scan.name for scan in (first, second)] == [
        "sub-01_baseline_dwi_run-1",
        "sub-01_baseline_dwi_run-2",
    ]
    assert names(first)["bval"] == "sub-01_ses-1_run-1_space-ACPC_desc-preproc_dwi.bval"
    assert names(first)["brain"] == "sub-01_ses-1_space-ACPC_desc-brain_mask.nii.gz"
    assert names(second)["brain"] == "sub-01_ses-1_run-02_space-ACPC_desc-brain_mask.nii.gz"


def test_two_lesion_masks_are_an_error_and_one_in_template_space_is_none(tmp_path):
    top = dataset(tmp_path)
    put(
        top / QSIPREP,
        *of(
            "sub-01",
            "1",
            "space-ACPC_label-lesion_mask.nii.gz",
            "space-MNI152NLin6Asym_label-lesion_mask.nii.gz",
        ),
    )
    assert names(scans_of(top)[0][0])["lesion"] == "sub-01_ses-1_space-ACPC_label-lesion_mask.nii.gz"
    put(top / QSIPREP, *of("sub-01", "1", "space-T1w_label-lesion_mask.nii.gz"))
    with pytest.raises(InputError, match=r"sub-01/ses-1/dwi: 2 files claim to be the lesion of one scan"):
        scans_of(top)


def test_a_session_that_has_no_folder_serves_a_study_of_one_visit(tmp_path):
    describe(tmp_path)
    describe(tmp_path / QSIPREP, "QSIPrep")
    put(tmp_path / QSIPREP, *(f"sub-01/dwi/sub-01_{name}" for name in PREPROCESSED))
    scans = scans_of(tmp_path, sessions={"1": "baseline"})[0]
    assert list(scans[0].files) == ["dwi", "bval", "bvec"]
    put(tmp_path / QSIPREP, *of("sub-02", "1", *PREPROCESSED))
    scans, warnings = scans_of(tmp_path)
    assert not scans[0].files
    (told,) = warnings
    assert (
        "there are images in no session, and they are not read, because the study has several\n    sub-01"
        in str(told)
    )


def test_names_of_entities_and_values_may_have_capitals(tmp_path):
    top = dataset(tmp_path)
    put(top / QSIPREP, *of("sub-01", "1", "Hemi-l_Label-cst_mask.nii.gz"))
    assert names(scans_of(top)[0][0])["cst_left"] == "sub-01_ses-1_Hemi-l_Label-cst_mask.nii.gz"


def test_a_file_of_somebody_else_is_told_and_not_read(tmp_path):
    top = dataset(tmp_path)
    put(top / QSIPREP, "sub-01/ses-1/dwi/sub-02_ses-1_label-lesion_mask.nii.gz")
    scans, warnings = scans_of(top)
    assert "lesion" not in scans[0].files
    assert "sub-01/ses-1/dwi/sub-02_ses-1_label-lesion_mask.nii.gz" in str(warnings[0])


def test_an_image_behind_a_link_that_leads_out_is_told_and_not_read(tmp_path):
    top = dataset(tmp_path / "bids")
    image = top / QSIPREP / of("sub-01", "1", PREPROCESSED[0])[0]
    image.rename(tmp_path / "image.nii.gz")
    image.symlink_to(tmp_path / "image.nii.gz")
    scans, warnings = scans_of(top)
    assert not scans[0].files
    assert scans[1].files
    assert "links lead out of the dataset" in str(warnings[0])


def test_derivatives_that_stand_in_the_dataset_itself(tmp_path):
    describe(tmp_path, "QSIPrep")
    put(tmp_path, *of("sub-01", "1", *PREPROCESSED))
    assert scans_of(tmp_path, ".")[0][0].producer == "qsiprep"


def test_a_study_may_name_files_as_it_likes(tmp_path):
    top = dataset(tmp_path, "derivatives/lab", "our lab", "tensor_FA.nii", "tensor_D.nii")
    put(top, "mine.toml", text="""
        [[producer]]
        name = "lab"
        generated_by = ["Our Lab"]
        [producer.dwi]
        fa = [{name = "tensor_FA.nii"}]
        md = [{name = "tensor_D.nii", factor = 0.001}]
        """)  # fmt: skip
    scan = scans_of(top, "derivatives/lab", producers="mine.toml")[0][0]
    assert (scan.producer, scan.software, scan.factors) == ("lab", "our lab 1.0", {"md": 0.001})
    with pytest.raises(InputError, match="leads outside"):
        scans_of(top, "derivatives/lab", producers="../mine.toml")


def test_the_plan_takes_neither_words_nor_numbers_for_a_switch():
    assert plan().accept_raw is False
    with pytest.raises(ValueError, match="accept_raw"):
        plan(accept_raw="yes")
