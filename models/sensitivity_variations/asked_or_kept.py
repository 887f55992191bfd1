"""The standard sensitivity set of a fit: computed where it is asked for, else kept as long as it fits the study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from neurotrial.models.sensitivity_variations.sensitivity_set import varied_study
from neurotrial.provenance import changes_since
from neurotrial.results import RESULT_TABLES
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.results import Results

__all__ = ["sensitivity_table"]


def sensitivity_table(
    data: StudyData,
    estimates: pd.DataFrame,
    progress: Callable[[str], None],
    *,
    asked: bool,
    stored: Results | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the results table `sensitivity`, and what was decided about it.

    Parameters
    ----------
    data : StudyData
        The study, its outcomes harmonised.
    estimates : DataFrame
        The results table of that name.
    progress : callable
        Told the name of each comparison before it is varied.
    asked : bool
        Whether the set is computed.
    stored : Results or None
        Those of an earlier fit.
    """
    if asked:
        return varied_study(data, estimates, progress).table, []
    if stored is None or stored.tables["sensitivity"].empty:
        return empty_table(RESULT_TABLES["sensitivity"]), []
    changes = changes_since(stored.provenance, data)
    if not changes:
        return stored.tables["sensitivity"], []
    why = "; ".join(changes)
    said = (
        f"the standard sensitivity set of an earlier fit was left out, because {why}: fit with --sensitivity"
    )
    return empty_table(RESULT_TABLES["sensitivity"]), [said]
