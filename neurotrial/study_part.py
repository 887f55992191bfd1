"""What every part of a study file has in common: strict, immutable objects and the kinds of words in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

__all__ = ["Name", "Part", "Text"]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name: small letters, digits and _, beginning with a letter."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""Words for readers."""


class Part(BaseModel):
    """A part of the study file: unknown keys are refused, values never change and are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
