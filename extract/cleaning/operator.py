"""The linear operator that cleans the series of a scan, for as many sets of nodes as are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.cleaning.censoring import Censoring, censored_volumes
from neurotrial.extract.cleaning.effective import effective_df
from neurotrial.extract.cleaning.left_over import Least, check_kept, check_left
from neurotrial.extract.cleaning.strategies import find_strategy, note_on_components, regressors
from neurotrial.extract.cleaning.temporal import Band, check_band, fewest_volumes, temporal_matrix
from neurotrial.extract.cleaning.tissue import with_tissue

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.cleaning.tissue import TissueSignals

__all__ = ["CleaningOperator", "cleaning_operator"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_COLLINEAR = 1e-10
"""Size of a direction, relative to the largest, below which it is rounding and no regressor."""


@dataclass(frozen=True, slots=True, eq=False)
class CleaningOperator:
    """Censoring, interpolation, detrending, filter and regression of a scan as one matrix.

    Attributes
    ----------
    matrix : ndarray, shape (n_retained, n_retained)
        Takes the retained volumes of a series to their cleaned values.
    censored : ndarray of bool, shape (n_volumes,)
        Volumes that are left out.
    t_r : float
        Seconds from volume to volume.
    n_regressors : int
        Independent directions that the regression takes out.
    effective_df : float
        As `neurotrial.extract.cleaning.effective.effective_df` gives it.
    strategy : str
        Its name.
    note : str
        What should be known about the confounds; empty where nothing is remarkable.
    """

    matrix: FloatArray
    censored: BoolArray
    t_r: float
    n_regressors: int
    effective_df: float
    strategy: str
    note: str = ""

    @property
    def n_volumes(self) -> int:
        """Retained volumes."""
        return len(self.matrix)

    @property
    def minutes(self) -> float:
        """Time of the retained volumes."""
        return self.n_volumes * self.t_r / 60

    def apply(self, series: Any) -> FloatArray:
        """Return the cleaned series of the retained volumes.

        Parameters
        ----------
        series : array, shape (n_volumes, n_nodes)
            Signal before cleaning; numbers of volumes that are left out play no part.

        Returns
        -------
        ndarray, shape (n_retained, n_nodes)

        Raises
        ------
        InputError
            If the series have another number of volumes.
        """
        values = np.asarray(series, dtype="float64")
        if values.ndim != 2 or len(values) != len(self.censored):  # noqa: PLR2004 - volumes and nodes
            rule = f"has the shape {values.shape}, ({len(self.censored)}, n_nodes) is needed"
            raise refuse("series", rule, "give one row for each volume")
        return np.asarray(self.matrix @ values[~self.censored])


def cleaning_operator(
    confounds: pd.DataFrame,
    *,
    strategy: str = "24p",
    band: Band,
    censoring: Censoring | None = None,
    least: Least | None = None,
    lost: BoolArray | None = None,
    tissue: TissueSignals | None = None,
    lesion: bool = False,
) -> CleaningOperator:
    """Build the operator that cleans the series of a scan.

    Parameters
    ----------
    confounds : DataFrame
        One row for each volume, as `neurotrial.extract.read_confounds` gives it.
    strategy : {"24p", "none", "6p", "24p_gsr", "32p", "36p", "acompcor", "acompcor_gsr"}
        Which confounds are regressed out.
    band : Band
        Repetition time, filter, detrending.
    censoring : Censoring, optional
        Which volumes are left out for motion; by default those above a framewise displacement of 0.5 mm.
    least : Least, optional
        What must be left of the scan.
    lost : ndarray of bool, shape (n_volumes,), optional
        Volumes without numbers, as `neurotrial.extract.cleaning.censoring.lost_volumes` tells them from the series.
    tissue : TissueSignals, optional
        Signals that stand in for those of the table.
    lesion : bool
        Whether the brain has a lesion, which the tissue signals of the table hold.

    Returns
    -------
    CleaningOperator

    Raises
    ------
    InputError
        If there is no such strategy.
    ScanFault
        If the confounds do not suffice, the band does not fit the repetition time, or too little of the scan is left.
    """
    censoring, least = censoring or Censoring(), least or Least()
    tissues = find_strategy(strategy).tissues
    check_band(band)
    confounds, note = with_tissue(confounds, tissue, tissues, lesion=lesion)
    censored = censored_volumes(confounds, censoring, lost)
    kept = np.flatnonzero(~censored)
    check_kept(censored, band.t_r, censoring, least, fewest_volumes(band))
    table = regressors(confounds, strategy, ~censored)
    temporal = temporal_matrix(kept, band)
    basis = _basis(temporal, table.to_numpy()[kept])
    matrix = temporal - basis @ (basis.T @ temporal)
    found = CleaningOperator(
        matrix, censored, band.t_r, basis.shape[1], effective_df(matrix), strategy,
        "; ".join(filter(None, [note, note_on_components(confounds, strategy, band.high_pass)])),
    )  # fmt: skip
    check_left(found.effective_df, found.n_regressors, censored, censoring, least)
    return found


def _basis(temporal: FloatArray, columns: FloatArray) -> FloatArray:
    """Return orthonormal directions of the filtered regressors without their means, shape (n_retained, n_directions)."""
    from scipy.linalg import qr

    filtered = temporal @ (columns - columns.mean(axis=0))
    filtered -= filtered.mean(axis=0)
    size, before = np.linalg.norm(filtered, axis=0), np.linalg.norm(columns, axis=0)
    alive = size > _COLLINEAR * before
    if not alive.any():
        return np.empty((len(columns), 0))
    directions, triangle, _ = qr(filtered[:, alive] / size[alive], mode="economic", pivoting=True)
    length = np.abs(np.diag(triangle))
    return np.asarray(directions[:, length > _COLLINEAR * length[0]])
