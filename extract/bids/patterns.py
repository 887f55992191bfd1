"""Who names files how: patterns of names by producer, modality and role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from neurotrial.extract.bids.descriptions import Root
    from neurotrial.extract.bids.files import File

__all__ = [
    "MAPS",
    "MODALITIES",
    "ROLES",
    "STAND_INS",
    "Fit",
    "Modality",
    "Pattern",
    "Producer",
    "TableLayout",
    "producer_of",
    "words",
]

Modality = Literal["dwi", "bold"]
MODALITIES: tuple[Modality, ...] = ("dwi", "bold")
"""A new one goes to the end: places in it are seeds of the simulation."""

MAPS = ("fa", "md", "ad", "rd", "l2", "l3")
"""Scalar maps; l2 and l3 are eigenvalues, whose mean is RD where a producer writes none."""

ROLES: Mapping[Modality, tuple[str, ...]] = MappingProxyType({
    "dwi": (
        "dwi", "bval", "bvec", "brain", "lesion", "cst_left", "cst_right", "plic_left", "plic_right", *MAPS,
        "from_template", "to_template", "confounds", "image_qc", "tract_table", "tract_counts", "streamlines_cst_left",
        "streamlines_cst_right",
    ),
    "bold": (
        "bold", "bold_json", "confounds", "brain", "lesion", "white_matter", "csf", "from_template", "coregistration",
        "timeseries", "matrix", "node_coverage",
    ),
})  # fmt: skip
"""The files that a scan may have. The first is its image."""

STAND_INS: Mapping[Modality, tuple[str, ...]] = MappingProxyType(
    {"dwi": MAPS, "bold": ("timeseries", "matrix")}
)
"""What is measured where there is no image: scalar maps; time series of nodes, or their correlations."""


def words(text: str) -> re.Pattern[str]:
    """Compile a value with ``*`` and alternatives divided by ``|``; small and capital letters are alike."""
    parts = [".*".join(re.escape(piece) for piece in part.split("*")) for part in text.split("|")]
    return re.compile("|".join(parts), re.IGNORECASE)


class Fit(NamedTuple):
    """A role that a file can have.

    Attributes
    ----------
    modality, role : str
    position : tuple of int
        Places of the folder and of the pattern: the smaller one is the better one.
    pattern : Pattern
    """

    modality: Modality
    role: str
    position: tuple[int, int]
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a file is named.

    Attributes
    ----------
    suffix : re.Pattern or None
        Suffix, None where the whole name counts.
    extensions : tuple of str
        Extensions that it may have.
    name : re.Pattern or None
        Whole name but for participant and session, None where suffix, extension and entities count.
    entities : tuple of (str, re.Pattern or None)
        Values that entities must have; None for one that must not be there.
    folders : tuple of str
        Folders that it may stand in, the best first.
    factor : float
        What values are multiplied by to be in um2/ms; 1 for what has no unit.
    refused : str
        Why such a file cannot be used; empty where it can.
    """

    suffix: re.Pattern[str] | None = None
    extensions: tuple[str, ...] = ()
    name: re.Pattern[str] | None = None
    entities: tuple[tuple[str, re.Pattern[str] | None], ...] = ()
    folders: tuple[str, ...] = ("dwi",)
    factor: float = 1.0
    refused: str = ""

    def fits(self, file: File) -> bool:
        """Tell whether a file is named like this, wherever it stands."""
        if self.name is not None:
            return self.name.fullmatch(file.tail) is not None
        if (
            file.extension not in self.extensions
            or self.suffix is None
            or not self.suffix.fullmatch(file.suffix)
        ):
            return False
        for entity, wanted in self.entities:
            value = file.entities.get(entity)
            if (value is None) != (wanted is None):
                return False
            if value is not None and wanted is not None and not wanted.fullmatch(value):
                return False
        return True


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a producer writes measures along tracts.

    Attributes
    ----------
    shape : {"long", "wide"}
        One row for each tract and node, or one column for each tract.
    separator : str
        Between cells.
    nodes : int
        Nodes along a tract.
    features : mapping of str to (str, float)
        Name of a measure in the table to ours, and what it is multiplied by to be in um2/ms.
    tracts : mapping of (str, str) to tuple of str
        Tract and hemisphere to the names that the producer has given it.
    tract, node : str
        Columns of a long table.
    zero_is_missing : bool
        Whether a tract that was not found has zeros.
    """

    shape: Literal["long", "wide"]
    separator: str
    nodes: int
    features: Mapping[str, tuple[str, float]]
    tracts: Mapping[tuple[str, str], tuple[str, ...]]
    tract: str = ""
    node: str = ""
    zero_is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Producer:
    """A program whose files we know.

    Attributes
    ----------
    name : str
    generated_by : tuple of str
        Its names in descriptions of datasets, in small letters.
    folders : tuple of re.Pattern
        Names that its folders usually have.
    folder_decides : bool
        Whether the name of the folder counts more than the description.
    roles : mapping
        Patterns by modality and role, the best first, with the common ones at the end.
    table : TableLayout or None
        How it writes measures along tracts.
    """

    name: str
    generated_by: tuple[str, ...] = ()
    folders: tuple[re.Pattern[str], ...] = ()
    folder_decides: bool = False
    roles: Mapping[Modality, Mapping[str, tuple[Pattern, ...]]] = field(default_factory=dict)
    table: TableLayout | None = None
    _known: dict[tuple[str, str], list[Fit]] = field(default_factory=dict, compare=False, repr=False)

    def fits(self, file: File) -> list[Fit]:
        """Return the roles that a file can have, each by its best pattern; participant and session do not matter."""
        key = file.datatype, file.tail
        if key not in self._known:
            self._known[key] = list(self._fits(file))
        return self._known[key]

    def _fits(self, file: File) -> Iterator[Fit]:
        for modality, roles in self.roles.items():
            for role, patterns in roles.items():
                for place, pattern in enumerate(patterns):
                    if file.datatype in pattern.folders and pattern.fits(file):
                        yield Fit(modality, role, (pattern.folders.index(file.datatype), place), pattern)
                        break


def producer_of(root: Root, producers: Mapping[str, Producer]) -> Producer:
    """Return who made the files of a root."""
    if root.raw:
        return producers["raw"]
    folder = root.folder.replace("\\", "/").rpartition("/")[2]
    known = [producer for producer in producers.values() if producer.name not in {"raw", "plain"}]
    by_folder = [item for item in known if any(name.fullmatch(folder) for name in item.folders)]
    decided = [item for item in by_folder if item.folder_decides]
    by_name = [item for item in known if root.producer.lower() in item.generated_by]
    guessed = [] if root.producer else by_folder
    return next(iter([*decided, *by_name, *guessed]), producers["plain"])
