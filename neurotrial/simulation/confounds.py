"""Confounds of a simulated scan, with the names that fMRIPrep gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.simulation.motion import PARAMETERS

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head
    from neurotrial.simulation.motion import Motion

__all__ = ["confounds_table", "tissue_signals"]

FD_OUTLIER_MM = 0.5


def confounds_table(motion: Motion, signals: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the confounds of a scan.

    Parameters
    ----------
    motion : Motion
        A table that it was read from is given back as it stands.
    signals : DataFrame, optional
        As `tissue_signals` gives it; left out where no images are made.

    Returns
    -------
    DataFrame
        One row for each volume: the signals, framewise_displacement (mm), the six parameters (mm, rad) with
        ``_derivative1`` (change from the volume before, NaN in the first), ``_power2`` and ``_derivative1_power2``, and
        one column ``motion_outlierNN`` for each volume whose displacement is above 0.5 mm.
    """
    if motion.table is not None:
        return motion.table
    values = motion.parameters
    change = np.vstack([np.full((1, len(PARAMETERS)), np.nan), np.diff(values, axis=0)])
    columns: dict[str, Any] = {"framewise_displacement": motion.fd}
    for place, name in enumerate(PARAMETERS):
        columns[name] = values[:, place]
        columns[f"{name}_derivative1"] = change[:, place]
        columns[f"{name}_power2"] = values[:, place] ** 2
        columns[f"{name}_derivative1_power2"] = change[:, place] ** 2
    for count, volume in enumerate(np.flatnonzero(motion.fd > FD_OUTLIER_MM)):
        columns[f"motion_outlier{count:02d}"] = (np.arange(len(values)) == volume).astype(float)
    table = pd.DataFrame(columns)
    return table if signals is None else pd.concat([signals, table], axis=1)


def tissue_signals(data: Any, head: Head) -> pd.DataFrame:
    """Return mean signals of tissues and the change from volume to volume.

    Parameters
    ----------
    data : ndarray, shape (n_volumes, n_voxels)
        All voxels of the head.
    head : Head

    Returns
    -------
    DataFrame
        global_signal, csf, white_matter, std_dvars, dvars. ``dvars`` is the root mean square over voxels of the change
        since the volume before (NaN in the first), ``std_dvars`` its ratio to the value expected of the voxels' variances
        and lag-1 correlations.

    References
    ----------
    .. [1] Nichols TE (2017). Notes on creating a standardized version of DVARS. https://arxiv.org/abs/1704.01469
    """
    centred = data - data.mean(axis=0, dtype=np.float32)
    change = np.diff(centred, axis=0)
    dvars = np.r_[np.nan, np.sqrt(np.mean(change**2, axis=1, dtype=np.float64))]
    expected = 2 * (np.mean(centred**2) - np.sum(centred[1:] * centred[:-1], dtype=np.float64) / centred.size)
    return pd.DataFrame({
        "global_signal": data.mean(axis=1),
        "csf": data[:, head.ventricle].mean(axis=1),
        "white_matter": data[:, head.white & ~head.ventricle].mean(axis=1),
        "std_dvars": dvars / np.sqrt(expected),
        "dvars": dvars,
    })  # fmt: skip
