"""What the extraction of one scan gives, and how a scan says that its files are at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.runner import UnitFault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ScanFault", "ScanResult"]


class ScanFault(UnitFault):
    """The files of one scan break a rule; the other scans go on.

    Parameters
    ----------
    where : str
        The file, with its column where there is one.
    rule : str
        What was expected.
    remedy : str
        What can be done.
    """

    def __init__(self, where: str, rule: str, remedy: str) -> None:
        self.problem = Problem(where, rule, remedy)
        super().__init__(f"{where}: {rule} (remedy: {remedy})")

    def __reduce__(self) -> tuple[type[ScanFault], tuple[str, str, str]]:
        """Let the fault travel between processes."""
        return ScanFault, (self.problem.where, self.problem.rule, self.problem.remedy)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Tables and picture of one scan.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Rows by table name, with participant_id, visit, run and modality where the contract has them.
    picture : bytes
        A PNG for quality control.
    """

    tables: Mapping[str, pd.DataFrame]
    picture: bytes
