"""Signals of tissues outside the lesion: components as fMRIPrep defines them, masks, and what takes the place of what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from noisy_recording import T_R, N, recording
from scipy.ndimage import distance_transform_edt

from neurotrial.errors import InputError
from neurotrial.extract import clean
from neurotrial.extract.cleaning.compcor import noise_components
from neurotrial.extract.cleaning.strategies import regressors
from neurotrial.extract.cleaning.tissue import TissueSignals, tissue_signals, with_tissue
from neurotrial.extract.cleaning.tissue_masks import safe_mask

UP_TO_SIGN = {"rtol": 0, "atol": 1e-7}
"""Eigenvectors of the product of a matrix with itself lose half of the digits of the smallest."""


def tissue(n=N, voxels=300, sources=6, seed=3):
    """Return float32 series of voxels with common fluctuations of falling size, drifts and noise."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, sources)) * 2.0 ** -np.arange(sources)
    drift = np.cos(np.pi * (np.arange(n) + 0.5) / n)[:, None] * rng.normal(0, 20, voxels)
    series = 800 + drift + common @ rng.normal(0, 5, (sources, voxels)) + rng.normal(0, 1, (n, voxels))
    return (series * rng.uniform(0.5, 2, voxels)).astype(np.float32)


def by_svd(voxels, t_r, period=128.0):
    """Return left singular vectors of voxels without slow cosines and with variance 1, and their shares, step by step."""
    n = len(voxels)
    order = int(2 * n * t_r / period)
    basis = np.cos(np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(max(order, 1))))
    values = voxels.astype("float64")
    values = values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
    left, size, _ = np.linalg.svd(values / values.std(axis=0), full_matrices=False)
    return left, size**2 / (size**2).sum()


@pytest.mark.parametrize("n", [40, 63, 64, 150])
def test_components_are_the_singular_vectors_of_normalised_voxels(n):
    voxels = tissue(n)
    found, share = noise_components(voxels, t_r=T_R)
    left, expected = by_svd(voxels, T_R)
    signs = np.sign((left[:, :5] * found).sum(axis=0))
    assert np.allclose(found, left[:, :5] * signs, **UP_TO_SIGN)
    assert np.allclose(share, expected[:5], rtol=1e-7)
    assert np.allclose(found.T @ found, np.eye(5), rtol=0, atol=1e-12)
    assert (found[np.abs(found).argmax(axis=0), range(5)] > 0).all()


def test_components_do_not_depend_on_order_scale_or_number_at_a_time(monkeypatch):
    voxels = tissue()
    expected, _ = noise_components(voxels, t_r=T_R)
    other = voxels[:, ::-1].astype("float64") * np.linspace(0.1, 9, 300)
    monkeypatch.setattr("neurotrial.extract.cleaning.compcor._AT_A_TIME", 37)
    assert np.allclose(noise_components(other, t_r=T_R)[0], expected, **UP_TO_SIGN)


def test_volumes_before_the_steady_state_and_without_numbers_do_not_enter():
    voxels = tissue()
    voxels[:2] = 1e6
    expected, _ = noise_components(voxels[2:], t_r=T_R)
    found, _ = noise_components(voxels, t_r=T_R, unsteady=2)
    assert np.allclose(found[2:], expected, **UP_TO_SIGN)
    assert (found[:2] == 0).all()
    voxels[70] = np.nan
    found, _ = noise_components(voxels, t_r=T_R, unsteady=2)
    assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [70]
    assert np.isnan(found[70]).all()


def test_voxels_without_numbers_or_change_do_not_enter():
    voxels = tissue()
    expected, share = noise_components(voxels, t_r=T_R)
    spoilt = np.column_stack([voxels, voxels[:, :3], np.full((N, 2), 7.0), np.full(N, np.nan)])
    spoilt[[5, 6, 7], [300, 301, 302]] = np.nan
    found, other = noise_components(spoilt, t_r=T_R)
    assert np.allclose(found, expected, **UP_TO_SIGN)
    assert np.allclose(other, share, rtol=1e-9)


@pytest.mark.parametrize(("voxels", "count"), [(3, 3), (0, 0)])
def test_few_voxels_have_few_components(voxels, count):
    found, share = noise_components(tissue()[:, :voxels], t_r=T_R)
    assert found.shape == (N, count)
    assert share.sum() == pytest.approx(float(count > 0))


