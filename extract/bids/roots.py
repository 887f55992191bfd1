"""The folders that a study names: a BIDS dataset, and derivatives inside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, Problem
from neurotrial.extract.bids.descriptions import DESCRIPTION
from neurotrial.paths import inside

if TYPE_CHECKING:
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["derivative_roots"]


def derivative_roots(dataset: Path, plan: ImagingPlan) -> list[Path]:
    """Return the folders of derivatives, after the checks that make them part of a dataset.

    Parameters
    ----------
    dataset : Path
        Top folder.
    plan : ImagingPlan
        Names the derivatives.

    Raises
    ------
    InputError
        If the folder is no BIDS dataset, or a folder of derivatives is missing or outside it; with all problems.
    """
    problems = list(_description_problems(dataset))
    roots = []
    if not problems:
        for name in plan.derivatives:
            try:
                root = inside(dataset, name)
            except InputError as error:
                problems += error.problems
                continue
            roots.append(root)
            if not root.is_dir():
                rule = f"there is no folder {name}"
                problems.append(Problem(str(dataset), rule, "correct `imaging: derivatives` in study.yaml"))
    if problems:
        raise InputError(problems)
    return roots


def _description_problems(dataset: Path) -> Iterator[Problem]:
    description = dataset / DESCRIPTION
    if not dataset.is_dir():
        yield Problem(str(dataset), "the folder does not exist", "correct `imaging: dataset` in study.yaml")
        return
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
    except OSError:
        rule = f"is no BIDS dataset: it has no {DESCRIPTION}"
        yield Problem(str(dataset), rule, "name the top folder of the dataset under `imaging: dataset`")
        return
    except ValueError as error:
        rule = f"is not readable JSON: {error}"
        yield Problem(str(description), rule, "mend the file; BIDS wants Name and BIDSVersion")
        return
    if not isinstance(content, dict) or "BIDSVersion" not in content:
        yield Problem(str(description), "has no BIDSVersion", "add it, e.g. 1.9.0")
