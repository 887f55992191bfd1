"""Simulated scans: one random stream each, and everything that goes into their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.bids.patterns import MODALITIES
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import simulate_bold
from neurotrial.simulation.confounds import confounds_table, tissue_signals
from neurotrial.simulation.diffusion import simulate_dwi
from neurotrial.simulation.lesion import lesion_mask
from neurotrial.simulation.motion import CALM, motion_from_confounds, random_motion
from neurotrial.simulation.nodes import in_node_order
from neurotrial.simulation.protocols import BoldProtocol

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.bids.patterns import Modality
    from neurotrial.simulation.anatomy import Head
    from neurotrial.simulation.motion import Motion, MotionSettings
    from neurotrial.simulation.protocols import DwiProtocol, Preset
    from neurotrial.simulation.tissue import Pathology

__all__ = ["BoldScan", "DwiScan", "make_bold_scan", "make_dwi_scan", "scan_rng", "with_confounds"]

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Stored = np.ndarray[Any, np.dtype[np.int16]]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class DwiScan:
    """A diffusion-weighted scan.

    Attributes
    ----------
    head : Head
    protocol : DwiProtocol
    signal : ndarray of int16, shape (n_volumes, n_voxels)
    lesion : ndarray of bool, shape (n_voxels,)
    """

    head: Head
    protocol: DwiProtocol
    signal: Stored
    lesion: Bools


@dataclass(frozen=True, slots=True, eq=False)
class BoldScan:
    """A resting-state scan.

    Attributes
    ----------
    head : Head
    protocol : BoldProtocol
    signal : ndarray of int16, shape (n_volumes, n_voxels)
    lesion : ndarray of bool, shape (n_voxels,)
    confounds : DataFrame
        One row for each volume.
    """

    head: Head
    protocol: BoldProtocol
    signal: Stored
    lesion: Bools
    confounds: pd.DataFrame


def scan_rng(seed: int, participant: int, visit: int, modality: Modality) -> Rng:
    """Return the random stream of one scan, so that no scan moves another.

    Parameters
    ----------
    seed : int
        Of the trial, not negative.
    participant, visit : int
        Numbers of both, not negative.
    modality : {"dwi", "bold"}
    """
    return np.random.default_rng(
        np.random.SeedSequence([seed, participant, visit, MODALITIES.index(modality)])
    )


def make_dwi_scan(preset: Preset, state: Pathology, rng: Rng) -> DwiScan:
    """Simulate the diffusion-weighted scan of one brain.

    Parameters
    ----------
    preset : Preset
    state : Pathology
        Of one brain.
    rng : Generator
        Of this scan.
    """
    head = Anatomy().on(preset.dwi.grid)
    signal = simulate_dwi(head, state, preset.dwi, rng).T
    lesion = lesion_mask(head, state.side, state.volume_ml)
    return DwiScan(head, preset.dwi, signal, lesion)


def make_bold_scan(
    preset: Preset, state: Pathology, correlation: Floats, rng: Rng, motion: MotionSettings = CALM
) -> BoldScan:
    """Simulate the resting-state scan of one brain.

    Parameters
    ----------
    preset : Preset
    state : Pathology
        Of one brain: side and volume of its lesion.
    correlation : ndarray, shape (12, 12)
        True correlations, ipsilesional nodes first, each side in the order of `neurotrial.simulation.nodes.node_table`.
    rng : Generator
        Of this scan.
    motion : MotionSettings
        How much the head moves.
    """
    return _bold_scan(preset.bold, state, correlation, rng, random_motion(preset.bold, rng, motion))


def with_confounds(
    preset: Preset, state: Pathology, correlation: Floats, rng: Rng, confounds: pd.DataFrame
) -> BoldScan:
    """Simulate a resting-state scan that moves as a real one did.

    Parameters
    ----------
    preset, state, correlation, rng
        As for `make_bold_scan`.
    confounds : DataFrame
        A confounds table of fMRIPrep; it gives the motion and the number of volumes, and is written as it stands.
    """
    protocol = BoldProtocol(preset.bold.grid, len(confounds), preset.bold.t_r)
    return _bold_scan(protocol, state, correlation, rng, motion_from_confounds(confounds))


def _bold_scan(
    protocol: BoldProtocol, state: Pathology, correlation: Floats, rng: Rng, motion: Motion
) -> BoldScan:
    head = Anatomy().on(protocol.grid)
    lesion = lesion_mask(head, state.side, state.volume_ml)
    signal = simulate_bold(head, in_node_order(correlation, str(state.side)), motion, protocol, rng, lesion)
    signals = None if motion.table is not None else tissue_signals(signal, head)
    return BoldScan(head, protocol, signal, lesion, confounds_table(motion, signals))
