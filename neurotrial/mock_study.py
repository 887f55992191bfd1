"""A mock of a study before unblinding: the real plan and outcomes with dummy arms, so that report shells can be signed.

The dummy arms are drawn from the declared allocation alone, and nothing that tells the true arm is carried over.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from neurotrial import __version__
from neurotrial.bayes_plan import BAYES_METHODS
from neurotrial.dummy_arms import dummy_arms
from neurotrial.errors import InputError, Problem, refuse
from neurotrial.loading import study_of_tables, table_files
from neurotrial.method_names import METHODS
from neurotrial.paths import inside, writable_folder, write_text
from neurotrial.provenance import EXTRACTION_FOLDER, EXTRACTION_RECORD
from neurotrial.revealing_columns import revealing_problems
from neurotrial.study_file import STUDY_FILE, read_study
from neurotrial.table_checks import identifier_problems
from neurotrial.tables import TABLES
from neurotrial.tabular import read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from neurotrial.study import Study

__all__ = ["MARKER", "MOCK_FOLDER", "write_mock"]

MOCK_FOLDER = "mock"
MARKER = "mock.json"
"""Marks a folder as a mock that may be written again."""

_QUARTO = "_quarto.yml"
_REPORTS = "reports"
_FIGURES = "figures"
_MADE = ("tables", _REPORTS, EXTRACTION_FOLDER, "results", "output")
_SHUFFLED = ("itt", "treated", "imaging", "per_protocol", "days_randomisation_to_treatment")
"""Columns of `participants` in the contract that what happened after randomisation, and so the arm, shows in."""

_HAPPENED = ("events", "harms")
_ARM_COLUMNS = ("arm", "block", "treatment_received")


def write_mock(folder: Path, seed: int | None = None, *, bayes: bool = True) -> Path:
    """Write a study folder of its own with dummy arms into a study folder.

    Parameters
    ----------
    folder : Path
        The study folder. The column `arm` of its participants may be absent, empty or wrong: what is written does not
        depend on it.
    seed : int, optional
        Root of the dummy arms and of all that is shuffled, 0 or more; by default that of the study file.
    bayes : bool
        Whether Bayesian methods stay in the plan.

    Returns
    -------
    Path
        The folder ``mock`` with ``study.yaml``, ``tables/``, ``reports/`` and the marker ``mock.json``. Flags of
        populations, treatment and delay of treatment move together to other participants, and so do events and harms;
        outcomes and images' measures stay. Results of an earlier mock are removed.

    Raises
    ------
    InputError
        If study file or tables have faults other than in the arms, a column tells the true arm, an analysis would have
        no method, or ``mock`` is not a mock of this function; nothing is written then.
    """
    folder = folder.resolve()
    study = read_study(folder / STUDY_FILE)
    plan = _mock_plan(folder, bayes=bayes)
    target = _own_folder(folder / MOCK_FOLDER)
    root = study.seed if seed is None else seed
    tables = _mock_tables(folder, study, root)
    _clear(target)
    writable_folder(target / "tables")
    record = {"neurotrial": __version__, "seed": root, "bayes": bayes}
    write_text(target / MARKER, json.dumps(record, indent=2) + "\n")
    _copy_documents(folder, target)
    _copy_files(folder, target, _needed_files(study, tables))
    write_text(target / STUDY_FILE, yaml.safe_dump(plan, sort_keys=False, allow_unicode=True, width=120))
    for name, frame in tables.items():
        write_table(frame, target / "tables", TABLES[name])
    return target


def _own_folder(target: Path) -> Path:
    """Return the folder of the mock, if it is one or there is none yet."""
    if target.is_symlink() or (target.exists() and not (target / MARKER).is_file()):
        rule = f"is there and holds no {MARKER}: it was not made by `neurotrial mock`"
        raise refuse(f"{MOCK_FOLDER}/", rule, "move it away; it is not overwritten")
    return target


def _clear(target: Path) -> None:
    """Remove what an earlier mock made: nothing of it may stand beside other dummy arms."""
    for name in _MADE:
        if (target / name).is_dir():
            shutil.rmtree(target / name)


def _copy_documents(folder: Path, target: Path) -> None:
    """Copy the documents, but not the figures that an earlier report left beside them: those show the true arms."""
    left = shutil.ignore_patterns(".*", "*_files", "*_cache", _FIGURES)
    if (folder / _REPORTS).is_dir():
        shutil.copytree(folder / _REPORTS, target / _REPORTS, ignore=left)


def _copy_files(folder: Path, target: Path, names: Iterable[str]) -> None:
    """Copy files of the study folder that are there to the same place in the mock."""
    for name in dict.fromkeys(names):
        if not Path(name).is_absolute() and (folder / name).is_file():
            source, place = inside(folder, name), inside(target, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def _needed_files(study: Study, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return what plan and reports need beside the tables: nodes, and what the extraction says of scans, not of arms."""
    network = study.imaging.network if study.imaging else None
    nodes = [network.nodes, *network.sensitivity.nodes] if network else []
    status = tables.get("status")
    pictures: list[str] = []
    if status is not None and "picture" in status:
        pictures = status["picture"].dropna().astype("str").tolist()
    return [_QUARTO, "nodes.tsv", *nodes, EXTRACTION_RECORD, *pictures]


