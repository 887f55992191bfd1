"""The multiverse: every specification fitted, those that are linear and Gaussian under redrawn labels too."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from neurotrial.errors import InputError, NeurotrialError, Problem, refuse
from neurotrial.executors import SerialExecutor
from neurotrial.loading import StudyData
from neurotrial.models.randomisation.allocation import labels_of
from neurotrial.models.randomised_table import allocation_of
from neurotrial.models.specifications.cells import CellMaker, LinearSpecification
from neurotrial.models.specifications.joint import relabelled_curves
from neurotrial.models.specifications.linear_cell import Tests
from neurotrial.models.specifications.participants import People, people_of
from neurotrial.models.specifications.result import Multiverse
from neurotrial.models.specifications.standalone import alone
from neurotrial.provenance import code_hash
from neurotrial.runner import Unit, run_units, unit_folder
from neurotrial.shards import Shard, read_shard_tables
from neurotrial.specifications import Specification, specifications_of
from neurotrial.study import hash_json
from neurotrial.study_file import read_study

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from neurotrial.study import Study

__all__ = ["multiverse", "multiverse_warnings"]

_FEWEST_RESAMPLES = 99
_ALONE = "estimate"
_NOISE = 16 * np.finfo(np.float64).eps
_UNDEFINED = "the standard error is zero or undefined: a participant determines a coefficient alone"


@dataclass(frozen=True)
class _Plan:
    """What is to be done, found before anything is fitted."""

    people: People
    admitted: tuple[Specification, ...]
    left_out: Mapping[str, int]
    linear: Mapping[int, LinearSpecification]
    scales: Mapping[int, float]
    reasons: Mapping[int, str]

    @property
    def others(self) -> list[Specification]:
        """Specifications that are fitted one by one."""
        return [
            one for one in self.admitted if one.number not in self.linear and one.number not in self.reasons
        ]


def multiverse(
    study: Study | str | Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    n_resamples: int = 500,
    seed: int = 0,
    folder: Path | None = None,
    executor: Executor | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Multiverse:
    """Fit every specification that a study file declares, and test them jointly.

    Parameters
    ----------
    study : Study or path
        The plan, or its file; it declares ``multiverse``.
    tables : mapping of str to DataFrame
        Checked tables by name, as ``load_study(folder).tables`` gives them.
    n_resamples : int
        Labellings drawn by the declared randomisation, 99 or more; all of them where there are no more.
    seed : int
        Of the labellings, and of models that draw.
    folder : Path, optional
        Where specifications that are fitted one by one are kept, so that an interrupted run goes on where it stopped.
    executor : Executor, optional
        Fits those; in this process by default. Linear Gaussian specifications are fitted together.
    progress : callable
        Told what was done.

    Returns
    -------
    Multiverse
        ``tidy()``, ``joint_test()``, ``variance_by_decision()``, ``stacking()`` and ``plot()``. A specification that
        cannot be fitted is a row with its reason.

    Raises
    ------
    InputError
        Before anything is fitted: if the study declares no multiverse, a decision names a column or value that the
        tables lack, or the reference specification cannot be fitted.

    References
    ----------
    .. [1] Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214. https://doi.org/10.1038/s41562-020-0912-z
    .. [2] Steegen S, et al. Perspect Psychol Sci 2016;11:702-712. https://doi.org/10.1177/1745691616658637
    """
    if n_resamples < _FEWEST_RESAMPLES:
        raise refuse(
            "n_resamples", f"{n_resamples} relabellings are too few", f"draw {_FEWEST_RESAMPLES} or more"
        )
    plan = _planned(study, tables)
    rows: dict[int, Mapping[str, Any]] = {number: _failed(why) for number, why in plan.reasons.items()}
    rows |= _linear_rows(plan)
    progress(f"{len(plan.linear)} linear specifications fitted")
    rows |= _other_rows(plan, seed, folder, executor or SerialExecutor(), progress)
    curves = _curves(plan, rows, n_resamples, seed)
    progress(f"{len(plan.linear)} linear specifications fitted under redrawn labels")
    return Multiverse(
        study=plan.people.study,
        specifications=plan.admitted,
        left_out=dict(plan.left_out),
        rows=tuple(rows[one.number] for one in plan.admitted),
        scales=dict(plan.scales),
        linear=dict(plan.linear),
        **curves,
    )


def multiverse_warnings(study: Study, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Say, before anything is fitted, which specifications cannot be, with the first ones of each reason.

    Raises
    ------
    InputError
        As `multiverse`.
    """
    if study.multiverse is None:
        return []
    plan = _planned(study, tables)
    by_reason: dict[str, list[str]] = {}
    for number, reason in plan.reasons.items():
        options = plan.admitted[number].options
        by_reason.setdefault(reason, []).append(", ".join(f"{k}: {v}" for k, v in options.items()))
    return [
        Problem(
            "study.yaml: multiverse",
            f"{len(names)} of {len(plan.admitted)} specifications cannot be fitted: {reason}",
            "leave the option out, or forbid the combination with a reason",
            tuple(names),
            severity="warning",
        )
        for reason, names in by_reason.items()
    ]


