"""The associations of changes that a study file declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError
from neurotrial.models.association.adjusted_association import change_association
from neurotrial.models.association.mediated import mediation
from neurotrial.models.descriptives import population_members
from neurotrial.models.tidy import failed_row

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.study import Association

__all__ = ["association_rows", "association_table"]

_UNITS = {"partial_correlation": "correlation"}


def association_rows(data: StudyData) -> list[dict[str, Any]]:
    """Return the rows of the table `associations`; what cannot be computed is a row with the reason.

    Parameters
    ----------
    data : StudyData
        The study.
    """
    return [row for part in data.study.associations for row in _rows(part, data)]


def _rows(part: Association, data: StudyData) -> list[dict[str, Any]]:
    study = data.study
    table = association_table(part, data)
    shared: dict[str, Any] = {
        "arm": "arm",
        "covariates": part.covariates,
        "reference": study.reference_arm.name,
        "conf_level": study.conf_level,
        "visit": part.visit,
        "seed": np.random.SeedSequence([study.seed, *part.name.encode()]),
    }
    calls: dict[str, Callable[[], Any]] = {
        "partial_correlation": lambda: change_association(
            table,
            x="x",
            x_baseline="x_baseline",
            y="y",
            y_baseline="y_baseline",
            n_resamples=study.n_resamples,
            **shared,
        )
    }
    if part.mediation:
        calls["mediation_indirect"] = lambda: mediation(
            table,
            outcome="y",
            outcome_baseline="y_baseline",
            mediator="x",
            mediator_baseline="x_baseline",
            **shared,
        )
    found = pd.concat([_computed(name, call, part.visit) for name, call in calls.items()], ignore_index=True)
    unit = study.outcome(part.y).unit
    return [_labelled(row, part, unit) for row in found.to_dict("records")]


def association_table(part: Association, data: StudyData) -> pd.DataFrame:
    """Return one row for each member of the population: arm, covariates, x, y, x_baseline and y_baseline."""
    members = population_members(data.study, data.tables["participants"], part.population)["participant_id"]
    rows = data.outcomes[
        (data.outcomes["visit"] == part.visit) & data.outcomes["participant_id"].isin(members)
    ]
    first, second = (rows[rows["outcome"] == name].set_index("participant_id") for name in (part.x, part.y))
    return second.rename(columns={"value": "y", "baseline": "y_baseline"}).assign(
        x=first["value"], x_baseline=first["baseline"]
    )


def _computed(name: str, call: Callable[[], Any], visit: str) -> pd.DataFrame:
    try:
        found: pd.DataFrame = call().tidy()
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        return failed_row(name, reason, "y ~ x", visit)
    return found


def _labelled(row: dict[Any, Any], part: Association, unit: str) -> dict[str, Any]:
    contrast = str(row["contrast"]).replace("y ~ x", f"{part.y} ~ {part.x}")
    method = str(row["method"])
    own = {"association": part.name, "x": part.x, "y": part.y, "population": part.population}
    slope = f"{unit} per unit of {part.x}" if method.startswith("change_slope") else unit
    key = f"association/{part.name}/{part.population}/{method}/{contrast.replace(' ', '')}/{part.visit}"
    reason = str(row["reason"])
    for short, name in (("x_baseline", f"{part.x} at baseline"), ("y_baseline", f"{part.y} at baseline")):
        reason = reason.replace(short, name)
    return {
        **{str(name): value for name, value in row.items()},
        **own,
        "key": key,
        "contrast": contrast,
        "reason": reason.replace("y in one unit of x", f"{part.y} in one unit of {part.x}").replace(
            "mediator x", f"mediator {part.x}"
        ),
        "unit": _UNITS.get(method, slope),
    }
