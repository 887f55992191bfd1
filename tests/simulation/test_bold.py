from __future__ import annotations

from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import BAND_HZ, node_signals, simulate_bold, simulate_node_series
from neurotrial.simulation.brains import correlation_matrix
from neurotrial.simulation.confounds import confounds_table, tissue_signals
from neurotrial.simulation.motion import (
    CALM,
    RESTLESS,
    framewise_displacement,
    motion_from_confounds,
    random_motion,
)
from neurotrial.simulation.nodes import in_node_order, node_table, sphere_voxels
from neurotrial.simulation.protocols import PRESETS, BoldProtocol

TRUE = correlation_matrix(0.22, 0.45, 0.5)
SMALL = PRESETS["small"].bold
HEAD = Anatomy().on(SMALL.grid)
EDGES = np.triu_indices(12, 1)


def test_exact_signals_have_the_correlations_put_in():
    series = node_signals(TRUE, 150, 2.0, np.random.default_rng(0), exact=True)
    assert np.allclose(np.cov(series.T), TRUE, rtol=0, atol=1e-12)


def test_signals_scatter_about_the_correlations_put_in():
    rng = np.random.default_rng(5)
    series = np.stack([node_signals(TRUE, 150, 2.0, rng) for _ in range(2000)])
    covariance = np.einsum("sti,stj->sij", series, series) / series.shape[1]
    error = covariance.std(axis=0) / np.sqrt(len(series))
    # 78 distinct cells: 4.5 standard errors are passed by chance once in 2,000 seeds
    assert (np.abs(covariance.mean(axis=0) - TRUE) < 4.5 * error).all()
    assert covariance.std(axis=0)[EDGES].min() > 0.05


def test_signals_stay_in_their_band():
    series = np.concatenate(
        [node_signals(np.eye(3), 3000, 2.0, np.random.default_rng(seed)) for seed in range(3)]
    )
    power = np.abs(np.fft.rfft(series * np.hanning(len(series))[:, None], axis=0)) ** 2
    frequency = np.fft.rfftfreq(len(series), 2.0)
    outside = (frequency < 0.8 * BAND_HZ[0]) | (frequency > 1.2 * BAND_HZ[1])
    # joins and ends of the stretches leak a little
    assert power[outside].sum() < 0.01 * power.sum()


def test_correlations_that_no_signals_have_are_refused():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(
        InputError, match=r"no signals have these correlations: the smallest eigenvalue is -0\.8"
    ):
        node_signals(impossible, 100, 2.0, np.random.default_rng(0))
    with pytest.raises(InputError, match="symmetric with ones"):
        node_signals(2 * np.eye(3), 100, 2.0, np.random.default_rng(0))


def test_a_scan_without_frequencies_of_the_band_is_refused():
    with pytest.raises(InputError, match="hold no frequency"):
        node_signals(np.eye(2), 2, 1.0, np.random.default_rng(0))


@pytest.mark.parametrize("name", PRESETS)
def test_spheres_lie_in_the_brain_have_voxels_and_share_none(name):
    grid = PRESETS[name].bold.grid
    head = Anatomy().on(grid)
    spheres = sphere_voxels(head)
    assert min(map(len, spheres)) >= 4
    assert len(np.unique(np.concatenate(spheres))) == sum(map(len, spheres))
    table = node_table()
    everywhere = [
        (np.linalg.norm(grid.centres - point, axis=1) <= radius).sum()
        for *point, radius in table[["x", "y", "z", "radius_mm"]].to_numpy()
    ]
    assert everywhere == [len(rows) for rows in spheres]


def test_every_pair_has_a_left_node_and_its_mirror_image():
    left, right = (node_table().query("hemisphere == @side") for side in ("left", "right"))
    assert (left["x"] < 0).all()
    assert np.array_equal(left[["x", "y", "z"]] * [-1, 1, 1], right[["x", "y", "z"]])
    assert left["pair"].tolist() == right["pair"].tolist()


def test_the_ipsilesional_block_goes_to_the_side_of_the_lesion():
    assert np.array_equal(in_node_order(TRUE, "left"), TRUE)
    assert np.array_equal(in_node_order(TRUE, "right")[6:, 6:], TRUE[:6, :6])
    assert np.array_equal(in_node_order(TRUE, "right")[:6, 6:], TRUE[6:, :6])


