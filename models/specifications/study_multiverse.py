"""The multiverse of a study as tables of its results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.models.specifications.engine import multiverse
from neurotrial.multiverse_tables import MULTIVERSE_TABLES
from neurotrial.provenance import changes_since
from neurotrial.specifications import LINEAR, specifications_of
from neurotrial.tabular import empty_table

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from neurotrial.loading import StudyData
    from neurotrial.models.specifications.result import Multiverse
    from neurotrial.results import Results
    from neurotrial.study import Study

__all__ = ["multiverse_of_fit", "multiverse_steps", "multiverse_tables", "tables_of"]

FOLDER = "multiverse"
"""In the study folder: specifications that were fitted one by one."""
_RESAMPLES = 500
_STEPS = 2


def multiverse_steps(study: Study) -> int:
    """Return how often `multiverse_tables` tells of its progress."""
    if study.multiverse is None:
        return 0
    alone = [
        one
        for one in specifications_of(study).admitted
        if one.model not in LINEAR or one.missing != "complete"
    ]
    return _STEPS + len(alone)


def multiverse_of_fit(
    data: StudyData,
    executor: Executor | None,
    progress: Callable[[str], None],
    *,
    asked: bool,
    stored: Results | None,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables of the multiverse, and what was decided about it: fitted where asked for, else kept while it fits.

    Parameters
    ----------
    data, executor, progress
        As `multiverse_tables`.
    asked : bool
        Whether it is fitted.
    stored : Results or None
        Those of an earlier fit.
    """
    if asked:
        return multiverse_tables(data, executor, progress), []
    empty = {table.name: empty_table(table) for table in MULTIVERSE_TABLES}
    if data.study.multiverse is None or stored is None or stored.tables["specifications"].empty:
        return empty, []
    changes = changes_since(stored.provenance, data)
    if not changes:
        return {name: stored.tables[name] for name in empty}, []
    return empty, [
        f"the multiverse of an earlier fit was left out, because {'; '.join(changes)}: fit with --sensitivity"
    ]


def multiverse_tables(
    data: StudyData, executor: Executor | None, progress: Callable[[str], None]
) -> dict[str, pd.DataFrame]:
    """Fit the multiverse of a study, and return its tables; empty ones where none is declared.

    Parameters
    ----------
    data : StudyData
        A checked study. Specifications that are fitted one by one are kept in ``multiverse/`` in its folder.
    executor : Executor or None
        Fits those.
    progress : callable
        Told what was done.
    """
    if data.study.multiverse is None:
        return {table.name: empty_table(table) for table in MULTIVERSE_TABLES}
    found = multiverse(
        data.study,
        data.tables,
        n_resamples=_RESAMPLES,
        seed=data.study.seed,
        folder=data.folder / FOLDER,
        executor=executor,
        progress=progress,
    )
    return tables_of(found)


def tables_of(found: Multiverse) -> dict[str, pd.DataFrame]:
    """Return the results tables of a fitted multiverse."""
    made = {
        "specifications": _specifications(found),
        "joint_tests": found.joint_test() if found.tested else pd.DataFrame(columns=["statistic"]),
        "decision_shares": found.variance_by_decision(),
        "multiverse": pd.DataFrame(_numbers(found), columns=["what", "value", "words"]),
    }
    named = {
        "specifications": "specification",
        "joint_tests": "statistic",
        "decision_shares": "decision",
        "multiverse": "what",
    }
    tables = {}
    for table in MULTIVERSE_TABLES:
        frame = made[table.name]
        if frame.empty:
            tables[table.name] = empty_table(table)
            continue
        frame = frame.assign(key=f"multiverse/{table.name}/" + frame[named[table.name]].astype("str"))
        tables[table.name] = frame[[column.name for column in table.columns]].reset_index(drop=True)
    return tables


def _specifications(found: Multiverse) -> pd.DataFrame:
    rows = found.tidy()
    options = [json.dumps(dict(one.options), ensure_ascii=False) for one in found.specifications]
    stacked = found.stacking().set_index("specification").reindex(rows["specification"]).reset_index()
    return rows.assign(
        options=options,
        outcome=rows["outcome_name"],
        joint=np.where(rows["joint"], "yes", "no"),
        reference=np.where(rows["reference"], "yes", "no"),
        n_participants=rows["n_participants"].astype("Int64"),
        stacking_group=stacked["group"].astype("Int64"),
        stacking_weight=stacked["weight"],
        elpd_loo=stacked["elpd_loo"].replace(-np.inf, np.nan),
        reason=rows["reason"].replace("", None),
    )


def _numbers(found: Multiverse) -> Iterator[tuple[str, float, Any]]:
    for name, value in found.summary().items():
        yield name, float(value), None
    for place, (reason, count) in enumerate(found.left_out.items(), 1):
        yield f"left_out_{place}", float(count), reason
    stacked = found.stacking()
    (reference,) = (one.number for one in found.specifications if one.reference)
    own = stacked[stacked["specification"] == reference]
    for name in ("group_size", "weight", "estimate", "conf_low", "conf_high", "probability_benefit"):
        if not own.empty:
            yield f"stacked_{name}", float(own[name].iloc[0]), None