def _planned(study: Study | str | Path, tables: Mapping[str, pd.DataFrame]) -> _Plan:
    plan_of = read_study(Path(study)) if isinstance(study, str | Path) else study
    if plan_of.multiverse is None:
        raise refuse("study.yaml: multiverse", "is not declared", "declare decisions and their options")
    sources = dict.fromkeys(outcome.source.table for outcome in plan_of.outcomes)
    lacking = [name for name in ("participants", *sources) if name not in tables]
    if lacking:
        raise refuse(
            f"tables: {lacking[0]}", "the table is missing", "give the tables of load_study(folder).tables"
        )
    chosen = specifications_of(plan_of)
    analysis = next(one for one in plan_of.analyses if one.name == plan_of.multiverse.analysis)
    people = people_of(plan_of, tables, chosen.admitted, plan_of.estimand_of(analysis).visit)
    maker = CellMaker(people)
    linear: dict[int, LinearSpecification] = {}
    scales: dict[int, float] = {}
    reasons: dict[int, str] = {}
    for one in chosen.admitted:
        try:
            scales[one.number] = _scale(people.baseline_sd(one), people.outcome(one).direction)
            cell = maker.linear(one)
        except InputError as error:
            reasons[one.number] = _words(error)
            continue
        if cell is not None:
            linear[one.number] = cell
    (reference,) = (one for one in chosen.admitted if one.reference)
    if reference.number in reasons:
        raise refuse(
            "study.yaml: multiverse: reference",
            f"cannot be fitted: {reasons[reference.number]}",
            "name another reference, or correct the data",
        )
    return _Plan(people, chosen.admitted, chosen.left_out, linear, scales, reasons)


def _scale(baseline_sd: float, direction: str) -> float:
    if not baseline_sd > 0:
        raise refuse(
            "baseline", "has no variation, so that there are no baseline SDs", "leave the option out"
        )
    return (1.0 if direction == "higher_is_better" else -1.0) / baseline_sd


def _words(error: NeurotrialError) -> str:
    problems = error.problems if isinstance(error, InputError) else ()
    return "; ".join(f"{one.where}: {one.rule}" for one in problems) or str(error)


def _failed(reason: str) -> dict[str, Any]:
    return {"status": "failed", "reason": reason}


def _linear_rows(plan: _Plan) -> dict[int, Mapping[str, Any]]:
    labels = plan.people.labels[None]
    cells = [one.cell for one in plan.linear.values()]
    each = [cell.tests(labels) for cell in cells]
    if not each:
        return {}
    tests = Tests(
        *(np.concatenate([getattr(one, name) for one in each]) for name in ("estimate", "std_error", "df"))
    )
    half = special.stdtrit(tests.df, (1 + plan.people.study.conf_level) / 2) * tests.std_error
    scale = np.array([np.abs(cell.response).max() for cell in cells])
    undefined = ~(tests.std_error > _NOISE * scale)
    columns = {
        "estimate": tests.estimate,
        "std_error": tests.std_error,
        "df": tests.df,
        "p_value": tests.p_value,
        "conf_low": tests.estimate - half,
        "conf_high": tests.estimate + half,
    }
    lists = [values.tolist() for values in columns.values()]
    return {
        number: _failed(_UNDEFINED)
        if undefined[place]
        else {
            **dict(zip(columns, (values[place] for values in lists), strict=True)),
            "n_participants": cells[place].shared.seen.size,
            "n_per_arm": json.dumps(plan.people.counts(cells[place].shared.seen)),
            "status": "ok",
            "reason": "",
        }
        for place, number in enumerate(plan.linear)
    }