def test_signals_of_tissues():
    white, csf = tissue(), tissue(seed=4)
    whole = np.linspace(500, 510, N)
    found = tissue_signals({"white_matter": white, "csf": csf}, t_r=T_R, global_signal=whole)
    assert list(found.table) == [
        "white_matter", *(f"w_comp_cor_0{place}" for place in range(5)),
        "csf", *(f"c_comp_cor_0{place}" for place in range(5)), "global_signal",
    ]  # fmt: skip
    assert np.allclose(found.table["csf"], csf.mean(axis=1, dtype="float64"), rtol=1e-12)
    assert np.array_equal(found.table["global_signal"], whole)
    components, share = noise_components(white, t_r=T_R)
    assert np.array_equal(found.table[[f"w_comp_cor_0{place}" for place in range(5)]], components)
    assert [found.variance_explained[f"w_comp_cor_0{place}"] for place in range(5)] == share.tolist()
    assert found.reasons == {}


def test_a_tissue_without_numbers_has_a_reason():
    voxels = {"white_matter": tissue(), "csf": np.full((N, 60), np.nan)}
    found = tissue_signals(voxels, t_r=T_R, reasons={"global_signal": "not measured"})
    assert found.reasons == {"global_signal": "not measured", "csf": "no voxel has numbers in all volumes"}
    assert not any(name.startswith("c") for name in found.table)


@pytest.mark.parametrize(
    "voxels", [{"grey": tissue()}, {"csf": tissue()[:, 0]}, {"csf": tissue(), "white_matter": tissue(N - 1)}]
)
def test_arrays_that_are_no_tissues_are_refused(voxels):
    with pytest.raises(
        InputError,
        match=r"voxels: are .*\n  remedy: give arrays of \(n_volumes, n_voxels\) for white_matter, csf",
    ):
        tissue_signals(voxels, t_r=T_R)


def outside(*names):
    whole = tissue_signals(
        {"white_matter": tissue(), "csf": tissue(seed=4)}, t_r=T_R, global_signal=np.arange(N) % 7
    )
    own = [name for name in whole.table if any(name.startswith(start) for start in names)]
    return TissueSignals(whole.table[own], reasons={"csf": "3 voxels away from the lesion, 50 are needed"})


def test_signals_outside_the_lesion_take_the_place_of_those_of_the_table():
    series, confounds = recording()
    safe = outside("w", "c", "global")
    replaced = confounds.drop(columns=["w_comp_cor_05", "c_comp_cor_05"]).assign(**dict(safe.table.items()))
    for strategy in ("32p", "36p", "acompcor", "acompcor_gsr"):
        found = clean(series, confounds, strategy=strategy, tr=T_R, tissue=safe, lesion=True)
        assert np.array_equal(found.series, clean(series, replaced, strategy=strategy, tr=T_R).series)
        assert not np.allclose(
            found.series, clean(series, confounds, strategy=strategy, tr=T_R).series, atol=0.01
        )
        assert found.note == ""
    motion = clean(series, confounds, strategy="24p", tr=T_R, tissue=safe)
    assert np.array_equal(motion.series, clean(series, confounds, strategy="24p", tr=T_R).series)


def test_a_note_tells_which_signals_hold_the_lesion():
    series, confounds = recording()
    start = "signals of the table, which hold the lesion: "

    def note(strategy, **choices):
        return clean(series, confounds, strategy=strategy, tr=T_R, **choices).note

    assert note("24p", lesion=True) == note("36p") == note("36p", tissue=outside("w")) == ""
    assert note("24p_gsr", lesion=True) == f"{start}global_signal"
    assert note("acompcor", lesion=True) == f"{start}white_matter, csf"
    expected = f"{start}csf (3 voxels away from the lesion, 50 are needed), global_signal"
    assert note("36p", lesion=True, tissue=outside("w")) == expected


