"""The picture of a scan of which only series or correlations are there: its matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.pictures import correlation_matrix, empty_figure, png_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["draw_given"]


def draw_given(
    name: str, r: Any, nodes: pd.DataFrame, lesion_side: str | None, producer: str, *, simulated: bool
) -> bytes:
    """Draw the correlations of a scan.

    Parameters
    ----------
    name : str
        Participant, visit and modality; never the arm.
    r : ndarray, shape (n_nodes, n_nodes)
        Correlations; lost nodes are left out.
    nodes : DataFrame
        The nodes.
    lesion_side : str or None
        Whose nodes stand first.
    producer : str
        Who made them.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    bytes
        A PNG.
    """
    figure = empty_figure(name, [f"made by {producer or 'another program'}"], simulated=simulated)
    left = np.isfinite(np.diag(r))
    panel = figure.add_axes((0.3, 0.16, 0.4, 0.66))
    correlation_matrix(figure, panel, r[np.ix_(left, left)], nodes[left].reset_index(drop=True), lesion_side)
    return png_bytes(figure)
