"""The register of the analysis plan: the study file as it was registered, and how a later plan differs from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial import __version__
from neurotrial.errors import InputError, Problem, refuse
from neurotrial.paths import file_hash, writable_folder, write_text
from neurotrial.provenance import timestamp
from neurotrial.study_file import STUDY_FILE, read_study
from neurotrial.tabular import SUFFIXES, read_table

if TYPE_CHECKING:
    from neurotrial.study import Deviation, Study

__all__ = [
    "REGISTER_FOLDER",
    "Difference",
    "plan_differences",
    "reason_of",
    "register_plan",
    "registered_plans",
    "registration_warnings",
]

REGISTER_FOLDER = "registered"
_RECORD = "register.json"
_VALUES = {"motor": "score", "features": "value"}
_OUTCOME_TABLES = tuple(_VALUES)
_NO_PLAN = {"study", "report", "deviations"}
"""Parts of a study file that change no number."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two plans differ.

    Attributes
    ----------
    path : str
        Keys, and names of parts, joined by dots, e.g. ``analyses.primary.main_method``.
    planned, executed : str
        Both values in words; ``absent`` where one plan has none.
    """

    path: str
    planned: str
    executed: str


def register_plan(folder: Path, note: str | None = None) -> Path:
    """Put a copy of the study file on the register.

    Parameters
    ----------
    folder : Path
        The study folder.
    note : str, optional
        Why, or where the plan was published.

    Returns
    -------
    Path
        The new folder ``registered/NNN`` with the study file and ``register.json``.

    Raises
    ------
    InputError
        If the study file has faults, or is the plan that was registered last.
    """
    source = folder / STUDY_FILE
    study = read_study(source)
    earlier = registered_plans(folder)
    if earlier and earlier[-1]["plan"] == _plan(study):
        raise refuse(
            f"{REGISTER_FOLDER}/{earlier[-1]['number']:03d}",
            "is this plan already",
            "register again when something that changes a number has changed",
        )
    target = writable_folder(folder / REGISTER_FOLDER / f"{len(earlier) + 1:03d}")
    text = source.read_text(encoding="utf-8")
    write_text(target / STUDY_FILE, text)
    last = folder / REGISTER_FOLDER / f"{len(earlier):03d}" / _RECORD
    record = {
        "registered": timestamp(),
        "study_file": file_hash(target / STUDY_FILE),
        "spec_hash": study.spec_hash,
        "neurotrial": __version__,
        "note": note,
        "outcome_tables": [name for name in _OUTCOME_TABLES if _has_outcomes(folder, study, name)],
        "results": (folder / "results" / "provenance.json").is_file(),
        "previous": file_hash(last) if earlier else None,
    }
    write_text(target / _RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return target


def _has_outcomes(folder: Path, study: Study, name: str) -> bool:
    """Tell whether a table holds values of a visit after baseline; one that cannot be read counts as if it did."""
    places = (
        [study.tables[name]] if name in study.tables else [f"tables/{name}{suffix}" for suffix in SUFFIXES]
    )
    path = next((folder / place for place in places if (folder / place).is_file()), None)
    if path is None:
        return False
    try:
        rows = read_table(path, name)
        later = rows["visit"].astype("str") != study.baseline_visit.name
        return bool(rows.loc[later, _VALUES[name]].notna().any())
    except (InputError, KeyError):
        return True


def registered_plans(folder: Path) -> list[dict[str, Any]]:
    """Return what is on the register, first things first.

    Parameters
    ----------
    folder : Path
        The study folder.

    Returns
    -------
    list of dict
        The record of each registration, with ``number`` (from 1) and ``plan``, the study file as JSON values without the
        words and the choices of the report.

    Raises
    ------
    InputError
        If a registered file is not what was registered, or a registration is missing.
    """
    found: list[dict[str, Any]] = []
    before = None
    for place in sorted((folder / REGISTER_FOLDER).glob("[0-9][0-9][0-9]")):
        where = f"{REGISTER_FOLDER}/{place.name}"
        try:
            record = json.loads((place / _RECORD).read_text(encoding="utf-8"))
            same = record["study_file"] == file_hash(place / STUDY_FILE)
        except (OSError, ValueError, KeyError, TypeError):
            remedy = f"restore {where}/{_RECORD} and {where}/{STUDY_FILE}"
            raise refuse(where, "cannot be read as a registration", remedy) from None
        if not same:
            raise refuse(
                f"{where}/{STUDY_FILE}",
                "is not the file that was registered: its hash differs",
                "restore it; to change the plan, edit study.yaml and register that",
            )
        if int(place.name) != len(found) + 1 or record.get("previous") != before:
            raise refuse(
                where,
                "does not follow the registration before it: one is missing, or its record was edited",
                f"restore the files of {REGISTER_FOLDER}/",
            )
        before = file_hash(place / _RECORD)
        found.append({"number": int(place.name), **record, "plan": _plan(read_study(place / STUDY_FILE))})
    return found


def registration_warnings(folder: Path, study: Study) -> list[Problem]:
    """Warn of reasons in the study file for deviations that there are not."""
    if not study.deviations:
        return []
    plans = registered_plans(folder)
    differences = plan_differences(plans[0]["plan"], _plan(study)) if plans else []
    remedy = (
        f"name one of: {', '.join(one.path for one in differences)}"
        if differences
        else "take it out, or register the earlier plan with `neurotrial register`"
    )
    return [
        Problem(
            f"study.yaml: deviations[{place}]",
            f"no difference from the registered plan is at {one.what!r}",
            remedy,
            severity="warning",
        )
        for place, one in enumerate(study.deviations)
        if not any(_covers(one, difference) for difference in differences)
    ]


def reason_of(difference: Difference, deviations: Sequence[Deviation]) -> Deviation | None:
    """Return the stated reason of a difference: the one that names its path, or a part that it lies in."""
    fitting = [one for one in deviations if _covers(one, difference)]
    return max(fitting, key=lambda one: len(one.what), default=None)


def _covers(deviation: Deviation, difference: Difference) -> bool:
    return difference.path == deviation.what or difference.path.startswith(f"{deviation.what}.")


def _plan(study: Study) -> dict[str, Any]:
    return study.model_dump(mode="json", exclude=_NO_PLAN)


def plan_differences(planned: Mapping[str, Any], executed: Mapping[str, Any]) -> list[Difference]:
    """Compare two plans part by part; parts with names are matched by their names.

    Parameters
    ----------
    planned, executed : mapping
        Plans as `registered_plans` gives them, or the study of results.

    Returns
    -------
    list of Difference
        In the order of the study file; a part that one plan lacks is one difference.
    """
    trimmed = {key: value for key, value in executed.items() if key not in _NO_PLAN}
    return list(_compared("", planned, trimmed))


def _compared(path: str, planned: Any, executed: Any) -> Iterator[Difference]:
    if planned == executed:
        return
    one, two = _named(planned), _named(executed)
    if one is None or two is None:
        yield Difference(path, _words(planned), _words(executed))
        return
    for key in dict.fromkeys([*one, *two]):
        inner = f"{path}.{key}" if path else str(key)
        if key not in one or key not in two:
            if one.get(key) != two.get(key):
                yield Difference(inner, _words(one.get(key)), _words(two.get(key)))
        else:
            yield from _compared(inner, one[key], two[key])


def _named(value: Any) -> Mapping[str, Any] | None:
    """Return the parts of a value by name; None for a value without named parts."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        return {str(one["name"]): one for one in value}
    return None


def _words(value: Any) -> str:
    if value is None or value in ([], {}):
        return "absent"
    if isinstance(value, Mapping):
        return str(
            value.get("label")
            or value.get("name")
            or ", ".join(f"{k}: {_words(v)}" for k, v in value.items())
        )
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