def test_components_of_the_table_do_not_mix_with_those_outside_the_lesion():
    _, confounds = recording()
    few = outside("w").table[["white_matter", "w_comp_cor_00", "w_comp_cor_01"]]
    confounds.attrs["file"] = "c.tsv"
    merged, _ = with_tissue(confounds, TissueSignals(few), ("white_matter",), lesion=True)
    assert merged.attrs == {"file": "c.tsv"}
    assert [name for name in merged if name.startswith("w_comp")] == ["w_comp_cor_00", "w_comp_cor_01"]
    assert regressors(merged, "acompcor", np.ones(N, dtype=bool)).shape[1] == 12 + 2 + 5
    assert "w_comp_cor_05" in confounds


def test_a_volume_without_numbers_does_not_spoil_the_others():
    series, confounds = recording()
    voxels = tissue()
    voxels[44] = np.nan
    series[44] = np.nan
    safe = tissue_signals({"white_matter": voxels, "csf": voxels + 1}, t_r=T_R)
    found = clean(series, confounds, strategy="acompcor", tr=T_R, tissue=safe)
    assert np.flatnonzero(found.censored).tolist() == [44]
    assert np.isfinite(found.series).all()


def test_signals_of_another_scan_are_refused():
    series, confounds = recording()
    other = TissueSignals(pd.DataFrame({"csf": np.ones(9)}))
    with pytest.raises(InputError, match="tissue: has 9 volumes, the confounds have 150"):
        clean(series, confounds, tr=T_R, tissue=other)


def blocks():
    """Return a tissue of 20 x 20 x 20 voxels with a border of 2, and a lesion in its corner."""
    inside = np.zeros((24, 24, 24))
    inside[2:22, 2:22, 2:22] = 1.0
    lesion = np.zeros(inside.shape, dtype=bool)
    lesion[2:6, 2:6, 2:6] = True
    return inside, lesion


@pytest.mark.parametrize("voxel_mm", [(2.0, 2.0, 2.0), (3.0, 3.0, 4.0)])
def test_masks_keep_away_from_border_and_lesion(voxel_mm):
    inside, lesion = blocks()
    found = safe_mask(inside, lesion, voxel_mm, dilation_mm=6.0)
    core = np.zeros_like(lesion)
    core[3:21, 3:21, 3:21] = True
    far = distance_transform_edt(~lesion, sampling=voxel_mm) > 6.0
    assert np.array_equal(found.mask, core & far)
    assert found.n_voxels == (core & far).sum() < core.sum()
    assert (found.erosion, found.reason) == (1, "")
    assert safe_mask(inside, None, voxel_mm).n_voxels == 18**3
    assert safe_mask(inside, np.zeros_like(lesion), voxel_mm, erosion=0).n_voxels == 20**3


def test_masks_stay_inside_the_brain_and_above_the_threshold():
    inside, lesion = blocks()
    brain = np.zeros_like(lesion)
    brain[:, :12] = True
    probability = np.where(np.arange(24)[:, None, None] < 12, inside, 0.9 * inside)
    found = safe_mask(probability, lesion, (2, 2, 2), brain=brain, erosion=0)
    assert found.mask.any()
    assert not found.mask[12:].any()
    assert not found.mask[:, 12:].any()
    assert safe_mask(probability, lesion, (2, 2, 2), threshold=0.5, erosion=0).mask[12:].any()


def test_thin_tissue_is_eroded_less():
    inside = np.zeros((24, 24, 24))
    inside[5:8, 2:22, 2:22] = 1.0
    found = safe_mask(inside, None, (2, 2, 2), erosion=2)
    assert (found.erosion, found.n_voxels) == (1, 18 * 18)
    inside[7] = 0.0
    assert safe_mask(inside, None, (2, 2, 2), erosion=2).erosion == 0


def test_too_little_tissue_is_a_reason_and_no_mask():
    inside, lesion = blocks()
    found = safe_mask(inside, lesion, (2, 2, 2), dilation_mm=100.0)
    assert (found.mask, found.n_voxels) == (None, 0)
    assert found.reason == "0 voxels away from the lesion, 50 are needed"


def test_masks_of_different_grids_are_refused():
    inside, lesion = blocks()
    with pytest.raises(
        InputError, match=r"masks: tissue, brain and lesion have the shapes \(24, 24, 24\), .* \(23, 24, 24\)"
    ):
        safe_mask(inside, lesion[1:], (2, 2, 2))
