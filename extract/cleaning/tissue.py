"""Signals of white matter, cerebrospinal fluid and brain without the lesion, in place of those of the confounds table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.cleaning.columns import COMPONENTS_OF, TISSUES, components
from neurotrial.extract.cleaning.compcor import noise_components, sound_parts
from neurotrial.extract.cleaning.strategies import N_COMPONENTS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TissueSignals", "tissue_signals", "with_tissue"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class TissueSignals:
    """Signals of tissues outside the lesion.

    Attributes
    ----------
    table : DataFrame
        One row for each volume; of white_matter, csf, global_signal, w_comp_cor_00 to 04 and c_comp_cor_00 to 04 what could be
        measured.
    variance_explained : mapping of str to float
        Share of the variance of its tissue, 0 to 1, for each component.
    reasons : mapping of str to str
        By tissue, why it could not be measured.
    """

    table: pd.DataFrame
    variance_explained: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def tissue_signals(
    voxels: Mapping[str, Any],
    *,
    t_r: float,
    global_signal: Any = None,
    reasons: Mapping[str, str] | None = None,
    unsteady: int = 0,
) -> TissueSignals:
    """Measure the signals of tissues in voxels outside the lesion.

    Parameters
    ----------
    voxels : mapping of {"white_matter", "csf"} to array, shape (n_volumes, n_voxels)
        Series of the voxels of a mask that `neurotrial.extract.cleaning.tissue_masks.safe_mask` made; a tissue without a mask is
        left out.
    t_r : float
        Seconds from volume to volume.
    global_signal : array, shape (n_volumes,), optional
        Mean over the brain without the lesion.
    reasons : mapping of str to str, optional
        By tissue, why it has no mask.
    unsteady : int
        Volumes before the steady state; they do not enter the components, which are 0 there.

    Returns
    -------
    TissueSignals
        The mean over voxels, and five principal components of white matter and of cerebrospinal fluid each; NaN in volumes without
        numbers.

    Raises
    ------
    InputError
        If the arrays do not have the same number of volumes.

    References
    ----------
    Behzadi Y et al. NeuroImage 2007;37:90-101. https://doi.org/10.1016/j.neuroimage.2007.04.042
    """
    import pandas as pd

    given = {name: np.asarray(values) for name, values in voxels.items()}
    if global_signal is not None:
        given["global_signal"] = np.asarray(global_signal, dtype="float64").reshape(-1, 1)
    _check(given)
    columns: dict[str, FloatArray] = {}
    shares: dict[str, float] = {}
    empty = {}
    for name, values in given.items():
        sound = sound_parts(values)[1]
        if not sound.any():
            empty[name] = "no voxel has numbers in all volumes"
            continue
        columns[name] = values[:, sound].mean(axis=1, dtype="float64")
        if name in COMPONENTS_OF:
            found, explained = noise_components(values, t_r=t_r, n_components=N_COMPONENTS, unsteady=unsteady)
            names = [f"{COMPONENTS_OF[name]}{place:02d}" for place in range(len(explained))]
            columns |= dict(zip(names, found.T, strict=True))
            shares |= dict(zip(names, explained.tolist(), strict=True))
    return TissueSignals(pd.DataFrame(columns), shares, {**(reasons or {}), **empty})


def _check(given: Mapping[str, Any]) -> None:
    """Refuse arrays that are no series of tissues.

    Raises
    ------
    InputError
        With the shape of each.
    """
    known = all(name in TISSUES and values.ndim == 2 for name, values in given.items())  # noqa: PLR2004 - volumes and voxels
    if not known or len({len(values) for values in given.values()}) > 1:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in given.items())
        raise refuse(
            "voxels", f"are {shapes}", f"give arrays of (n_volumes, n_voxels) for {', '.join(COMPONENTS_OF)}"
        )


def with_tissue(
    confounds: pd.DataFrame, tissue: TissueSignals | None, tissues: tuple[str, ...], *, lesion: bool
) -> tuple[pd.DataFrame, str]:
    """Put the signals of tissues outside the lesion in place of those of the table.

    Parameters
    ----------
    confounds : DataFrame
        The table.
    tissue : TissueSignals or None
        What takes its place; a tissue that it lacks stays as it is in the table.
    tissues : tuple of str
        Those that the strategy uses.
    lesion : bool
        Whether the brain has a lesion.

    Returns
    -------
    table : DataFrame
        With the new columns; components of the table that have no successor are gone.
    note : str
        Which signals still hold the lesion, and why; empty where none that is used does.

    Raises
    ------
    InputError
        If the two have different numbers of volumes.
    """
    own = set() if tissue is None else set(tissue.table) & set(TISSUES)
    if tissue is not None and own:
        if len(tissue.table) != len(confounds):
            rule = f"has {len(tissue.table)} volumes, the confounds have {len(confounds)}"
            raise refuse("tissue", rule, "measure it in the same image")
        old = [
            name for key in own for name in (key, *components(confounds, COMPONENTS_OF.get(str(key), "-")))
        ]
        kept = confounds.drop(columns=[name for name in old if name in confounds])
        attributes = confounds.attrs
        confounds = kept.join(tissue.table.set_axis(kept.index))
        confounds.attrs = attributes
    spoilt = [name for name in tissues if name not in own] if lesion else []
    reasons = {} if tissue is None else tissue.reasons
    said = [name + (f" ({reasons[name]})" if name in reasons else "") for name in spoilt]
    return confounds, f"signals of the table, which hold the lesion: {', '.join(said)}" if said else ""
