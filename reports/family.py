"""The effect towards which several outcomes are pooled, as an outcome beside those of the study file."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import FAMILY

if TYPE_CHECKING:
    from neurotrial.study import Outcome, Study

__all__ = ["family_outcome", "is_family", "outcome_named"]


@cache
def family_outcome() -> Outcome:
    """Return the pooled effect as an outcome: in baseline SDs, oriented so that above 0 is a benefit."""
    from neurotrial.study import Outcome, Source

    return Outcome(
        name=FAMILY,
        label="All outcomes, pooled",
        unit="baseline SD",
        direction="higher_is_better",
        source=Source(table="features", where={}),
        digits=2,
    )


def is_family(outcome: Outcome) -> bool:
    """Tell whether an outcome is the pooled effect."""
    return outcome.name == FAMILY


def outcome_named(study: Study, name: str) -> Outcome:
    """Return an outcome of a study, or the pooled effect."""
    return family_outcome() if name == FAMILY else study.outcome(name)