def test_displacement_by_hand():
    parameters = np.array([[0, 0, 0, 0, 0, 0], [0.1, -0.2, 0, 0.01, 0, 0], [0.1, -0.2, 0.3, 0.01, -0.002, 0]])
    # .1 + .2 + 50 * .01, then .3 + 50 * .002
    assert framewise_displacement(parameters)[1:] == pytest.approx([0.8, 0.4], rel=1e-12)
    assert np.isnan(framewise_displacement(parameters)[0])


def test_calm_heads_move_little_and_restless_ones_in_half_of_the_volumes():
    rng = np.random.default_rng(2)
    calm, restless = (
        [random_motion(SMALL, rng, settings).fd[1:] for _ in range(200)] for settings in (CALM, RESTLESS)
    )
    assert 0.1 < np.median([fd.mean() for fd in calm]) < 0.3
    assert np.mean([(fd > 0.5).any() for fd in calm]) > 0.5
    assert np.quantile([(fd > 0.5).mean() for fd in calm], 0.95) < 0.15
    assert 0.3 < np.median([(fd > 0.5).mean() for fd in restless]) < 0.7


def test_confounds_have_the_names_of_fmriprep_and_its_definitions():
    motion = random_motion(SMALL, np.random.default_rng(4))
    data = simulate_bold(HEAD, TRUE, motion, SMALL, np.random.default_rng(4))
    table = confounds_table(motion, tissue_signals(data, HEAD))
    real = pd.read_csv(
        Path(nilearn.__file__).parent / "interfaces/fmriprep/data/test-v21_desc-confounds_timeseries.tsv",
        sep="\t",
    )
    assert set(table.columns) - set(real.columns) <= {
        f"motion_outlier{count:02d}" for count in range(len(table))
    }
    for name in ("trans_y", "rot_z"):
        assert np.array_equal(table[f"{name}_derivative1"], table[name].diff(), equal_nan=True)
        assert np.array_equal(table[f"{name}_power2"], table[name] ** 2)
        assert np.array_equal(table[f"{name}_derivative1_power2"], table[name].diff() ** 2, equal_nan=True)
    outliers = table.filter(like="motion_outlier")
    assert outliers.shape[1] == (motion.fd > 0.5).sum() > 0
    assert np.array_equal(outliers.sum(axis=1) == 1, motion.fd > 0.5)
    assert table["csf"].mean() > table["global_signal"].mean() > table["white_matter"].mean()


def test_dvars_by_hand_and_one_for_a_quiet_scan():
    rng = np.random.default_rng(8)
    noise = rng.normal(400, 5, (200, len(HEAD.voxels)))
    signals = tissue_signals(noise, HEAD)
    change = np.diff(noise, axis=0)
    # the mean is taken off in single precision
    assert signals["dvars"].to_numpy()[1:] == pytest.approx(np.sqrt((change**2).mean(axis=1)), rel=1e-5)
    assert signals["std_dvars"].mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "old", ["no_nonsteady_desc-confounds_regressors", "test-v21_desc-confounds_timeseries"]
)
def test_a_scan_can_move_as_a_real_one_did(old):
    path = Path(nilearn.__file__).parent / f"interfaces/fmriprep/data/{old}.tsv"
    real = pd.read_csv(path, sep="\t")
    motion = motion_from_confounds(real)
    assert np.allclose(framewise_displacement(motion.parameters)[1:], motion.fd[1:], rtol=0, atol=1e-5)
    assert confounds_table(motion) is real


def test_the_quick_node_series_has_the_distribution_of_averaged_voxels():
    protocol = BoldProtocol(SMALL.grid, 60)
    motion = random_motion(protocol, np.random.default_rng(11))
    spheres = sphere_voxels(HEAD)
    rng = np.random.default_rng(12)
    voxels = []
    for _ in range(120):
        data = simulate_bold(HEAD, TRUE, motion, protocol, rng)
        voxels.append(np.stack([data[:, rows].mean(axis=1) for rows in spheres], axis=1))
    quick = [simulate_node_series(HEAD, TRUE, motion, protocol, rng) for _ in range(1000)]

    def measures(series):
        covariance = [np.cov(one.T) for one in series]
        jumps = [np.diff(one, axis=0).var(axis=0) for one in series]
        corner = np.triu_indices(12)
        return np.column_stack([np.mean(series, axis=1), [one[corner] for one in covariance], jumps])

    one, other = measures(voxels), measures(quick)
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    # 102 means, variances, covariances and variances of the jumps: 4.5 standard errors are passed by chance in 1 of 1,500
    assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 4.5 * error).all()
