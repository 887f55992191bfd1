"""What a simulated trial is made of: sizes, effects put in, and the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from neurotrial.errors import InputError, Problem

__all__ = ["ARMS", "BLOCK", "TrialSettings"]

ARMS = ("cells", "control")
BLOCK = ("cells", "cells", "cells", "cells", "control", "control")
"""A randomisation block, before it is shuffled: 2:1."""

Counts = Mapping[str, int]
Shifts = Mapping[str, float]


def _by_arm(cells: Any, control: Any) -> Any:
    return field(default_factory=lambda: {"cells": cells, "control": control})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """Inputs of the simulation.

    Attributes
    ----------
    seed : int
        Root of every random stream. The default is a date and was never tuned.
    planned : int
        Participants randomised; a multiple of the block of 6.
    analysed : mapping of str to int
        Participants seen at follow-up, by arm.
    imaged : mapping of str to int
        Of those, participants with usable MRI at both visits, by arm.
    excluded : mapping of str to int
        Of those analysed, participants scanned at both visits of whom a decision excludes a scan, by arm.
    grid : {"small", "full"}
        Size of the images.
    added_points : mapping of str to float
        Points of the Fugl-Meyer total (0 to 100) added at follow-up before floor and ceiling, by arm.
    integrity_change : mapping of str to float
        Mean change of the ipsilesional tract's integrity (a share of healthy anisotropy), by arm.
    inter_change, ipsi_change : mapping of str to float
        Mean change of Fisher z between and within hemispheres (lesion side), by arm.
    """

    seed: int = 20261122
    planned: int = 60
    analysed: Counts = _by_arm(39, 15)
    imaged: Counts = _by_arm(31, 13)
    excluded: Counts = _by_arm(2, 1)
    grid: Literal["small", "full"] = "small"
    added_points: Shifts = _by_arm(10.0, 0.0)
    integrity_change: Shifts = _by_arm(-0.01, -0.06)
    inter_change: Shifts = _by_arm(0.10, 0.0)
    ipsi_change: Shifts = _by_arm(0.08, 0.02)

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise InputError(problems)

    def randomised(self, arm: str) -> int:
        """Return how many are randomised to an arm."""
        return self.planned // len(BLOCK) * BLOCK.count(arm)

    def scaled(self, planned: int) -> TrialSettings:
        """Return the same trial with another number of participants, each count in proportion."""
        factor = planned / self.planned
        counts = {
            name: {arm: round(n * factor) for arm, n in getattr(self, name).items()}
            for name in ("analysed", "imaged", "excluded")
        }
        return replace(self, planned=planned, **counts)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    def _problems(self) -> list[Problem]:
        problems = []
        if self.planned < len(BLOCK) or self.planned % len(BLOCK):
            rule = f"{self.planned} participants do not fill blocks of {len(BLOCK)}"
            lower = max(self.planned // len(BLOCK), 1) * len(BLOCK)
            problems.append(Problem("--planned", rule, f"use a multiple of {len(BLOCK)}, e.g. {lower}"))
        for arm in ARMS:
            problems += self._arm_problems(arm)
        return problems

    def _arm_problems(self, arm: str) -> list[Problem]:
        analysed, imaged, excluded = (counts[arm] for counts in (self.analysed, self.imaged, self.excluded))
        problems = []
        if not 2 <= analysed <= self.randomised(arm):
            rule = f"{analysed} in {arm} is not between 2 and the {self.randomised(arm)} randomised to it"
            problems.append(Problem("--analysed", rule, "lower it, or plan more participants"))
        if not (imaged >= 2 and excluded >= 0 and imaged + excluded <= analysed):
            rule = f"{imaged} imaged and {excluded} excluded in {arm} do not fit into {analysed} analysed"
            problems.append(Problem("--imaged", rule, "use at least 2, and no more than are analysed"))
        return problems
