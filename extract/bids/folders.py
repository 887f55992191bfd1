"""Listing the files of a BIDS dataset: folders are read, files are never opened but for the descriptions of datasets."""

from __future__ import annotations

import functools
import operator
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from neurotrial.errors import Problem
from neurotrial.extract.bids.descriptions import DESCRIPTION, Root, read_root
from neurotrial.extract.bids.entities import DATATYPES, parse_name
from neurotrial.extract.bids.files import File, Listing

__all__ = ["list_dataset"]

_PASSED_OVER = frozenset({"code", "sourcedata"})
"""Folders in which BIDS makes no rules."""


_parse = functools.lru_cache(maxsize=100_000)(parse_name)
"""Without participant and session, a dataset has few names."""
_BEGIN = re.compile(r"sub-[^_.]+_(ses-[^_.]+_)?", re.IGNORECASE)


def _tail(name: str) -> str:
    begin = _BEGIN.match(name)
    return name[begin.end() :] if begin else name


_name = operator.attrgetter("name")


class _Place(NamedTuple):
    """Where a folder stands."""

    root: Root
    order: int
    participant: str | None = None
    session: str | None = None
    datatype: str = ""

    @property
    def prefix(self) -> str:
        """What names of files here usually begin with."""
        session = f"_ses-{self.session}" if self.session else ""
        return f"{self.participant}{session}_" if self.participant else ""

    def inner(self, name: str) -> _Place:
        """Return the place of a folder in this one."""
        if self.participant is None and name.startswith("sub-"):
            return self._replace(participant=name)
        if self.session is None and name.startswith("ses-"):
            return self._replace(session=name[4:])
        if not self.datatype and name in DATATYPES:
            return self._replace(datatype=name)
        return self


@dataclass(slots=True)
class _Walk:
    """State of a listing; `seen` ends the circles that links can make."""

    top: str
    real_top: str
    files: list[File] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    leading_out: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def below(self, folder: str, order: int, passed_over: frozenset[str] = frozenset()) -> None:
        """List everything below a folder, but for some folders that stand directly in it."""
        stack = [(folder, _Place(read_root(folder, self.top), order))]
        while stack:
            path, place = stack.pop()
            if path in self.seen:
                continue
            self.seen.add(path)
            entries = self._entries(path)
            if path != folder and any(entry.name == DESCRIPTION for entry in entries):
                place = _Place(read_root(path, self.top), order)
            inner = []
            prefix = place.prefix
            for entry in entries:
                if not entry.is_dir():
                    self._add(entry, place, prefix)
                elif entry.name not in _PASSED_OVER and not (path == folder and entry.name in passed_over):
                    own = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                    inner.append((own, place.inner(entry.name)))
            stack += reversed(inner)

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(path) as found:
                entries = [entry for entry in found if entry.name[0] != "." and self._inside(entry)]
        except OSError as error:
            self.unreadable.append(f"{os.path.relpath(path, self.top)}: {error.strerror}")
            return []
        return sorted(entries, key=_name)

    def _inside(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return True
        inside = Path(os.path.realpath(entry.path)).is_relative_to(self.real_top)
        if not inside:
            self.leading_out.append(os.path.relpath(entry.path, self.top))
        return inside

    def _add(self, entry: os.DirEntry[str], place: _Place, prefix: str) -> None:
        exists = entry.is_file()
        if not exists and not entry.is_symlink():
            return
        name = entry.name
        usual = bool(prefix) and name.startswith(prefix)
        tail = name[len(prefix) :] if usual else _tail(name)
        entities, suffix, extension = _parse(tail)
        person, session, misplaced = place.participant, place.session, False
        if not usual and len(tail) < len(name):
            begin, _, _ = parse_name(name[: -len(tail)])
            own, own_session = f"sub-{begin['sub']}", begin.get("ses")
            misplaced = own != (person or own) or own_session not in {None, session or own_session}
            person, session = person or own, session or own_session
        size = entry.stat().st_size if exists else 0
        self.files.append(
            File(
                entry.path, place.root, place.order, person, session, place.datatype, tail, entities, suffix, extension,
                size, misplaced,
            )
        )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield what was met on the way."""
        kinds = (
            (self.unreadable, "folders cannot be read", "mend their permissions"),
            (
                self.leading_out,
                "links lead out of the dataset, and they are not followed",
                "put the files themselves, or links to files inside the dataset, in their place",
            ),
        )
        for rows, rule, remedy in kinds:
            if rows:
                yield Problem("dataset", rule, remedy, tuple(sorted(rows)), "warning")


def list_dataset(dataset: Path, folders: Sequence[Path] | None = None) -> Listing:
    """List the files of a dataset.

    Hidden files and the folders ``code`` and ``sourcedata`` are passed over; links are followed inside the dataset only.

    Parameters
    ----------
    dataset : Path
        Top folder of a BIDS dataset.
    folders : sequence of Path, optional
        Derivatives in it, of which first files come first; then the raw data follow. Without it, everything is listed.

    Returns
    -------
    Listing
        Files, and what could not be listed.
    """
    top = os.path.abspath(dataset)  # noqa: PTH100 - links in the path of the dataset itself stay as the user gave them
    walk = _Walk(top, os.path.realpath(top))
    for order, folder in enumerate(folders or ()):
        walk.below(str(folder), order)
    raw_only = frozenset() if folders is None else frozenset({"derivatives"})
    if folders is None or not walk.seen & {top, walk.real_top}:
        walk.below(top, len(folders or ()), raw_only)
    return Listing(walk.files, list(walk.problems()))
