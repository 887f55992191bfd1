"""Phantom: the correlations that are measured in an image are those of the signals that were put in, cleaned alike."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from neurotrial.extract import clean, edges, node_series
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import node_signals, simulate_bold
from neurotrial.simulation.brains import correlation_matrix
from neurotrial.simulation.confounds import confounds_table, tissue_signals
from neurotrial.simulation.motion import CALM, RESTLESS, random_motion
from neurotrial.simulation.nodes import node_table, sphere_voxels
from neurotrial.simulation.protocols import PRESETS

TRUE = correlation_matrix(0.22, 0.45, 0.5)
OFF = np.triu_indices(12, 1)


def apart(grid, strategy, motion, seed, louder=0.0):
    """Return measured less latent correlations, both through the same cleaning, of a scan with louder nodes."""
    protocol, head = PRESETS[grid].bold, Anatomy().on(PRESETS[grid].bold.grid)
    moved = random_motion(protocol, np.random.default_rng(seed), motion)
    signal = simulate_bold(head, TRUE, moved, protocol, np.random.default_rng(100 + seed)).astype(np.float32)
    # the first draws of the same stream
    latent = node_signals(TRUE, protocol.n_volumes, protocol.t_r, np.random.default_rng(100 + seed))
    for rows, own in zip(sphere_voxels(head), latent.T, strict=True):
        signal[:, rows] += louder * own[:, None]
    image = nibabel.Nifti1Image(protocol.grid.volume(head.voxels, signal), protocol.grid.affine)
    confounds = confounds_table(moved, tissue_signals(signal, head))
    series = node_series(image, node_table()).series
    found, truth = (
        edges(clean(own, confounds, strategy=strategy, tr=protocol.t_r)) for own in (series, latent)
    )
    return (found - truth)[OFF]


@pytest.mark.parametrize("strategy", ["24p", "36p"])
@pytest.mark.parametrize("motion", [CALM, RESTLESS], ids=["calm", "restless"])
def test_every_edge_is_that_of_the_latent_series_where_noise_is_small(strategy, motion):
    # twenty times the usual fluctuation: what is left is how the image is read and cleaned
    assert np.abs(apart("small", strategy, motion, 0, louder=76.0)).max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["24p", "36p"])
@pytest.mark.parametrize("motion", [CALM, RESTLESS], ids=["calm", "restless"])
def test_edges_of_a_clinical_scan_are_those_of_the_latent_series_on_average(strategy, motion):
    found = np.array([apart("full", strategy, motion, seed) for seed in range(3)])
    assert abs(found.mean()) < 0.01
    assert np.abs(found).mean() < 0.03
