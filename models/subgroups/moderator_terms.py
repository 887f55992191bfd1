"""The terms by which an effect may change along a number: a straight line, or a natural cubic spline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["ModeratorTerms", "moderator_terms"]

_COLUMN = "value"
_FEWEST_DF, _MOST_DF = 2, 4


@dataclass(frozen=True, slots=True)
class ModeratorTerms:
    """Terms that can be evaluated at any value.

    Attributes
    ----------
    spec : ModelSpec or None
        formulaic's; None for a straight line.
    knots : tuple of float
        Inner knots of the spline.
    """

    spec: Any = None
    knots: tuple[float, ...] = ()

    def at(self, values: FloatArray) -> FloatArray:
        """Return the terms at values, shape (n_values, n_terms)."""
        if self.spec is None:
            return np.asarray(values, dtype="float64")[:, None]
        frame = pd.DataFrame({_COLUMN: values})
        return np.asarray(self.spec.get_model_matrix(frame, context={"knots": self.knots}), dtype="float64")


def moderator_terms(values: FloatArray, spline_df: int | None, name: str) -> ModeratorTerms:
    """Make the terms of a number.

    Parameters
    ----------
    values : array of float, shape (n,)
        Values of the participants, who give the knots.
    spline_df : int or None
        Terms of a natural cubic spline, 2 to 4: knots at the smallest and largest value and at equally spaced quantiles
        between them, straight beyond; None for a straight line.
    name : str
        Column, for messages.

    Raises
    ------
    InputError
        If the number of terms is not allowed, or the values are too few for their knots.
    """
    if spline_df is None:
        return ModeratorTerms()
    if not _FEWEST_DF <= spline_df <= _MOST_DF:
        rule = f"{spline_df} terms are not between {_FEWEST_DF} and {_MOST_DF}"
        raise refuse("spline_df", rule, "use 2 to 4, or None for a straight line")
    knots = np.quantile(values, np.linspace(0, 1, spline_df + 1))
    if np.unique(knots).size <= spline_df:
        rule = f"its values are too few, or too often the same, for {spline_df + 1} different knots"
        raise refuse(f"column {name!r}", rule, "use fewer spline terms, or a straight line")
    from formulaic import Formula

    inner = tuple(knots[1:-1].tolist())
    formula = Formula(f"cr({_COLUMN}, knots=knots, constraints='center') - 1")
    made: Any = formula.get_model_matrix(pd.DataFrame({_COLUMN: values}), context={"knots": inner})
    return ModeratorTerms(made.model_spec, inner)
