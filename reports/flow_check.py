"""Counts of the flow of participants, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, Problem
from neurotrial.reports.cited import ALL_ARMS

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["SCANNED", "SCANS_LOST", "check_flow", "flow_count", "flow_stages"]

SCANNED = "imaging:scanned"
"""Stage of those who were scanned at every visit."""

SCANS_LOST = ("imaging:excluded", "imaging:failed")
"""Stages of those whom a decision or a failed scan keeps out; nobody is in both."""


def check_flow(data: CitedResults) -> None:
    """Make sure that the arms of each stage add up, and that no stage holds more participants than the one it is part of.

    Raises
    ------
    InputError
        With every stage that does not.
    """
    problems = [*_sum_problems(data), *_order_problems(data), *_scan_problems(data)]
    if problems:
        raise InputError(problems)


def flow_stages(data: CitedResults) -> list[str]:
    """Return the stages in their order."""
    return list(dict.fromkeys(str(row.values["stage"]) for row in data.rows("flow")))


def flow_count(data: CitedResults, stage: str, arm: str) -> int | None:
    """Return the participants of an arm at a stage, None where they were not counted."""
    row = data.row("flow", f"flow/{stage}/{arm}")
    return None if row is None else int(row["n"])


def _sum_problems(data: CitedResults) -> Iterator[Problem]:
    for stage in flow_stages(data):
        counts = [flow_count(data, stage, arm.name) for arm in data.study.arms]
        total, known = flow_count(data, stage, ALL_ARMS), [n for n in counts if n is not None]
        if known and total != sum(known):
            row = " + ".join(map(str, known)) + f" is not {total}"
            yield Problem(
                f"results/flow: {stage}", "the arms must add up to all", "run `neurotrial fit` again", (row,)
            )


def _order_problems(data: CitedResults) -> Iterator[Problem]:
    for stage in flow_stages(data):
        whole = _parent(data, stage)
        for arm in (*(arm.name for arm in data.study.arms), ALL_ARMS):
            part, limit = flow_count(data, stage, arm), flow_count(data, whole, arm)
            if whole != stage and part is not None and limit is not None and part > limit:
                rule = f"must not hold more participants than {whole}"
                yield Problem(
                    f"results/flow: {stage}",
                    rule,
                    "run `neurotrial fit` again",
                    (f"{arm}: {part} of {limit}",),
                )


def _scan_problems(data: CitedResults) -> Iterator[Problem]:
    """Yield the arms that lose more participants by decisions and failures than were scanned."""
    for arm in (*(arm.name for arm in data.study.arms), ALL_ARMS):
        scanned, *lost = (flow_count(data, stage, arm) for stage in (SCANNED, *SCANS_LOST))
        known = [n for n in lost if n is not None]
        if scanned is not None and sum(known) > scanned:
            yield Problem(
                f"results/flow: {SCANNED}",
                "must hold at least those who are excluded and those whose scans failed",
                "run `neurotrial fit` again",
                (f"{arm}: {' + '.join(map(str, known))} of {scanned}",),
            )


def _parent(data: CitedResults, stage: str) -> str:
    """Return the stage that holds the participants of a stage: an analysis's population, else the randomised."""
    if stage == "planned":
        return stage
    if stage in SCANS_LOST:
        return SCANNED
    name = stage.removeprefix("analysed:").partition("/")[0]
    for analysis in data.study.analyses:
        if stage.startswith("analysed:") and analysis.name == name:
            return f"population:{data.study.population_of(analysis).name}"
    return "randomised"
