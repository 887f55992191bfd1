"""What a simulated trial is made of: sizes, effects put in, and the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from neurotrial.errors import InputError, Problem

__all__ = ["ARMS", "BLOCK", "TrialSettings"]

ARMS = ("cells", "control")
BLOCK = ("cells", "cells", "cells", "cells", "control", "control")
"""A randomisation block, before it is shuffled: 2:1."""

_FEWEST = 2
"""Participants of an arm below which it has no variance."""

_LARGEST_EFFECT = {"added_points": 100.0, "integrity_change": 0.5, "inter_change": 1.0, "ipsi_change": 1.0}

Counts = tuple[int, int]
Shifts = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """Inputs of the simulation.

    Attributes
    ----------
    seed : int
        Root of every random stream. The default is a date and was never tuned.
    planned : int
        Participants randomised; a multiple of the block of 6.
    analysed : tuple of int
        Participants seen at follow-up, in the order of `ARMS`.
    imaged : tuple of int
        Of those, participants with usable MRI at both visits, in the order of `ARMS`.
    excluded : tuple of int
        Of those analysed, participants scanned at both visits of whom a decision excludes a scan, in the order of `ARMS`.
    grid : {"small", "full"}
        Size of the images.
    added_points : tuple of float
        Points of the Fugl-Meyer total (0 to 100) added at follow-up before floor and ceiling, in the order of `ARMS`.
    integrity_change : tuple of float
        Mean change of the ipsilesional tract's integrity (a share of healthy anisotropy), in the order of `ARMS`.
    inter_change, ipsi_change : tuple of float
        Mean change of Fisher z between and within hemispheres (lesion side), in the order of `ARMS`.
    """

    seed: int = 20261122
    planned: int = 60
    analysed: Counts = (39, 15)
    imaged: Counts = (31, 13)
    excluded: Counts = (2, 1)
    grid: Literal["small", "full"] = "small"
    added_points: Shifts = (10.0, 0.0)
    integrity_change: Shifts = (-0.01, -0.06)
    inter_change: Shifts = (0.10, 0.0)
    ipsi_change: Shifts = (0.08, 0.02)

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

        def counts(small: Counts) -> Counts:
            return round(small[0] * factor), round(small[1] * factor)

        return replace(
            self,
            planned=planned,
            analysed=counts(self.analysed),
            imaged=counts(self.imaged),
            excluded=counts(self.excluded),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    def _problems(self) -> list[Problem]:
        problems = list(self._effect_problems())
        if self.planned < len(BLOCK) or self.planned % len(BLOCK):
            rule = f"{self.planned} participants do not fill blocks of {len(BLOCK)}"
            lower = max(self.planned // len(BLOCK), 1) * len(BLOCK)
            problems.append(Problem("--planned", rule, f"use a multiple of {len(BLOCK)}, e.g. {lower}"))
        for arm, *counts in zip(ARMS, self.analysed, self.imaged, self.excluded, strict=True):
            problems += self._arm_problems(arm, *counts)
        return problems

    def _effect_problems(self) -> Iterator[Problem]:
        for name, largest in _LARGEST_EFFECT.items():
            given = getattr(self, name)
            if not all(abs(value) <= largest for value in given):
                option = f"--{name.replace('_', '-')}"
                rule = (
                    f"{' '.join(f'{value:g}' for value in given)} is not between -{largest:g} and {largest:g}"
                )
                yield Problem(option, rule, "give one number for each arm, in that range")

    def _arm_problems(self, arm: str, analysed: int, imaged: int, excluded: int) -> list[Problem]:
        problems = []
        if not _FEWEST <= analysed <= self.randomised(arm):
            rule = f"{analysed} in {arm} is not between {_FEWEST} and the {self.randomised(arm)} randomised to it"
            problems.append(Problem("--analysed", rule, "lower it, or plan more participants"))
        if not (imaged >= _FEWEST and excluded >= 0 and imaged + excluded <= analysed):
            rule = f"{imaged} imaged and {excluded} excluded in {arm} do not fit into {analysed} analysed"
            problems.append(
                Problem("--imaged", rule, f"use at least {_FEWEST}, and no more than are analysed")
            )
        return problems
