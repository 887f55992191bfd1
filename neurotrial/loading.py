"""Opening a study folder: study file and tables, with every problem of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import InputError, Problem
from neurotrial.longitudinal import baseline_problems, longitudinal_problems, type_study_columns
from neurotrial.outcomes import build_outcomes
from neurotrial.paths import file_hash, inside
from neurotrial.registration import registration_warnings
from neurotrial.study_file import STUDY_FILE, read_study
from neurotrial.table_checks import check_table, identifier_problems
from neurotrial.tables import TABLES
from neurotrial.tabular import SUFFIXES, is_written_copy, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from neurotrial.study import Study

__all__ = ["StudyData", "load_study", "study_of_tables", "table_files"]

_INPUTS = tuple(name for name in TABLES if name != "outcomes")


@dataclass(frozen=True, slots=True)
class StudyData:
    """A study folder that passed every check.

    Attributes
    ----------
    folder : Path
        The study folder.
    study : Study
        The plan.
    tables : dict of str to DataFrame
        Typed input tables by name.
    outcomes : DataFrame
        The analysis-ready long table, see `neurotrial.outcomes.build_outcomes`.
    hashes : dict of str to str
        BLAKE2b of the study file and of each table file, by path relative to the folder.
    warnings : tuple of Problem
        What does not stop the analysis but should be known.
    """

    folder: Path
    study: Study
    tables: dict[str, pd.DataFrame]
    outcomes: pd.DataFrame
    hashes: dict[str, str]
    warnings: tuple[Problem, ...]


def load_study(folder: Path, *, extracted: bool = True) -> StudyData:
    """Read and check the study file and the tables of a folder; nothing is written.

    Parameters
    ----------
    folder : Path
        Holds ``study.yaml`` and, unless the study file says otherwise, ``tables/``.
    extracted : bool
        Whether the tables that the extraction makes must be there; where they need not and are not, the outcomes that
        come from them are left out. Without an imaging plan they must always be there.

    Returns
    -------
    StudyData
        Everything that the models need.

    Raises
    ------
    InputError
        With every problem of the study file and the tables.
    """
    folder = folder.resolve()
    problems: list[Problem] = []
    study: Study | None = None
    try:
        study = read_study(folder / STUDY_FILE)
        problems += registration_warnings(folder, study)
    except InputError as error:
        problems += error.problems
    if study is not None and study.imaging is not None and not extracted:
        study = _before_extraction(folder, study)
    files = table_files(folder, study, problems)
    tables = _read_tables(folder, study, files, problems)
    outcomes = None if study is None else _trial_checks(study, tables, _labels(folder, files), problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if study is None or outcomes is None or errors:
        raise InputError(errors)
    paths = [folder / STUDY_FILE, *files.values()]
    hashes = {path.relative_to(folder).as_posix(): file_hash(path) for path in paths}
    return StudyData(folder, study, tables, outcomes, hashes, tuple(problems))


def study_of_tables(study: Study, tables: Mapping[str, pd.DataFrame]) -> StudyData:
    """Hold tables in memory against a study file, as `load_study` does those of a folder.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Input tables by name.

    Returns
    -------
    StudyData
        With the working directory as folder and without hashes.

    Raises
    ------
    InputError
        With every problem of the tables.
    """
    problems = [
        Problem(f"table {name}", "is needed and not given", _remedy(name, study))
        for name in sorted(_needed(study) - set(tables))
    ]
    problems += [
        Problem(f"table {name}", "is no table of the contract", f"use one of {', '.join(_INPUTS)}")
        for name in tables
        if name not in _INPUTS
    ]
    checked, labels = {}, {name: f"table {name}" for name in tables}
    for name in [name for name in tables if name in _INPUTS]:
        checked[name], faults = _checked(study, tables[name], name, labels[name])
        problems += faults
    outcomes = _trial_checks(study, checked, labels, problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if outcomes is None or errors:
        raise InputError(errors)
    return StudyData(Path.cwd(), study, checked, outcomes, {}, tuple(problems))


def _checked(
    study: Study | None, frame: pd.DataFrame, name: str, label: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Type a table by its contract; several rows of a visit are left to a rule of the study file, if there is one."""
    resolves = study is not None and study.visit_rules.repeated != "refuse"
    return check_table(frame, TABLES[name], label, unique=not (resolves and name == "motor"))


def _labels(folder: Path, files: dict[str, Path]) -> dict[str, str]:
    return {name: path.relative_to(folder).as_posix() for name, path in files.items()}


