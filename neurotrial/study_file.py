"""Reading ``study.yaml`` and its like: safe loading, every fault with its line, spelling suggestions for unknown keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.study import Study
from neurotrial.study_part import Part
from neurotrial.study_rules import rule_problems

__all__ = ["STUDY_FILE", "read_part", "read_study"]

STUDY_FILE = "study.yaml"
_LARGEST, _DEEPEST = 1_000_000, 20
_Path = tuple[str | int, ...]
_Kind = TypeVar("_Kind", bound=Part)


def read_study(path: Path) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    path : Path
        The file; UTF-8, at most 1 MB, plain YAML without anchors, aliases or tags.

    Returns
    -------
    Study
        The plan; every name that it uses is declared.

    Raises
    ------
    InputError
        With all problems, each naming line and key, rule and remedy.
    """
    if not path.is_file():
        raise refuse(
            str(path),
            "the study file does not exist",
            "run `neurotrial init DIR`, or name the folder that holds study.yaml",
        )
    study, lines = _read(path, Study, "the study file")
    problems = [_problem(path, lines, key, rule, remedy) for key, rule, remedy in rule_problems(study)]
    if problems:
        raise InputError(problems)
    return study


def read_part(path: Path, kind: type[_Kind], called: str) -> _Kind:
    """Read and check a file that is written as a study file is.

    Parameters
    ----------
    path : Path
        An existing file; UTF-8, at most 1 MB, plain YAML without anchors, aliases or tags.
    kind : type of Part
        What it must hold.
    called : str
        What messages call such a file, e.g. ``"the study file"``.

    Returns
    -------
    Part
        Of that kind.

    Raises
    ------
    InputError
        With all problems, each naming line and key, rule and remedy.
    """
    return _read(path, kind, called)[0]


def _read(path: Path, kind: type[_Kind], called: str) -> tuple[_Kind, dict[_Path, int]]:
    root = _compose(path)
    lines = dict(_lines(root))
    duplicates = [
        _problem(path, lines, key, "is given twice", "keep one of the two") for key in _duplicates(root)
    ]
    if duplicates:
        raise InputError(duplicates)
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))), lines
    except ValidationError as error:
        faults = error.errors()
        raise InputError([_schema_problem(path, lines, fault, kind, called) for fault in faults]) from None


def _compose(path: Path) -> yaml.Node:
    raw = path.read_bytes()
    if len(raw) > _LARGEST:
        raise refuse(
            path.name, "is larger than 1 MB", "a study file is a plan, not data: move tables to tables/"
        )
    try:
        text = raw.decode("utf-8")
        _refuse_traps(path, text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise refuse(path.name, f"is not UTF-8 text (byte {error.start})", "save the file as UTF-8") from None
    except RecursionError:
        raise refuse(
            path.name, "is nested too deeply", "a study file has a few levels; mend its brackets"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise refuse(
            place,
            f"is not valid YAML: {getattr(error, 'problem', error)}",
            "mend the indentation, quotes or colons at this line",
        ) from None
    if not isinstance(root, yaml.MappingNode):
        raise refuse(
            path.name,
            "must be a mapping of keys to values",
            "start from the file that `neurotrial init` writes",
        )
    return root


def _refuse_traps(path: Path, text: str) -> None:
    """Stop at the first event that plain data have no use for, before anything is built from it."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{path.name}:{event.start_mark.line + 1}"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise refuse(place, "is nested too deeply", "a study file has a few levels; mend its brackets")
        if (
            isinstance(event, yaml.AliasEvent)
            or getattr(event, "anchor", None)
            or getattr(event, "tag", None)
        ):
            raise refuse(place, "anchors, aliases and tags are not allowed", "write the value out")


def _lines(node: yaml.Node, key: _Path = ()) -> Iterator[tuple[_Path, int]]:
    """Yield the line (from 1) of every key and list item."""
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, name.value)
            yield from _lines(value, inner)
            yield inner, name.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*key, index))


def _duplicates(node: yaml.Node, key: _Path = ()) -> Iterator[_Path]:
    if isinstance(node, yaml.MappingNode):
        names = [name.value for name, _ in node.value]
        yield from ((*key, name) for name in dict.fromkeys(names) if names.count(name) > 1)
        for name, value in node.value:
            yield from _duplicates(value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _duplicates(value, (*key, index))


def _problem(path: Path, lines: dict[_Path, int], key: _Path, rule: str, remedy: str) -> Problem:
    """Place a fault at its line; where the key itself is missing, at the line of the part that lacks it."""
    known = key
    while known not in lines and known:
        known = known[:-1]
    return Problem(f"{path.name}:{lines.get(known, 1)}: {key_text(key)}", rule, remedy)


def key_text(key: _Path) -> str:
    """Write a key path the way a reader would: ``outcomes[0].unit``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".") or "the whole file"


def _schema_problem(
    path: Path, lines: dict[_Path, int], fault: Any, kind: type[BaseModel], called: str
) -> Problem:
    key = tuple(part for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        known = list(_part_at(kind, key[:-1]).model_fields)
        close = difflib.get_close_matches(str(key[-1]), known, n=1, cutoff=0.5)
        remedy = f"did you mean {close[0]!r}?" if close else f"remove it; known keys here: {', '.join(known)}"
        return _problem(path, lines, key, f"is not a key of {called}", remedy)
    if fault["type"] == "missing":
        return _problem(path, lines, key, "is missing", f"add the key {str(key[-1])!r}")
    if fault["type"] == "string_pattern_mismatch":
        rule = f"{fault['input']!r} is not a name: small letters, digits and _, a letter first, at most 40"
        return _problem(path, lines, key, rule, "rename it; the text that readers see goes into `label`")
    rule = f"{fault['input']!r} is not accepted: {_lower_first(fault['msg'])}"
    return _problem(path, lines, key, rule, "correct the value")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _part_at(whole: type[BaseModel], key: _Path) -> type[BaseModel]:
    """Return the model class that validates the mapping at a key path."""
    part = whole
    for name in key:
        if isinstance(name, str) and name in part.model_fields:
            part = _model_in(part.model_fields[name].annotation) or part
    return part


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
