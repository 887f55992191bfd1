"""The tables of a cell that go beyond its complete participants: all who were randomised, and all visits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.cells import cell_participants
from neurotrial.models.randomisation.allocation import Allocation

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell
    from neurotrial.study import Study

__all__ = ["allocation_of", "allocation_seed", "randomised_table", "visits_table"]

_BLOCK = "block"


def allocation_of(data: StudyData) -> Allocation:
    """Return the allocation that the study file declares, with blocks where the participants have them.

    Where a declared scheme has blocks but some participant has none, labels are redrawn with the totals kept, within
    strata; the result says so.
    """
    declared, people = data.study.allocation, data.tables["participants"]
    blocked = declared.scheme == "permuted_blocks" and _BLOCK in people and people[_BLOCK].notna().all()
    return Allocation(
        blocks=_BLOCK if blocked else None,
        strata=tuple(declared.strata),
        ratio=dict(declared.ratio),
        block_sizes=tuple(declared.block_sizes) if blocked else (),
    )


def allocation_seed(study: Study) -> np.random.SeedSequence:
    """Return the seed of redrawn labels: the same for every outcome, so that their maxima can be taken."""
    return np.random.SeedSequence([study.seed, *b"allocation"])


def randomised_table(cell: Cell, data: StudyData) -> pd.DataFrame:
    """Return one row for each randomised participant, in the order of the table `participants`.

    Columns are those of `participants`, with ``follow_up`` and ``baseline`` of the cell's outcome; both are missing for
    those who are not in its population.
    """
    people = data.tables["participants"].reset_index(drop=True)
    members = cell_participants(cell, data).set_index("participant_id")
    values = members[["follow_up", "baseline"]].reindex(people["participant_id"]).to_numpy(dtype="float64")
    return people.assign(follow_up=values[:, 0], baseline=values[:, 1])


def visits_table(cell: Cell, data: StudyData) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the outcome of a cell at baseline and at the visits up to the estimand's, and the events that affect them.

    Returns
    -------
    rows : DataFrame
        One row for each member of the population and visit: participant_id, visit (in order), arm, value, covariates.
    events : DataFrame or None
        participant_id and the first visit affected, of the types that the analysis names; None where it names none.
    """
    study = data.study
    members = cell_participants(cell, data)["participant_id"]
    names = [visit.name for visit in study.visits]
    kept = names[: names.index(cell.visit) + 1]
    rows = data.outcomes[data.outcomes["outcome"] == cell.outcome.name]
    rows = rows[rows["visit"].isin(kept) & rows["participant_id"].isin(members)]
    measured = [name for name in kept if rows.loc[rows["visit"] == name, "value"].notna().any()]
    rows = rows[rows["visit"].isin(measured)]
    order = pd.CategoricalDtype(measured, ordered=True)
    typed = rows.assign(visit=rows["visit"].astype("str").astype(order))
    return typed.reset_index(drop=True), _events(cell, data, measured, members)


def _events(cell: Cell, data: StudyData, visits: list[str], members: pd.Series[str]) -> pd.DataFrame | None:
    wanted = cell.analysis.imputation_events
    if not wanted or "events" not in data.tables:
        return None
    table = data.tables["events"]
    own = table[table["type"].isin(wanted) & table["participant_id"].isin(members)]
    days = {visit.name: visit.day for visit in data.study.visits if visit.name in visits[1:]}
    first = [next((name for name, day in days.items() if day >= when), "") for when in own["day"]]
    made = own[["participant_id"]].assign(visit=pd.array(first, dtype="str"))
    return made[made["visit"] != ""].reset_index(drop=True)
