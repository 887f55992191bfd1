"""Adjusted p-values of the families that a study file declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.gatekeeping import graphical
from neurotrial.models.multiplicity import adjust
from neurotrial.models.randomisation.rerandomisation import maxt
from neurotrial.models.randomised_table import allocation_of, allocation_seed, randomised_table

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell
    from neurotrial.models.student import FloatArray
    from neurotrial.study import Family

__all__ = ["adjust_families"]

_COLUMNS = ["family", "procedure", "key", "p_raw", "p_adjusted"]


def adjust_families(data: StudyData, cells: Sequence[Cell], estimates: pd.DataFrame) -> pd.DataFrame:
    """Adjust the p-values of each declared family; a missing p-value keeps its place in the family's size.

    Parameters
    ----------
    data : StudyData
        The study.
    cells : sequence of Cell
        Its cells.
    estimates : DataFrame
        The table `estimates` of the results.

    Returns
    -------
    DataFrame
        Rows of the table `adjusted`.
    """
    parts = [pd.DataFrame(columns=_COLUMNS)]
    for family in data.study.families:
        chosen = estimates["analysis"].isin(family.analyses) & (estimates["term"] == "arm")
        rows = estimates[chosen & (estimates["method"] == family.method)]
        adjusted = _adjusted(
            family, rows, data, [cell for cell in cells if cell.analysis.name in family.analyses]
        )
        named = {"family": family.name, "procedure": family.procedure}
        parts.append(
            pd.DataFrame({**named, "key": rows["key"], "p_raw": rows["p_value"], "p_adjusted": adjusted})
        )
    return pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)


def _adjusted(family: Family, rows: pd.DataFrame, data: StudyData, cells: Sequence[Cell]) -> FloatArray:
    p_values = rows["p_value"].to_numpy(dtype="float64")
    if family.procedure == "maxt":
        return _maxima(rows, data, cells)
    if family.procedure == "graphical" and family.graph is not None:
        names = rows["outcome"].tolist()
        weights = [family.graph.weights[name] for name in names]
        transitions = [
            [family.graph.transitions.get(one, {}).get(two, 0.0) for two in names] for one in names
        ]
        return graphical(p_values, weights, transitions, names=names).table["p_adjusted"].to_numpy()
    return adjust(p_values, family.procedure)


def _maxima(rows: pd.DataFrame, data: StudyData, cells: Sequence[Cell]) -> FloatArray:
    """Return step-down maxT over the cells whose re-randomisation test succeeded; NaN for the others."""
    tested = rows.loc[rows["p_value"].notna(), ["analysis", "outcome"]].apply("/".join, axis=1).tolist()
    kept = [cell for cell in cells if cell.name in tested]
    if not kept:
        return np.full(len(rows), np.nan)
    tables = [randomised_table(cell, data) for cell in kept]
    wide = tables[0].copy()
    for number, table in enumerate(tables):
        wide[f"follow_up_{number}"], wide[f"baseline_{number}"] = table["follow_up"], table["baseline"]
    found = maxt(
        wide,
        outcomes=[f"follow_up_{number}" for number in range(len(kept))],
        baselines=[f"baseline_{number}" for number in range(len(kept))],
        arm="arm",
        reference=data.study.reference_arm.name,
        covariates=kept[0].analysis.covariates,
        allocation=allocation_of(data),
        n_resamples=data.study.n_resamples,
        seed=allocation_seed(data.study),
    )
    adjusted = dict(zip((cell.name for cell in kept), found.table["p_adjusted"], strict=True))
    names = rows[["analysis", "outcome"]].apply("/".join, axis=1)
    return np.array([adjusted.get(name, np.nan) for name in names])
