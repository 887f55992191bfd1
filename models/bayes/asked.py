"""What is wanted of a posterior, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import check_level

if TYPE_CHECKING:
    from neurotrial.models.sentences import Direction

__all__ = ["Wording", "orientation", "wording"]


@dataclass(frozen=True, slots=True)
class Wording:
    """What is wanted of the posterior of an outcome, and in which words.

    Attributes
    ----------
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    visit, baseline_visit : str
        Names of the visits.
    bounds : tuple of float or None
        Range of the outcome.
    mcid : float or None
        Minimal clinically important difference, above 0, in the unit of the outcome.
    rope : float or None
        Half-width of the region of practical equivalence, above 0, in the unit of the outcome; None for the plan's,
        which is in baseline SDs.
    conf_level : float
        Probability of the interval, in (0, 1).
    """

    direction: Direction = "higher_is_better"
    visit: str = "follow_up"
    baseline_visit: str = "baseline"
    bounds: tuple[float, float] | None = None
    mcid: float | None = None
    rope: float | None = None
    conf_level: float = 0.95

    @property
    def sign(self) -> int:
        """Sign of a benefit."""
        return orientation(self.direction)


def orientation(direction: Direction) -> int:
    """Return the sign of a benefit."""
    return 1 if direction == "higher_is_better" else -1


def wording(**given: object) -> Wording:
    """Return a checked `Wording`; arguments are its attributes.

    Raises
    ------
    InputError
        If the direction is unknown, a difference is not above 0, bounds do not increase, or the level is none.
    """
    found = Wording(**given)  # type: ignore[arg-type] # names are checked by the class
    check_level(found.conf_level)
    problems = []
    if found.direction not in {"higher_is_better", "lower_is_better"}:
        rule = f"{found.direction!r} is not known"
        problems.append(Problem("direction", rule, "use higher_is_better or lower_is_better"))
    for name, value in (("mcid", found.mcid), ("rope", found.rope)):
        if value is not None and not 0 < value < np.inf:
            rule = f"{value:g} is no difference above 0"
            problems.append(Problem(name, rule, "give its size, whatever the direction"))
    if found.bounds is not None and not found.bounds[0] < found.bounds[1]:
        rule = f"{found.bounds[0]:g} to {found.bounds[1]:g} is no range"
        problems.append(Problem("bounds", rule, "give the lowest and then the highest possible value"))
    if problems:
        raise InputError(problems)
    return found
