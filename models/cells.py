"""Cells of a study: one analysis of one outcome each, with its participants and its random stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.descriptives import population_members

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.study import Analysis, Outcome, Study

__all__ = ["Cell", "cell_participants", "cell_seed", "study_cells"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One analysis of one outcome."""

    analysis: Analysis
    outcome: Outcome
    estimand: str
    population: str
    visit: str

    @property
    def name(self) -> str:
        """Analysis and outcome, for messages and seeds."""
        return f"{self.analysis.name}/{self.outcome.name}"

    @property
    def place(self) -> dict[str, str]:
        """Analysis, outcome and population: where the keys of its results begin."""
        return {
            "analysis": self.analysis.name,
            "outcome": self.outcome.name,
            "population": self.population,
        }


def study_cells(study: Study) -> list[Cell]:
    """Return the analyses of a study file, one cell for each analysis and outcome."""
    cells = []
    for analysis in study.analyses:
        estimand = study.estimand_of(analysis)
        population = study.population_of(analysis).name
        cells += [
            Cell(analysis, study.outcome(name), estimand.name, population, estimand.visit)
            for name in estimand.outcomes
        ]
    return cells


def cell_seed(study: Study, cell: Cell) -> np.random.SeedSequence:
    """Return the seed of a cell: the study's seed and the cell's name, so that no other cell moves it."""
    return np.random.SeedSequence([study.seed, *cell.name.encode()])


def cell_participants(cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return one row for each member of the cell's population: arm, baseline, follow_up and covariates."""
    members = population_members(data.study, data.tables["participants"], cell.population)["participant_id"]
    long = data.outcomes
    wanted = (long["outcome"] == cell.outcome.name) & (long["visit"] == cell.visit)
    rows = long[wanted & long["participant_id"].isin(members)]
    return (
        rows.drop(columns=["visit", "outcome"]).rename(columns={"value": "follow_up"}).reset_index(drop=True)
    )