def table_files(folder: Path, study: Study | None, problems: list[Problem]) -> dict[str, Path]:
    """Find the file of each input table of a study folder.

    Parameters
    ----------
    folder : Path
        The study folder, resolved.
    study : Study or None
        The plan; None where it cannot be read.
    problems : list of Problem
        Takes what is needed and missing, outside the folder, or not read.

    Returns
    -------
    dict of str to Path
        The file of each table that is there, by name.
    """
    files = {}
    named = study.tables if study else {}
    problems.extend(
        Problem(
            f"study.yaml: tables.{name}", "is no table of the contract", f"use one of {', '.join(_INPUTS)}"
        )
        for name in named
        if name not in _INPUTS
    )
    for name in _INPUTS:
        places = [named[name]] if name in named else [f"tables/{name}{suffix}" for suffix in SUFFIXES]
        try:
            candidates = [inside(folder, place) for place in places]
        except InputError as error:
            problems += error.problems
            continue
        found = [path for path in candidates if path.is_file()]
        if found:
            files[name] = found[0]
            problems += _unread(folder, found)
        elif name in named or name in _needed(study):
            where = named.get(name, f"tables/{name}{SUFFIXES[1]}")
            problems.append(Problem(where, "the table is missing", _remedy(name, study)))
    return files


def _remedy(name: str, study: Study | None) -> str:
    if name == "features" and study is not None and study.imaging is not None:
        return "make it from the images with `neurotrial extract`"
    columns = ", ".join(column.name for column in TABLES[name].columns if column.required)
    return f"add it with at least the columns {columns}"


def _before_extraction(folder: Path, study: Study) -> Study:
    """Return the plan without the outcomes of a table `features` that has not been made yet."""
    place = study.tables.get("features")
    places = [place] if place else [f"tables/features{suffix}" for suffix in SUFFIXES]
    if any((folder / name).is_file() for name in places):
        return study
    return study.model_copy(update={"outcomes": [o for o in study.outcomes if o.source.table != "features"]})


def _unread(folder: Path, found: list[Path]) -> list[Problem]:
    """Warn of further files of a table, which an edit may have been meant for; the copy that was written with it is none."""
    meant = [path for path in found[1:] if not is_written_copy(path, found[0])]
    read, *others = (path.relative_to(folder).as_posix() for path in [found[0], *meant])
    remedy = "edit that file, or remove it and keep the other"
    return [
        Problem(other, f"is not read, because {read} is there", remedy, severity="warning")
        for other in others
    ]


def _needed(study: Study | None) -> set[str]:
    return {"participants"} | ({outcome.source.table for outcome in study.outcomes} if study else set())


def _read_tables(
    folder: Path, study: Study | None, files: dict[str, Path], problems: list[Problem]
) -> dict[str, pd.DataFrame]:
    tables = {}
    allowed = study.allowed_columns if study else []
    for name, path in files.items():
        label = _labels(folder, files)[name]
        try:
            frame = read_table(path, label)
        except InputError as error:
            problems += error.problems
            continue
        tables[name], faults = _checked(study, frame, name, label)
        problems += [*identifier_problems(frame, label, allowed), *faults]
    return tables


def _harmonisation_problems(study: Study, participants: pd.DataFrame, label: str) -> list[Problem]:
    """Tell which columns the harmonisation needs and does not find."""
    plan = study.harmonisation
    wanted = [] if plan is None else [plan.batch, *plan.covariates]
    missing = [name for name in wanted if name not in participants]
    rule = f"lacks the column {', '.join(missing)}, which `harmonisation` needs"
    return [Problem(label, rule, "add it, or correct `harmonisation` in study.yaml")] if missing else []


def _trial_checks(
    study: Study, tables: dict[str, pd.DataFrame], labels: dict[str, str], problems: list[Problem]
) -> pd.DataFrame | None:
    """Check the tables against the plan, as far as their columns allow; return the outcomes if they can be made."""
    whole = {
        name: frame
        for name, frame in tables.items()
        if all(column.name in frame for column in TABLES[name].columns if column.required)
    }
    if "participants" not in whole:
        return None
    tables["participants"], faults = type_study_columns(study, whole["participants"], labels["participants"])
    whole["participants"] = tables["participants"]
    problems += [*faults, *longitudinal_problems(study, whole, labels)]
    problems += _harmonisation_problems(study, whole["participants"], labels["participants"])
    if not _needed(study) <= set(whole) or whole["participants"]["participant_id"].duplicated().any():
        return None
    outcomes, faults = build_outcomes(study, whole)
    problems += [*faults, *baseline_problems(study, outcomes)]
    return outcomes
