"""The simulations that are done, one line each, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes_calibration.simulation_based import Simulated

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel

__all__ = ["Finished", "fingerprint"]

_FIRST = ("number", "divergences", "effective")


def fingerprint(model: BayesModel, settings: str) -> str:
    """Return a short digest of what simulations rest on: kind, shape, data and priors of the model, and settings.

    Parameters
    ----------
    model : BayesModel
        The prototype.
    settings : str
        Seeds, sampler and versions. The code is not in the digest: after a change of a likelihood start afresh.
    """
    digest = hashlib.blake2b(f"{model.kind}\n{model.shape!r}\n{settings}".encode(), digest_size=5)
    for name, value in sorted(model.data().items()):
        digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Finished:
    """A file with a line for each simulation.

    Attributes
    ----------
    path : Path
        Comma-separated values: number, divergences, effective, and the rank of each quantity.
    """

    path: Path

    def read(self) -> dict[int, Simulated]:
        """Return the simulations by their number; a line that was cut short is left out."""
        if not self.path.is_file():
            return {}
        with self.path.open(encoding="utf-8", newline="") as stream:
            header, *lines = list(csv.reader(stream)) or [[]]
        names = header[len(_FIRST) :]
        # the last field of a line is followed by a mark, so that a number that was cut short is seen
        whole = (line[:-1] for line in lines if len(line) == len(header) + 1)
        found = (_simulated(line, names) for line in whole)
        return {one.number: one for one in found}

    def add(self, simulations: Iterable[Simulated]) -> None:
        """Append simulations."""
        rows = list(simulations)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = self.path.read_bytes() if self.path.is_file() else b""
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if before and not before.endswith(b"\n"):
                stream.write("\n")
            if not before:
                writer.writerow([*_FIRST, *rows[0].ranks])
            writer.writerows(
                [one.number, one.divergences, repr(one.effective), *one.ranks.values(), ""] for one in rows
            )


def _simulated(line: list[str], names: list[str]) -> Simulated:
    number, divergences, effective, *ranks = line
    by_name = dict(zip(names, (int(value) for value in ranks), strict=True))
    return Simulated(int(number), by_name, int(divergences), float(effective))
