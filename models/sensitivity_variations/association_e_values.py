"""E-values of the associations between an imaging and a motor outcome: arms are randomised, these two are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError
from neurotrial.models.association.adjusted_association import change_association
from neurotrial.models.association.paired_table import paired_table
from neurotrial.models.sensitivity_variations.unmeasured_confounding import e_value, risk_ratio_of
from neurotrial.models.study_associations import association_table

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.study import Association, Study

__all__ = ["confounded", "e_value_rows"]

_UNIT = "risk ratio"


def confounded(study: Study) -> list[Association]:
    """Return the declared associations between an outcome from images and one that is not."""
    tables = {outcome.name: outcome.source.table for outcome in study.outcomes}
    return [part for part in study.associations if {tables[part.x], tables[part.y]} == {"features", "motor"}]


def e_value_rows(part: Association, data: StudyData) -> list[dict[str, Any]]:
    """Return the approximate risk ratio of an association and its E-values, rows of the table `sensitivity`.

    Parameters
    ----------
    part : Association
        A part of the study file.
    data : StudyData
        The study.

    Returns
    -------
    list of dict
        The slope is taken for a change of `x` by one SD and divided by the SD of the change of `y`, among those in it;
        one failed row where it cannot be computed.
    """
    shared: dict[str, Any] = {
        "analysis": part.name,
        "outcome": part.y,
        "population": part.population,
        "visit": part.visit,
        "group": "confounding",
        "contrast": f"{part.y} ~ {part.x}",
        "conf_level": data.study.conf_level,
        "unit": _UNIT,
        "status": "ok",
        "reason": "",
    }
    try:
        rows = list(_values(part, data))
    except InputError as error:
        reason = "; ".join(f"{problem.where}: {problem.rule}" for problem in error.problems)
        said = "E-value of the association"
        rows = [{"variation": "e_value", "description": said, "status": "failed", "reason": reason}]
    return [{"method": "e_value", **shared, **row} for row in rows]


def _values(part: Association, data: StudyData) -> Iterator[dict[str, Any]]:
    slope = _standardised(part, association_table(part, data), data)
    ends = [risk_ratio_of(slope[name]) for name in ("estimate", "conf_low", "conf_high")]
    found = e_value(*ends)
    counts = {"n_per_arm": slope["n_per_arm"]}
    yield {
        **counts, "variation": "risk_ratio", "method": "change_slope", "estimate": found.ratio, "conf_low": ends[1],
        "conf_high": ends[2], "p_value": slope["p_value"],
        "description": "approximate risk ratio of a change larger by one SD",
        "reason": f"exp(0.91 d), d = {slope['estimate']:.3g} SD of the change in {part.y} for one SD of the change in {part.x}",
    }  # fmt: skip
    yield {
        **counts,
        "variation": "e_value",
        "description": "risk ratio that an unmeasured confounder would need with both to explain the association",
        "estimate": found.estimate,
    }
    yield {
        **counts,
        "variation": "e_value_limit",
        "description": "the same, to explain the confidence limit nearest to no association",
        "estimate": found.limit,
        "reason": "the interval includes no association" if found.limit == 1 else "",
    }


def _standardised(part: Association, table: pd.DataFrame, data: StudyData) -> Mapping[Any, Any]:
    """Return the slope of the changes with its limits, in SDs of both changes."""
    study = data.study
    pairs = {"x": "x_baseline", "y": "y_baseline"}
    found = change_association(
        table,
        x="x",
        x_baseline="x_baseline",
        y="y",
        y_baseline="y_baseline",
        arm="arm",
        covariates=part.covariates,
        reference=study.reference_arm.name,
        n_resamples=study.n_resamples,
        conf_level=study.conf_level,
        visit=part.visit,
    ).tidy()
    (slope,) = found[found["method"] == "change_slope"].to_dict("records")
    numeric = [*pairs, *pairs.values()]
    members = paired_table(table, "arm", numeric, part.covariates, study.reference_arm.name)
    sds = {
        name: float(np.std(members.values(name) - members.values(first), ddof=1))
        for name, first in pairs.items()
    }
    scale = sds["x"] / sds["y"]
    return {
        **slope,
        **{name: float(slope[name]) * scale for name in ("estimate", "conf_low", "conf_high")},
    }
