"""A recording for the tests of the cleaning: node series with memory, and confounds with fMRIPrep's names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from neurotrial.extract.cleaning.columns import PARAMETERS

N, T_R = 150, 2.0


def recording(seed=0, n=N, nodes=5):
    """Return node series, and the confounds of a head that wanders without sudden moves."""
    rng = np.random.default_rng(seed)
    series = 500 + 5 * gaussian_filter1d(rng.standard_normal((n, nodes)), 2, axis=0)
    columns = {name: np.cumsum(rng.normal(0, 0.02 if "trans" in name else 4e-4, n)) for name in PARAMETERS}
    for name, mean in {"white_matter": 400.0, "csf": 900.0, "global_signal": 500.0}.items():
        columns[name] = mean + np.cumsum(rng.normal(0, 1, n))
    for tissue in "wc":
        columns |= {f"{tissue}_comp_cor_{place:02d}": rng.normal(0, 0.1, n) for place in range(6)}
    columns |= {"framewise_displacement": np.full(n, 0.1), "std_dvars": np.full(n, 1.0)}
    table = pd.DataFrame(columns)
    table.loc[0, ["framewise_displacement", "std_dvars"]] = np.nan
    return series, table


def moving(confounds, *volumes):
    """Return confounds with sudden moves in some volumes."""
    moved = confounds.copy()
    moved.loc[list(volumes), "framewise_displacement"] = 0.9
    return moved
