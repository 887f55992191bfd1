"""From tables of TOML to patterns, with everything that is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from neurotrial.errors import Problem
from neurotrial.extract.bids.entities import DATATYPES, ENTITIES
from neurotrial.extract.bids.patterns import ROLES, Modality, Pattern, Producer, TableLayout, words

__all__ = ["ProducerReader", "Roles"]

_PATTERN_KEYS = ("suffix", "extension", "name", "folder", "factor", "refused")
_PATTERN_ENTITIES = tuple(name for name in ENTITIES if name not in {"sub", "ses", "run"})
_PRODUCER_KEYS = ("name", "generated_by", "folders", "folder_decides", "dwi", "bold", "table")
_TABLE_KEYS = ("shape", "separator", "nodes", "features", "tracts", "tract", "node", "zero_is_missing")
_HEMISPHERES = ("left", "right")
_MISSING = object()

Roles = dict[Modality, dict[str, tuple[Pattern, ...]]]


class ProducerReader:
    """Turns tables of TOML into patterns, and collects what is wrong with them.

    Parameters
    ----------
    where : str
        Name of the file, for messages.

    Attributes
    ----------
    problems : list of Problem
        What was wrong so far.
    """

    def __init__(self, where: str) -> None:
        self.where, self.problems = where, list[Problem]()

    def wrong(self, key: str, rule: str, remedy: str) -> None:
        """Keep a problem."""
        self.problems.append(Problem(f"{self.where}: {key}", rule, remedy))

    def known(self, key: str, given: Iterable[str], known: Iterable[str]) -> None:
        """Refuse names that are not known, with what may have been meant."""
        names = tuple(known)
        for name in given:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
                remedy = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(names)}"
                self.wrong(key, f"{name!r} is not known", remedy)

    def mapping(self, key: str, value: Any) -> dict[str, Any]:
        """Return a value that must be a table of TOML."""
        if isinstance(value, dict):
            return value
        self.wrong(key, "must be a table of keys and values", "correct the brackets")
        return {}

    def value(
        self, key: str, table: Mapping[str, Any], name: str, kind: type, default: Any = _MISSING
    ) -> Any:
        """Return a value of the right type."""
        value = table.get(name, default)
        if value is _MISSING:
            self.wrong(key, f"has no {name!r}", "add it")
        elif value is not default and (
            not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)
        ):
            self.wrong(f"{key}.{name}", f"{value!r} is no {kind.__name__}", "correct the value")
        else:
            return value
        return kind() if default is _MISSING else default

    def texts(
        self, key: str, table: Mapping[str, Any], name: str, default: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """Return a text or a list of texts."""
        value = table.get(name, list(default))
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(item, str) for item in texts):
            return tuple(texts)
        self.wrong(f"{key}.{name}", f"{value!r} is no list of texts", 'write it like ["one", "two"]')
        return default

    def producer(self, key: str, table: dict[str, Any]) -> Producer:
        """Return what an entry of ``[[producer]]`` says."""
        name = self.value(key, table, "name", str) or key
        self.known(name, table, _PRODUCER_KEYS)
        layout = self.mapping(f"{name}.table", table["table"]) if "table" in table else None
        return Producer(
            name,
            tuple(text.lower() for text in self.texts(name, table, "generated_by")),
            tuple(words(text) for text in self.texts(name, table, "folders")),
            self.value(name, table, "folder_decides", bool, default=False),
            self.roles(name, {modality: table[modality] for modality in ROLES if modality in table}),
            None if layout is None else self.layout(f"{name}.table", layout),
        )

    def roles(self, key: str, table: Mapping[str, Any]) -> Roles:
        """Return the patterns by modality and role."""
        self.known(key, table, ROLES)
        found: Roles = {}
        for modality, names in ROLES.items():
            given = self.mapping(f"{key}.{modality}", table.get(modality, {}))
            self.known(f"{key}.{modality}", given, names)
            found[modality] = {
                role: self.patterns(f"{key}.{modality}.{role}", value) for role, value in given.items()
            }
        return found

    def patterns(self, key: str, value: Any) -> tuple[Pattern, ...]:
        """Return the patterns of one role."""
        if not isinstance(value, list):
            self.wrong(
                key, "must be a list of patterns", 'write it like [{suffix = "dwi", extension = ".nii.gz"}]'
            )
            return ()
        return tuple(
            self.pattern(f"{key}[{place}]", self.mapping(key, item)) for place, item in enumerate(value)
        )

    def pattern(self, key: str, table: dict[str, Any]) -> Pattern:
        """Return one pattern."""
        self.known(key, table, (*_PATTERN_KEYS, *_PATTERN_ENTITIES))
        name = self.value(key, table, "name", str, default="")
        suffix = self.value(key, table, "suffix", str, default="")
        extensions = self.texts(key, table, "extension")
        if bool(name) == bool(suffix and extensions):
            self.wrong(key, "needs either `name`, or `suffix` and `extension`", "give one of the two")
        folders = self.texts(key, table, "folder", ("dwi",))
        self.known(f"{key}.folder", folders, (*sorted(DATATYPES), ""))
        factor = self.value(key, table, "factor", float, default=1.0)
        if not factor > 0:
            self.wrong(f"{key}.factor", f"{factor:g} is not above 0", "correct the value")
        entities = tuple(
            (entity, words(value) if value else None)
            for entity in table
            if entity in _PATTERN_ENTITIES
            for value in [self.value(key, table, entity, str)]
        )
        return Pattern(
            words(suffix) if suffix else None, extensions, words(name) if name else None, entities, folders, factor,
            self.value(key, table, "refused", str, default=""),
        )  # fmt: skip

    def layout(self, key: str, table: dict[str, Any]) -> TableLayout:
        """Return how a producer writes tables of tracts."""
        self.known(key, table, _TABLE_KEYS)
        shape: Literal["long", "wide"] = self.value(key, table, "shape", str)
        if shape not in {"long", "wide"}:
            self.wrong(f"{key}.shape", f"{shape!r} is not long or wide", "correct the value")
        columns = {
            name: self.value(key, table, name, str) if shape == "long" else "" for name in ("tract", "node")
        }
        features = self.mapping(f"{key}.features", table.get("features", {}))
        return TableLayout(
            shape,
            self.value(key, table, "separator", str),
            self.value(key, table, "nodes", int),
            {name: self._feature(f"{key}.features.{name}", item) for name, item in features.items()},
            dict(self._tracts(f"{key}.tracts", self.mapping(f"{key}.tracts", table.get("tracts", {})))),
            columns["tract"],
            columns["node"],
            self.value(key, table, "zero_is_missing", bool, default=False),
        )

    def _feature(self, key: str, value: Any) -> tuple[str, float]:
        table = self.mapping(key, value)
        self.known(key, table, ("feature", "factor"))
        return self.value(key, table, "feature", str), self.value(key, table, "factor", float, default=1.0)

    def _tracts(self, key: str, table: dict[str, Any]) -> Iterable[tuple[tuple[str, str], tuple[str, ...]]]:
        for name in table:
            tract, _, hemisphere = name.rpartition("_")
            if not tract or hemisphere not in _HEMISPHERES:
                self.wrong(key, f"{name!r} is no tract with its hemisphere", "name it like cst_left")
            yield (tract, hemisphere), self.texts(key, table, name)
