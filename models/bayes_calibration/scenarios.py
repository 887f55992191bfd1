"""What is true of the trials that operating characteristics are computed on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from neurotrial.bayes_plan import NormalPrior
from neurotrial.errors import InputError, Problem

__all__ = ["SCENARIOS", "Distribution", "Scenario"]

Distribution = Literal["normal", "heavy_tails", "recovery"]

_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Scenario:
    """A truth, and the sizes of the trials that meet it.

    Attributes
    ----------
    name : str
        Slug.
    effect : float or NormalPrior
        Difference between the arms at follow-up in baseline SDs, above 0 a benefit; or the design prior that each
        trial draws its own from. Scores of the recovery mixture get it as points before floor and ceiling.
    n : tuple of int
        Participants of the treated and of the reference arm.
    correlation : float
        Of baseline with follow-up, in (-1, 1); the recovery mixture has its own, about 0.77.
    missing : float
        Share of each arm without a follow-up value, in [0, 1): a fixed number of participants, the likelier the lower
        their (first outcome's) baseline, so that values are missing at random.
    distribution : {"normal", "heavy_tails", "recovery"}
        Bivariate normal; bivariate t on 3 degrees of freedom, scaled to the same SDs; Fugl-Meyer scores of the upper
        limb, whole points from 0 to 66.
    outcomes : int
        Number of outcomes, 1 or more; one for the recovery mixture.
    between : float
        Correlation of any two outcomes at the same visit, in [0, 1).
    affected : int
        Of the outcomes, the first so many have the effect, the others none.
    """

    name: str
    effect: float | NormalPrior
    n: tuple[int, int] = (31, 13)
    correlation: float = 0.7
    missing: float = 0.0
    distribution: Distribution = "normal"
    outcomes: int = 1
    between: float = 0.0
    affected: int = 1

    def __post_init__(self) -> None:
        problems = [
            Problem(f"scenario {self.name!r}: {field}", rule, "correct the scenario")
            for field, rule, bad in self._rules()
            if bad
        ]
        if problems:
            raise InputError(problems)

    def _rules(self) -> list[tuple[str, str, bool]]:
        kept = [size - self.lost(size) for size in self.n]
        number = isinstance(self.effect, NormalPrior) or math.isfinite(self.effect)
        several = self.distribution == "recovery" and self.outcomes != 1
        return [
            ("effect", "is no finite number", not number),
            ("n", f"leaves an arm with fewer than {_FEWEST} participants at follow-up", min(kept) < _FEWEST),
            ("correlation", "is not between -1 and 1", not -1 < self.correlation < 1),
            ("missing", "is no share from 0 to below 1", not 0 <= self.missing < 1),
            (
                "outcomes",
                "is not 1 for the recovery mixture, 1 or more otherwise",
                self.outcomes < 1 or several,
            ),
            ("between", "is not from 0 to below 1", not 0 <= self.between < 1),
            ("affected", "is not from 0 to the number of outcomes", not 0 <= self.affected <= self.outcomes),
        ]

    def lost(self, size: int) -> int:
        """Return how many of an arm have no follow-up value."""
        return round(self.missing * size)


_DESIGN_PRIOR = NormalPrior(mean=0.5, sd=0.3)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("no_effect", 0.0),
        Scenario("small_effect", 0.3),
        Scenario("medium_effect", 0.6),
        Scenario("large_effect", 0.9),
        Scenario("uncertain_effect", _DESIGN_PRIOR),
        Scenario("no_effect_missing", 0.0, missing=0.2),
        Scenario("medium_effect_missing", 0.6, missing=0.2),
        Scenario("no_effect_heavy_tails", 0.0, distribution="heavy_tails"),
        Scenario("medium_effect_heavy_tails", 0.6, distribution="heavy_tails"),
        Scenario("no_effect_recovery", 0.0, distribution="recovery"),
        Scenario("large_effect_recovery", 1.0, distribution="recovery"),
        Scenario("no_effect_outcomes", 0.0, outcomes=7, between=0.4, affected=0),
        Scenario("no_effect_pair", 0.0, outcomes=2, between=0.4, affected=0),
        Scenario("medium_effect_pair", 0.6, outcomes=2, between=0.4, affected=2),
        Scenario("medium_effect_outcomes", 0.6, outcomes=7, between=0.4, affected=3),
    )
}
"""The scenarios whose operating characteristics are stored, by name."""
