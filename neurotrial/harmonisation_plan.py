"""The part of a study file that harmonises imaging outcomes between sites or scanners."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurotrial.study_part import Name, Part, Text

__all__ = ["HarmonisationPlan"]


class HarmonisationPlan(Part):
    """Harmonisation of imaging outcomes, before anything is fitted.

    Attributes
    ----------
    method : {"combat"}
        Longitudinal ComBat; arm by visit is always preserved. See `neurotrial.models.harmonise`.
    batch : str
        Column of `participants` that names the batch: site or scanner.
    outcomes : list of str
        Outcomes that are harmonised, two or more, because ComBat borrows between them.
    covariates : list of str
        Columns of `participants` whose effects are preserved.
    """

    method: Literal["combat"] = "combat"
    batch: Text = "site"
    outcomes: Annotated[list[Name], Field(min_length=2)]
    covariates: list[Text] = Field(default_factory=list)
