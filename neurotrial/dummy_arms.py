"""Dummy arms: an allocation as the plan declares it, drawn anew without a look at the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    import pandas as pd

    from neurotrial.study import Study

__all__ = ["dummy_arms"]


def dummy_arms(
    study: Study, people: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.Series[str], pd.Series[str] | None]:
    """Draw the arms of all participants from the declared allocation.

    Parameters
    ----------
    study : Study
        The plan: ratio, scheme, sizes of blocks, strata.
    people : DataFrame
        One row for each randomised participant, shape (n, ...), in the order of `randomisation_order` where every
        participant has one, else of the rows.
    rng : Generator
        Random stream.

    Returns
    -------
    arms : Series of str, shape (n,)
        Permuted blocks of the declared sizes within strata; one block of the whole stratum where no blocks are declared,
        so that sizes follow the ratio.
    blocks : Series of str, shape (n,), or None
        The block of each; None where no blocks are declared.

    Raises
    ------
    InputError
        If some arm got no participant.
    """
    import pandas as pd

    declared = study.allocation
    order = _in_order(people)
    groups = order.groupby(declared.strata, dropna=False, sort=True) if declared.strata else [("all", order)]
    drawn: list[tuple[Hashable, str, str]] = []
    number = 0
    for _, group in groups:
        rows = list(group.index)
        while rows:
            number += 1
            block = _block(study, len(rows), rng)
            # the last block of a stratum breaks off
            own, rows = rows[: len(block)], rows[len(block) :]
            drawn += [(row, arm, f"b{number:03d}") for row, arm in zip(own, block, strict=False)]
    made = pd.DataFrame(drawn, columns=["row", "arm", "block"]).set_index("row").loc[people.index]
    absent = [arm.name for arm in study.arms if not (made["arm"] == arm.name).any()]
    if absent:
        rule = f"{len(people)} are too few for the declared ratio: nobody was drawn into {', '.join(absent)}"
        raise refuse("participants", rule, "take another --seed, or add participants")
    return made["arm"], made["block"] if declared.block_sizes else None


def _in_order(people: pd.DataFrame) -> pd.DataFrame:
    """Return the participants in the order of randomisation."""
    import pandas as pd

    if "randomisation_order" not in people:
        return people
    numbers = pd.to_numeric(people["randomisation_order"], errors="coerce")
    return people if numbers.isna().any() else people.loc[numbers.sort_values(kind="stable").index]


def _block(study: Study, left: int, rng: np.random.Generator) -> list[str]:
    """Return a permuted block; without declared sizes the smallest that holds all who are left."""
    ratio = study.allocation.ratio
    total = sum(ratio.values())
    sizes = study.allocation.block_sizes
    size = int(rng.choice(sizes)) if sizes else -(-left // total) * total
    arms = [arm.name for arm in study.arms for _ in range(ratio[arm.name] * size // total)]
    return [arms[place] for place in rng.permutation(len(arms))]
