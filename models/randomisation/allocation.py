"""How participants were allocated, and every label that they could have had."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import comb, prod
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import missing_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.permutation import Seed

__all__ = ["Allocation", "Labels", "labels_of"]

_BATCH = 1000
"""Labellings at a time: their products stay in the cache of a processor."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What the trial declares about its randomisation.

    Attributes
    ----------
    blocks : str or None
        Column with the block of each participant; the number treated in a block is kept.
    strata : tuple of str
        Columns whose combinations are strata; where blocks are not known, the totals within a stratum are kept.
    ratio : mapping of str to int, or None
        Shares of the arms, e.g. ``{"cells": 2, "control": 1}``; with it the blocks are checked: none may hold more of an arm
        than a block can, and a full one holds exactly its share.
    block_sizes : tuple of int
        Sizes of the blocks, where they are known; multiples of the ratio's sum.
    """

    blocks: str | None = None
    strata: tuple[str, ...] = ()
    ratio: Mapping[str, int] | None = None
    block_sizes: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """What is kept when labels are drawn again."""
        within = f" within strata of {', '.join(self.strata)}" if self.strata else ""
        if self.blocks:
            return f"labels redrawn within blocks{within}"
        if self.strata:
            return f"labels redrawn with the totals of each stratum ({', '.join(self.strata)}) kept; blocks are not known"
        return "labels redrawn as complete randomisation with the totals kept; blocks are not known"


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of all randomised, and the groups within which they may be exchanged.

    Attributes
    ----------
    treated : array of bool, shape (n,)
        Labels as they were drawn.
    groups : tuple of array of int
        Positions that exchange labels among each other.
    words : str
        What is kept.
    """

    treated: np.ndarray
    groups: tuple[np.ndarray, ...]
    words: str

    @property
    def n_distinct(self) -> int:
        """Distinct labellings, the observed one among them."""
        return prod(comb(group.size, int(self.treated[group].sum())) for group in self.groups)

    def every(self) -> Iterator[np.ndarray]:
        """Yield all distinct labellings, shape (n_labellings, n)."""
        choices = [
            list(itertools.combinations(group.tolist(), int(self.treated[group].sum())))
            for group in self.groups
        ]
        chosen = itertools.product(*choices)
        while part := list(itertools.islice(chosen, _BATCH)):
            labels = np.zeros((len(part), self.treated.size), dtype=bool)
            for row, groups in zip(labels, part, strict=True):
                row[list(itertools.chain.from_iterable(groups))] = True
            yield labels

    def drawn(self, number: int, seed: Seed) -> Iterator[np.ndarray]:
        """Yield random labellings, shape (n_labellings, n); batches do not change them."""
        root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        for start, child in zip(range(0, number, _BATCH), root.spawn(-(-number // _BATCH)), strict=True):
            generator = np.random.default_rng(child)
            labels = np.tile(self.treated, (min(_BATCH, number - start), 1))
            for group in self.groups:
                labels[:, group] = generator.permuted(labels[:, group], axis=1)
            yield labels


def labels_of(frame: pd.DataFrame, arm: str, reference: str, allocation: Allocation | None) -> Labels:
    """Return the labels of a table of all randomised.

    Parameters
    ----------
    frame : DataFrame
        One row per randomised participant.
    arm, reference : str
        Column with the arm, and the arm that the other is compared with.
    allocation : Allocation or None
        Blocks and strata; without it complete randomisation with fixed totals.

    Returns
    -------
    Labels
        With the groups that exchange labels.

    Raises
    ------
    InputError
        If a column or a value of it is missing, or no participant can change the arm.
    """
    declared = allocation or Allocation()
    columns = [*declared.strata, *([declared.blocks] if declared.blocks else [])]
    problems = [
        *missing_columns(frame, columns),
        *_lacking(frame, arm, columns),
        *_empty(frame, declared.strata),
    ]
    if not problems:
        problems = list(_contradictions(frame, arm, declared))
    if problems:
        raise InputError(problems)
    treated = (frame[arm].astype("str") != str(reference)).to_numpy()
    code = (
        frame.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
        if columns
        else np.zeros(len(frame))
    )
    groups = tuple(np.flatnonzero(code == number) for number in np.unique(code))
    labels = Labels(treated, groups, declared.words)
    if labels.n_distinct == 1:
        rule = f"{' and '.join(columns)} leave one labelling only: each group has one arm"
        raise refuse("allocation", rule, "declare the blocks as they were, or leave them out")
    return labels


def _empty(frame: pd.DataFrame, strata: tuple[str, ...]) -> Iterator[Problem]:
    for name in strata:
        if name in frame and hasattr(frame[name], "cat"):
            unseen = [str(level) for level in frame[name].cat.categories if not (frame[name] == level).any()]
            if unseen:
                rule = f"nobody was randomised in the declared stratum {', '.join(unseen)}"
                remedy = "give all who were randomised, or remove the category"
                yield Problem(f"column {name!r}", rule, remedy)


def _contradictions(frame: pd.DataFrame, arm: str, declared: Allocation) -> Iterator[Problem]:
    """Yield blocks that the declared ratio and sizes could not have made."""
    if declared.ratio is None:
        return
    arms = frame[arm].astype("str")
    unknown = sorted(set(arms) - set(declared.ratio))
    if unknown:
        rule = f"holds arms that the ratio does not name: {', '.join(unknown)}"
        yield Problem(f"column {arm!r}", rule, "name every arm in the ratio")
        return
    total = sum(declared.ratio.values())
    odd = [size for size in declared.block_sizes if size % total]
    if odd:
        yield Problem(
            "allocation", f"a block of {odd[0]} cannot be divided {total} ways", "correct sizes or ratio"
        )
        return
    if declared.blocks is None:
        return
    columns = [*declared.strata, declared.blocks]
    wrong = []
    for name, rows in frame.groupby(columns, sort=False, observed=True):
        counts = arms[rows.index].value_counts()
        if not _possible(counts, declared, total):
            label = " / ".join(str(part) for part in (name if isinstance(name, tuple) else (name,)))
            wrong.append(f"{label}: " + ", ".join(f"{counts.get(one, 0)} {one}" for one in declared.ratio))
    if wrong:
        ratio = ":".join(str(share) for share in declared.ratio.values())
        sizes = f" in blocks of {' or '.join(map(str, declared.block_sizes))}" if declared.block_sizes else ""
        rule = f"{len(wrong)} blocks contradict the declared allocation {ratio}{sizes}"
        remedy = "correct the blocks or the arms, give all who were randomised, or declare the allocation as it was"
        yield Problem(f"column {declared.blocks!r}", rule, remedy, tuple(wrong))


def _possible(counts: pd.Series[int], declared: Allocation, total: int) -> bool:
    """Say whether a block of some declared size, full or broken off, could hold these numbers."""
    ratio = declared.ratio or {}
    n = int(counts.sum())
    sizes = declared.block_sizes or (-(-n // total) * total,)
    return any(
        n <= size and all(counts.get(arm, 0) <= size // total * share for arm, share in ratio.items())
        for size in sizes
    )


def _lacking(frame: pd.DataFrame, arm: str, columns: list[str]) -> Iterator[Problem]:
    for name in columns:
        lost = frame.index[frame[name].isna()] if name in frame else frame.index[:0]
        if len(lost):
            rows = describe_rows(frame, lost, [arm, *columns])
            rule = "every randomised participant has a block and a stratum"
            yield Problem(f"column {name!r}", rule, "fill it in", rows)