def _other_rows(
    plan: _Plan, seed: int, folder: Path | None, executor: Executor, progress: Callable[[str], None]
) -> dict[int, Mapping[str, Any]]:
    if folder is None:
        found = {}
        for one in plan.others:
            found[one.number] = _tried(plan.people, one, seed)
            progress(f"specification {one.number + 1}")
        return found
    units = {one.number: _unit(plan.people, one, seed) for one in plan.others}
    folder.mkdir(parents=True, exist_ok=True)
    done = run_units(list(units.values()), folder, executor, code=code_hash(), progress=progress)
    reasons = {outcome.unit: outcome.reason for outcome in done if outcome.state == "failed"}
    return {number: _kept(folder, unit.name, reasons) for number, unit in units.items()}


def _tried(people: People, one: Specification, seed: int) -> Mapping[str, Any]:
    try:
        return alone(people, one, seed)
    except InputError as error:
        return _failed(_words(error))


def _unit(people: People, one: Specification, seed: int) -> Unit:
    own = People(
        people.study,
        _needed(people, one),
        people.frame,
        people.visit,
        {one.variant: people.pairs[one.variant]},
    )
    spec = {
        "options": dict(one.options),
        "plan": people.study.spec_hash,
        "seed": seed,
        "values": hash_json(people.table(one).astype("str").to_dict("list")),
    }
    name = f"specification-{hash_json(dict(one.options))[:16]}"
    return Unit(name, {}, spec, functools.partial(_shard, own, one, seed))


def _needed(people: People, one: Specification) -> Mapping[str, pd.DataFrame]:
    names = ["participants", *(["quality"] if one.exclusion is not None and one.exclusion.measure else [])]
    return {name: people.tables[name] for name in names}


def _shard(people: People, one: Specification, seed: int) -> Shard:
    try:
        row = alone(people, one, seed)
    except InputError as error:
        return Shard(state="failed", reason=_words(error))
    return Shard({_ALONE: pd.DataFrame([row])})


def _kept(folder: Path, name: str, reasons: Mapping[str, str]) -> Mapping[str, Any]:
    if name in reasons:
        return _failed(reasons[name])
    return dict(read_shard_tables(unit_folder(folder, name))[_ALONE].iloc[0])


def _curves(
    plan: _Plan, rows: Mapping[int, Mapping[str, Any]], n_resamples: int, seed: int
) -> dict[str, Any]:
    study, people = plan.people.study, plan.people
    numbers = [number for number in plan.linear if rows[number]["status"] == "ok"]
    data = StudyData(Path(), study, dict(people.tables), pd.DataFrame(), {}, ())
    labels = labels_of(people.frame, "arm", study.reference_arm.name, allocation_of(data))
    exact = labels.n_distinct <= n_resamples
    drawn = np.vstack(list(labels.every() if exact else labels.drawn(n_resamples, seed)))
    cells: Sequence[Any] = [plan.linear[number].cell for number in numbers]
    scales = [plan.scales[number] for number in numbers]
    alpha = round(1 - study.conf_level, 12)
    together = np.vstack([labels.treated[None], drawn])
    curves = relabelled_curves(cells, scales, together, alpha) if cells else None
    return {
        "tested": tuple(numbers),
        "observed": None if curves is None else curves.part(slice(0, 1)),
        "redrawn": None if curves is None else curves.part(slice(1, None)),
        "exact": exact,
        "scheme": labels.words,
    }
