"""YAML settings of a document and its project: values, and the line on which each key stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from neurotrial.errors import Problem, refuse

__all__ = ["Settings", "merge", "merge_all", "read_settings", "resolve_paths", "with_metadata_files"]

PATH_KEYS = ("bibliography", "csl", "css", "reference-doc", "filters", "include-after-body")
"""Keys whose values name files, relative to the file in which the key stands."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One YAML mapping.

    Attributes
    ----------
    label : str
        The file as a message names it, relative to the project folder.
    file : Path
        The file.
    values : dict
        The parsed mapping.
    lines : dict of tuple of str to int
        The line of each key, by its path from the top.
    """

    label: str
    file: Path
    values: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    def where(self, *keys: str) -> str:
        """Return ``file:line`` of a key, or the file where the key is not known."""
        line = self.lines.get(keys)
        return self.label if line is None else f"{self.label}:{line}"


def read_settings(text: str, file: Path, label: str, first_line: int = 1) -> Settings:
    """Parse a YAML mapping; nothing but plain values is constructed.

    Parameters
    ----------
    text : str
        The YAML.
    file : Path
        Where it comes from.
    label : str
        The file as a message names it.
    first_line : int
        The line of the file on which the text starts.

    Returns
    -------
    Settings
        Empty values for empty text.

    Raises
    ------
    InputError
        If the text is not YAML or no mapping.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        fault = str(getattr(error, "problem", None) or "cannot be read")
        msg = f"{label}:{line}"
        raise refuse(msg, f"is not valid YAML: {fault}", "mend the indentation or the quotes") from None
    if values is None:
        return Settings(label, file, {}, {})
    if not isinstance(values, dict):
        msg = f"{label}:{first_line}"
        raise refuse(msg, "is no YAML mapping", "write `key: value` lines")
    return Settings(label, file, values, dict(_key_lines(node, first_line)))


def _key_lines(
    node: yaml.Node | None, first_line: int, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*above, str(key.value))
            yield path, first_line + key.start_mark.line
            yield from _key_lines(value, first_line, path)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings as Quarto does: the one above wins, mappings merge, lists are joined.

    Examples
    --------
    >>> merge({"a": 1, "b": {"c": 2}, "d": [1]}, {"b": {"e": 3}, "d": [1, 4]})
    {'a': 1, 'b': {'c': 2, 'e': 3}, 'd': [1, 4]}
    """
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            out[key] = merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            out[key] = old + [item for item in value if item not in old]
        else:
            out[key] = value
    return out


def merge_all(settings: tuple[Settings, ...]) -> dict[str, Any]:
    """Merge the values of several files; the last wins."""
    values: dict[str, Any] = {}
    for one in settings:
        values = merge(values, one.values)
    return values


def resolve_paths(settings: Settings, root: Path) -> Settings:
    """Make the paths among the values absolute; a leading slash means the project folder."""

    def resolve(value: Any) -> Any:
        if isinstance(value, list):
            return [resolve(item) for item in value]
        if not isinstance(value, str):
            return value
        base = root if value.startswith("/") else settings.file.parent
        return str((base / value.lstrip("/")).resolve())

    def walk(values: dict[str, Any]) -> dict[str, Any]:
        return {key: resolve(value) if key in PATH_KEYS else value for key, value in values.items()}

    values = walk(settings.values)
    blocks = values.get("format")
    if isinstance(blocks, dict):
        values["format"] = {
            name: walk(block) if isinstance(block, dict) else block for name, block in blocks.items()
        }
    return replace(settings, values=values)


def with_metadata_files(settings: Settings, root: Path, problems: list[Problem]) -> tuple[Settings, ...]:
    """Read the ``metadata-files`` that a file names; return them before the file itself.

    A value set differently in a file and in one of its metadata files is a problem: which of them wins is a matter
    of Quarto's version.
    """
    names = settings.values.get("metadata-files") or []
    found = []
    for name in [names] if isinstance(names, str) else names:
        file = (settings.file.parent / str(name)).resolve()
        where = settings.where("metadata-files")
        if not file.is_relative_to(root) or not file.is_file():
            problems.append(
                Problem(where, f"metadata file {name} is not in the project", "add it or mend its name")
            )
            continue
        included = read_settings(file.read_text("utf-8-sig"), file, file.relative_to(root).as_posix())
        problems.extend(
            Problem(
                settings.where(*path),
                f"{'.'.join(path)} is also set, differently, in {included.label}",
                "set it in one of the two files",
            )
            for path in _conflicts(settings.values, included.values)
        )
        found.append(resolve_paths(included, root))
    return (*found, settings)


def _conflicts(
    one: Mapping[str, Any], other: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for key in one.keys() & other.keys():
        left, right, path = one[key], other[key], (*above, str(key))
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _conflicts(left, right, path)
        elif left != right:
            yield path
