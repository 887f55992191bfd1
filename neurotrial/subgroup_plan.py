"""The part of a study file that asks whether an effect differs between participants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurotrial.study_part import Name, Part, Text

__all__ = ["OWN_BASELINE", "SubgroupPlan"]

OWN_BASELINE = "baseline"
"""As `by`: the baseline value of the outcome itself."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class SubgroupPlan(Part):
    """Whether the effect on an outcome differs by a column of `participants`.

    Attributes
    ----------
    by : str
        Column of `participants` that was known before randomisation, or ``baseline``, the outcome's own.
    kind : {"categorical", "continuous", "dose"}
        A category; a number; a number that the reference arm does not have.
    cut : list of float
        Points at which a number is made a category, each the first value of its level.
    fewest : int
        Participants that a level needs in each arm.
    per : float
        Step of the slope along a number, e.g. 10 for the change of the effect per 10 days.
    at : list of float
        Values of the number at which the effect is shown; its quartiles where there are none.
    spline_df : int or None
        Terms of a natural cubic spline in place of a straight line.
    errors : {"HC3", "OLS"}
        Standard error.
    role : {"exploratory", "secondary"}
        What the reports call it.
    """

    name: Name
    label: Text
    outcome: Name
    visit: Name
    population: Name
    by: Text
    kind: Literal["categorical", "continuous", "dose"]
    cut: list[Finite] = Field(default_factory=list)
    fewest: Annotated[int, Field(ge=2)] = 3
    per: Annotated[Finite, Field(gt=0)] = 1.0
    at: list[Finite] = Field(default_factory=list)
    spline_df: Annotated[int, Field(ge=2, le=4)] | None = None
    covariates: list[Text] = Field(default_factory=list)
    errors: Literal["HC3", "OLS"] = "HC3"
    role: Literal["exploratory", "secondary"] = "exploratory"

    @property
    def takes_number(self) -> bool:
        """Whether the column must hold numbers."""
        return self.kind != "categorical" or bool(self.cut)
