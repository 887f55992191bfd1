"""The files of a BIDS dataset as they are listed: whose they are, and what their names say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from neurotrial.errors import Problem
from neurotrial.extract.bids.entities import run_number

if TYPE_CHECKING:
    from neurotrial.extract.bids.descriptions import Root

__all__ = ["File", "Listing", "misplaced_files"]


class File(NamedTuple):
    """A file of a dataset.

    Attributes
    ----------
    path : str
        Absolute.
    root : Root
        The dataset or derivative that it belongs to.
    order : int
        Place, in the order of listing, of the folder that it was found under.
    participant : str or None
        E.g. ``sub-001``, by folder or, outside of the folders of participants, by name; None for files of the whole dataset.
    session : str or None
        Label, without ``ses-``.
    datatype : str
        Folder such as ``dwi`` or ``anat``; empty where there is none.
    tail : str
        Name without participant and session.
    entities : mapping of str to str
        Value of each entity but participant and session; shared by files of the same tail.
    suffix, extension : str
        Last part of the name, and what follows it, from the first dot.
    size : int
        Bytes; 0 too for a link whose content is not there.
    misplaced : bool
        Whether its name tells another participant or session than its folder, so that nobody knows whose it is.
    """

    path: str
    root: Root
    order: int
    participant: str | None
    session: str | None
    datatype: str
    tail: str
    entities: Mapping[str, str]
    suffix: str
    extension: str
    size: int
    misplaced: bool

    @property
    def name(self) -> str:
        """Name without folder."""
        return os.path.basename(self.path)  # noqa: PTH119 - a Path for each of ten thousand files takes longer than all else

    @property
    def run(self) -> int | None:
        """Run, where runs are numbered."""
        return run_number(self.entities.get("run"))


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a dataset.

    Attributes
    ----------
    files : list of File
        By folder and name.
    problems : list of Problem
        Warnings: folders that cannot be read, links that lead out.
    """

    files: list[File]
    problems: list[Problem]


def misplaced_files(files: Iterable[File]) -> Iterator[Problem]:
    """Yield a warning of the files whose name tells another participant or session than their folder."""
    rows = sorted(os.path.relpath(file.path, file.root.folder) for file in files if file.misplaced)
    if rows:
        rule = "files are named for another participant or session than their folder, and they are not read"
        yield Problem("dataset", rule, "rename or move them", tuple(rows), "warning")
