"""How well a measure repeats itself, from people who were scanned twice in one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["repeatability"]

_MEASURE = [
    "modality", "feature", "definition", "region", "side", "statistic", "method", "lesion_policy", "threshold",
]  # fmt: skip
_OCCASION = ["participant_id", "visit"]
_NORMAL_975 = 1.959963984540054


def repeatability(features: pd.DataFrame) -> pd.DataFrame:
    """Estimate the SD within participants and the smallest detectable change of each measure.

    Parameters
    ----------
    features : DataFrame
        The contract `features`; sessions with two runs of a modality or more give the first two of them.

    Returns
    -------
    DataFrame
        The contract `repeatability`; empty where nobody was scanned twice. ``within_sd`` is the root of half the mean
        squared difference of the two runs [1]_, ``smallest_detectable_change`` 1.96 times the root of 2 times that,
        ``icc`` the two-way random-effects, absolute agreement, single-scan intraclass correlation ICC(2,1) [2]_, missing
        for fewer than 3 pairs.

    References
    ----------
    .. [1] Bland JM, Altman DG (1996). Measurement error. BMJ 313:744. https://doi.org/10.1136/bmj.313.7059.744
    .. [2] McGraw KO, Wong SP (1996). Forming inferences about some intraclass correlation coefficients. Psychol Methods
       1:30-46. https://doi.org/10.1037/1082-989X.1.1.30
    """
    import pandas as pd

    features = features if "definition" in features else features.assign(definition=None)
    rows = features[features["run"].notna() & features["value"].notna()].sort_values("run", kind="stable")
    order = rows.groupby([*_MEASURE, *_OCCASION], dropna=False).cumcount()
    key = [*_MEASURE, *_OCCASION]
    pairs = rows[order == 0].merge(rows.loc[order == 1, [*key, "value"]], on=key, suffixes=("", "_again"))
    found = []
    for measure, own in pairs.groupby(_MEASURE, dropna=False, sort=False):
        summary = _summary(own[["value", "value_again"]].to_numpy(dtype="float64"))
        found.append({**dict(zip(_MEASURE, measure, strict=True)), **summary, "unit": own["unit"].iloc[0]})
    return pd.DataFrame(found)


def _summary(pairs: Any) -> dict[str, Any]:
    within = float(np.sqrt(np.mean(np.diff(pairs, axis=1) ** 2) / 2))
    return {
        "n_pairs": len(pairs), "mean": float(pairs.mean()), "within_sd": within,
        "smallest_detectable_change": _NORMAL_975 * float(np.sqrt(2)) * within, "icc": _icc(pairs),
    }  # fmt: skip


def _icc(pairs: Any) -> float:
    """Return ICC(2,1) of n pairs, shape (n, 2)."""
    n, k = pairs.shape
    if n < 3:  # noqa: PLR2004 - two people have no variance worth the name
        return float("nan")
    people, scans = pairs.mean(axis=1), pairs.mean(axis=0)
    total = ((pairs - pairs.mean()) ** 2).sum()
    between_people = k * ((people - pairs.mean()) ** 2).sum()
    between_scans = n * ((scans - pairs.mean()) ** 2).sum()
    rows = between_people / (n - 1)
    columns = between_scans / (k - 1)
    error = (total - between_people - between_scans) / ((n - 1) * (k - 1))
    spread = rows + (k - 1) * error + k * (columns - error) / n
    return float((rows - error) / spread) if spread > 0 else float("nan")