def _mock_plan(folder: Path, *, bayes: bool) -> dict[str, Any]:
    """Return the study file as it is written: marked, its tables in their usual places."""
    plan: dict[str, Any] = yaml.safe_load((folder / STUDY_FILE).read_text(encoding="utf-8"))
    plan["study"]["mock"] = True
    plan.pop("tables", None)
    if not bayes:
        _drop_bayes(plan)
    return plan


def _drop_bayes(plan: dict[str, Any]) -> None:
    slugs = {slug for rows in BAYES_METHODS.values() for slug in rows}
    for analysis in plan["analyses"]:
        analysis["methods"] = [method for method in analysis["methods"] if method not in BAYES_METHODS]
        if not analysis["methods"]:
            raise refuse(
                f"study.yaml: analyses: {analysis['name']}",
                "has Bayesian methods alone, and none would be left",
                "make the mock with its Bayesian methods, without --no-bayes",
            )
        if analysis.get("main_method") in slugs:
            analysis["main_method"] = METHODS[analysis["methods"][0]][-1]
        if analysis.get("requested_method") in slugs:
            del analysis["requested_method"]
    for association in plan.get("associations") or []:
        association.pop("bayes", None)


def _mock_tables(folder: Path, study: Study, seed: int) -> dict[str, pd.DataFrame]:
    """Return all tables with dummy arms, held against the plan."""
    import numpy as np

    problems: list[Problem] = []
    files = table_files(folder, study, problems)
    labels = {name: path.relative_to(folder).as_posix() for name, path in files.items()}
    frames = {}
    for name, path in files.items():
        try:
            frames[name] = read_table(path, labels[name])
        except InputError as error:
            problems += error.problems
        else:
            problems += identifier_problems(frames[name], labels[name], study.allowed_columns)
    if "participants" in frames:
        people = frames["participants"]
        handled = {*_ARM_COLUMNS, *_moved(study), *_doses(study)}
        problems += _lacking(study, people, labels["participants"])
        problems += revealing_problems(
            people.drop(columns=list(handled & set(people))), people.get("arm"), labels["participants"]
        )
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InputError(errors)
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"mock"]))
    return study_of_tables(study, _with_dummies(study, frames, rng)).tables


def _lacking(study: Study, people: pd.DataFrame, label: str) -> list[Problem]:
    wanted = ["participant_id", *study.allocation.strata]
    return [
        Problem(f"{label}: {name}", "the column is missing, and arms are drawn by it", "add the column")
        for name in wanted
        if name not in people
    ]


def _moved(study: Study) -> list[str]:
    """Return the columns of `participants` that move to other participants together."""
    flags = [population.flag for population in study.populations if population.flag]
    decisions = study.multiverse.decisions if study.multiverse else []
    for decision in decisions:
        if decision.kind == "exclusion":
            flags += [option["flag"] for option in decision.options.values() if option and option.get("flag")]
    return list(dict.fromkeys([*_SHUFFLED, *flags]))


def _doses(study: Study) -> list[str]:
    """Return the columns that only arms other than the reference have."""
    return [plan.by for plan in study.subgroups if plan.kind == "dose"]


def _with_dummies(
    study: Study, frames: dict[str, pd.DataFrame], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    people = frames["participants"]
    arms, blocks = dummy_arms(study, people, rng)
    others = rng.permutation(len(people))
    mock = people.drop(columns=[name for name in _ARM_COLUMNS if name in people])
    mock.insert(1, "arm", arms)
    if blocks is not None:
        mock["block"] = blocks
    for name in _moved(study):
        if name in mock:
            mock[name] = people[name].to_numpy()[others]
    if "treatment_received" in people:
        mock["treatment_received"] = arms
    for name in _doses(study):
        if name in mock:
            mock[name] = _dummy_doses(people[name], mock["arm"] != study.reference_arm.name, rng)
    swapped = dict(zip(people["participant_id"].iloc[others], people["participant_id"], strict=True))
    made = {name: _known(frame, name) for name, frame in frames.items()}
    for name in _HAPPENED:
        if name in made and "participant_id" in made[name]:
            ids = made[name]["participant_id"]
            made[name] = made[name].assign(participant_id=ids.map(swapped).fillna(ids))
            made[name] = made[name].sort_values([str(column) for column in made[name]], kind="stable")
    # in a file that is sorted by arm the order of the rows tells it
    return made | {"participants": mock.sort_values("participant_id", kind="stable")}


def _known(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table without columns that nothing reads, which may hold the arm."""
    return frame[[column.name for column in TABLES[name].columns if column.name in frame]]


def _dummy_doses(doses: pd.Series[Any], given: pd.Series[bool], rng: np.random.Generator) -> pd.Series[Any]:
    """Draw doses from those in the table for everybody who is not in the dummy reference arm."""
    import pandas as pd

    numbers = pd.to_numeric(doses, errors="coerce")
    known = doses[numbers.notna() & (numbers != 0)].sort_values(key=pd.to_numeric)
    if known.empty:
        return doses
    drawn = pd.Series(rng.choice(known.to_numpy(), len(doses)), index=doses.index)
    return drawn.where(given)
