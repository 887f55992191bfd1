"""Which cells of a batched fit go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.working import Rows
    from neurotrial.models.student import FloatArray

__all__ = ["Batches"]


class Batches:
    """The cells of outcomes and replicates in batches: those that miss the same rows together, since they share sums.

    Parameters
    ----------
    rows : Rows
        Layout of the rows.
    y : array of float, shape (n_observations, n_outcomes)
        Outcomes; NaN where a row is missing.
    counts : array of float, shape (n_participants, n_replicates), or None
        How often each participant counts.
    batch : int
        Largest number of cells in a batch.
    """

    def __init__(self, rows: Rows, y: FloatArray, counts: FloatArray | None, batch: int) -> None:
        self._rows, self._y, self._counts, self._batch = rows, y, counts, max(int(batch), 1)
        self.n_replicates = 1 if counts is None else counts.shape[1]
        self._subset = None if counts is None else np.asarray(np.isin(counts, (0.0, 1.0)).all(axis=0))

    def pieces(self) -> Iterator[tuple[np.ndarray, FloatArray, FloatArray | None]]:
        """Yield numbers of cells, outcomes (rows, cells), and weights (participants, cells) or None."""
        total = self._y.shape[1] * self.n_replicates
        number = np.arange(total)
        outcome, replicate = np.divmod(number, self.n_replicates)
        weighted = np.zeros(total, dtype=bool) if self._subset is None else ~self._subset[replicate]
        groups = [number[weighted & (outcome == k)] for k in np.unique(outcome[weighted])]
        groups += _by_mask(self._masked(outcome, replicate, number[~weighted]), number[~weighted])
        for group in groups:
            for begin in range(0, len(group), self._batch):
                chosen = group[begin : begin + self._batch]
                y = self._outcomes(outcome[chosen], replicate[chosen], subset=not weighted[chosen[0]])
                weights = (
                    self._counts[:, replicate[chosen]]
                    if weighted[chosen[0]] and self._counts is not None
                    else None
                )
                yield chosen, y, weights

    def _masked(self, outcome: np.ndarray, replicate: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        finite = np.isfinite(self._y)[:, outcome[chosen]]
        if self._counts is not None:
            finite = finite & (self._counts[self._rows.participant][:, replicate[chosen]] > 0)
        return finite

    def _outcomes(self, outcome: np.ndarray, replicate: np.ndarray, *, subset: bool) -> FloatArray:
        y = self._y[:, outcome]
        if subset and self._counts is not None:
            y = np.where(self._counts[self._rows.participant][:, replicate] > 0, y, np.nan)
        return y


def _by_mask(finite: np.ndarray, numbers: np.ndarray) -> list[np.ndarray]:
    """Group cells by the rows that they have; rare masks are put together."""
    if not numbers.size:
        return []
    packed = np.packbits(finite, axis=0).T
    _, code, count = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    code = code.ravel()
    common = np.flatnonzero(count > 1)
    groups = [numbers[code == kind] for kind in common]
    rest = numbers[~np.isin(code, common)]
    return [*groups, *([rest] if rest.size else [])]
