"""The specifications of a results store as a table to draw and to explore."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Study

__all__ = ["decision_labels", "has_multiverse", "multiverse_outcome", "specification_frame"]


def has_multiverse(data: CitedResults) -> bool:
    """Tell whether the results have one."""
    return data.study.multiverse is not None and not data.results.tables["specifications"].empty


def multiverse_outcome(study: Study) -> str:
    """Return the label of the outcome of the reference specification."""
    plan = study.multiverse
    if plan is None:
        return ""
    analysis = next(one for one in study.analyses if one.name == plan.analysis)
    name = plan.outcome or study.estimand_of(analysis).outcomes[0]
    for decision in plan.decisions:
        if decision.kind == "outcome":
            name = str(decision.options[plan.reference_options[decision.name]])
    return study.outcome(name).label


def decision_labels(study: Study) -> dict[str, str]:
    """Return the label of each decision by its name."""
    decisions = study.multiverse.decisions if study.multiverse else []
    return {one.name: one.label or one.name.replace("_", " ") for one in decisions}


def specification_frame(data: CitedResults) -> pd.DataFrame:
    """Return the specifications with a column for each decision, under its label."""
    table = data.results.tables["specifications"]
    labels = decision_labels(data.study)
    options: list[dict[str, Any]] = [json.loads(text) for text in table["options"]]
    named = pd.DataFrame([{labels[name]: option for name, option in one.items()} for one in options])
    kept = table.drop(columns=["options", "key"]).reset_index(drop=True)
    return pd.concat([named, kept.assign(reference=kept["reference"] == "yes")], axis=1)
