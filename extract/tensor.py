"""The diffusion tensor and its scalars, by dipy."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.extract.gradients import Gradients
    from neurotrial.imaging_plan import TensorPlan

__all__ = ["SCALARS", "fit_tensor"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

SCALARS = {"fa": "FA", "md": "um2/ms", "ad": "um2/ms", "rd": "um2/ms"}
"""Scalars of the tensor with their units."""

_UM2_PER_MS = 1000.0
"""From mm2/s to um2/ms."""


def fit_tensor(signal: Any, gradients: Gradients, plan: TensorPlan) -> dict[str, FloatArray]:
    """Fit the tensor in each voxel.

    Parameters
    ----------
    signal : ndarray, shape (voxels, volumes)
        Diffusion signal.
    gradients : Gradients
        Gradients of the volumes.
    plan : TensorPlan
        Weighted or ordinary least squares.

    Returns
    -------
    dict of str to ndarray, shape (voxels,)
        ``fa`` in [0, 1]; ``md``, ``ad``, ``rd`` in um2/ms. Samples without a logarithm enter as 0.0001, as dipy has it;
        the quality measure ``bad_samples`` counts them.

    References
    ----------
    Garyfallidis E et al. Front Neuroinform 2014;8:8. https://doi.org/10.3389/fninf.2014.00008
    """
    from dipy.core.gradients import gradient_table
    from dipy.reconst.dti import TensorModel

    used = gradients.used
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(b0_threshold|b-value|bvals).*", category=UserWarning)
        table = gradient_table(
            gradients.bvals[used], bvecs=gradients.bvecs[used], b0_threshold=plan.b0_threshold
        )
    data = np.ascontiguousarray(np.nan_to_num(np.asarray(signal)[:, used], nan=0.0, posinf=0.0, neginf=0.0))
    fit = TensorModel(table, fit_method=plan.fit.upper()).fit(data)
    found = {"fa": fit.fa, "md": fit.md * _UM2_PER_MS, "ad": fit.ad * _UM2_PER_MS, "rd": fit.rd * _UM2_PER_MS}
    return {name: np.asarray(values, dtype="float64") for name, values in found.items()}
