"""Harmonisation of the outcomes of a study, as its file asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from neurotrial.models.harmonisation.combat import harmonise

if TYPE_CHECKING:
    from neurotrial.loading import StudyData

__all__ = ["harmonised_study"]


def harmonised_study(data: StudyData) -> tuple[StudyData, list[str]]:
    """Return a study with harmonised outcomes, and what was done in words; as it is where nothing is asked for.

    Parameters
    ----------
    data : StudyData
        A checked study folder.

    Raises
    ------
    InputError
        If its batches cannot be harmonised; nothing is fitted then.
    """
    plan = data.study.harmonisation
    if plan is None:
        return data, []
    long = data.outcomes
    own = long["outcome"].isin(plan.outcomes)
    columns = [plan.batch, *(name for name in plan.covariates if name not in long)]
    people = data.tables["participants"].set_index("participant_id")[columns]
    rows = (
        long[own].drop(columns=[name for name in columns if name in long]).join(people, on="participant_id")
    )
    found = harmonise(rows, batch=plan.batch, covariates=plan.covariates)
    after = long.copy()
    after.loc[own, "value"] = found.data["value"].to_numpy()
    at_baseline = after[own & (after["visit"] == data.study.baseline_visit.name)]
    first = at_baseline.set_index(["participant_id", "outcome"])["value"]
    keys = after.loc[own, ["participant_id", "outcome"]].itertuples(index=False, name=None)
    after.loc[own, "baseline"] = first.reindex(list(keys)).to_numpy()
    sizes = found.batches.groupby(plan.batch, sort=False)["n"].max()
    words = ", ".join(f"{name} {count} scans" for name, count in sizes.items())
    said = f"harmonised by ComBat between {plan.batch} ({words}): {', '.join(plan.outcomes)}"
    return replace(data, outcomes=after), [said]
