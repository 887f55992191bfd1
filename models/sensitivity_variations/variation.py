"""One variation of a main comparison: what differs in words, and how it is computed or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.method_names import METHODS
from neurotrial.models.study_methods import estimate_cell

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["Variation", "compared_again", "method_of", "rows_of"]


@dataclass(frozen=True, slots=True)
class Variation:
    """A way in which an analysis could have been done.

    Attributes
    ----------
    name : str
        Name inside its comparison; one, or the beginning of one where `compute` names its rows.
    group : str
        What is varied, a level of the column `group` of the results table `sensitivity`.
    description : str
        What differs from the main analysis, in words.
    population : str
        Whose comparison it is.
    compute : callable or None
        Gives rows with the columns of `neurotrial.models.tidy`, one for each contrast, and where rows differ in more
        ``variation``, ``description`` and ``delta``. None where the variation does not exist here.
    reason : str
        Why it does not.
    unit : str
        Unit of the estimate; empty for that of its method and outcome.
    flipped : bool
        Whether a larger value means the opposite of what it means in the main analysis.
    """

    name: str
    group: str
    description: str
    population: str
    compute: Callable[[], pd.DataFrame] | None = None
    reason: str = ""
    unit: str = ""
    flipped: bool = False


def method_of(cell: Cell, slug: str) -> str:
    """Return the method that gives a row of estimates, one that the analysis names where several do."""
    homes = [name for name, slugs in METHODS.items() if slug in slugs]
    return next((name for name in homes if name in cell.analysis.methods), homes[0])


def rows_of(cell: Cell, data: StudyData, slug: str) -> pd.DataFrame:
    """Return the comparisons of arms by one estimator in a cell, as the fit of the study has them."""
    rows = estimate_cell(cell, data, [method_of(cell, slug)])
    return rows[(rows["method"] == slug) & (rows["term"] == "arm")].reset_index(drop=True)


def compared_again(cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return the main comparison of a cell, computed from `data`.

    Raises
    ------
    InputError
        If the main estimate is a posterior: none is sampled for a sensitivity analysis.
    """
    main = cell.analysis.main_method
    if main.startswith("bayes_"):
        rule = "the main estimate is a posterior, which is not sampled again"
        raise refuse(f"main_method {main!r}", rule, "name a frequentist main method to have this row")
    return rows_of(cell, data, main)
