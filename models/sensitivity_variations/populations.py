"""Other populations: as randomised, per protocol, and every other one that the study file declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from neurotrial.models.sensitivity_variations.variation import Variation, compared_again

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["population_variations"]

_PER_PROTOCOL = "per_protocol"


def population_variations(cell: Cell, data: StudyData) -> Iterator[Variation]:
    """Yield the main comparison in each other declared population, and say which of the usual ones is not declared."""
    populations = data.study.populations
    for population in populations:
        if population.name == cell.population:
            continue
        other = replace(cell, population=population.name)
        yield Variation(
            f"population_{population.name}",
            "population",
            f"population: {population.label}",
            population.name,
            partial(compared_again, other, data),
        )
    flags = {population.flag for population in populations}
    if _PER_PROTOCOL not in flags:
        yield _absent(cell, _PER_PROTOCOL, "per protocol", "no population has the flag per_protocol")
    if None not in flags:
        yield _absent(cell, "as_randomised", "all randomised", "every population has a flag")


def _absent(cell: Cell, name: str, words: str, reason: str) -> Variation:
    said = f"the study file declares none: {reason}"
    return Variation(f"population_{name}", "population", f"population: {words}", cell.population, reason=said)
