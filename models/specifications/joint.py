"""Joint inference over specifications: what they would show together, were the treatment without any effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from neurotrial.models.randomisation.relabelling import p_value, reached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neurotrial.models.specifications.linear_cell import LinearCell, Tests
    from neurotrial.models.student import FloatArray

__all__ = ["Curves", "joint_rows", "relabelled_curves"]

_SMALLEST = 1e-300


@dataclass(frozen=True)
class Curves:
    """The statistics of whole specification curves, one for each labelling.

    Attributes
    ----------
    median, share, stouffer : array of float, shape (n_labellings,)
        Median effect in baseline SDs; largest share of specifications that are significant in one direction; Stouffer's z.
    """

    median: FloatArray
    share: FloatArray
    stouffer: FloatArray

    def part(self, chosen: slice) -> Curves:
        """Return some of the labellings."""
        return Curves(self.median[chosen], self.share[chosen], self.stouffer[chosen])


def relabelled_curves(
    cells: Sequence[LinearCell], scales: Sequence[float], labels: np.ndarray, alpha: float
) -> Curves:
    """Fit every specification under every labelling.

    Parameters
    ----------
    cells : sequence of LinearCell
        The specifications.
    scales : sequence of float
        What an estimate is multiplied by to be in baseline SDs with a benefit above 0.
    labels : array of bool, shape (n_labellings, n)
        Of all randomised.
    alpha : float
        Two-sided level of significance.
    """
    n, total = len(cells), len(labels)
    effects = np.empty((n, total))
    positive, negative, sums = (np.zeros(total) for _ in range(3))
    for place, tests in _tested(cells, labels):
        scale = scales[place]
        lost = ~np.isfinite(tests.p_value)
        effects[place] = np.where(lost, 0.0, tests.estimate * scale)
        sign = np.where(lost, 0.0, np.sign(tests.estimate * scale))
        p = np.where(lost, 1.0, tests.p_value)
        positive += (p < alpha) & (sign > 0)
        negative += (p < alpha) & (sign < 0)
        sums += sign * -special.ndtri(np.maximum(p, _SMALLEST) / 2)
    return Curves(np.median(effects, axis=0), np.maximum(positive, negative) / n, sums / np.sqrt(n))


def _tested(cells: Sequence[LinearCell], labels: np.ndarray) -> Iterator[tuple[int, Tests]]:
    """Yield the tests of each cell; labels are residualised once for all cells with the same adjustment."""
    groups: dict[int, list[int]] = {}
    for place, cell in enumerate(cells):
        groups.setdefault(id(cell.shared), []).append(place)
    for places in groups.values():
        shared = cells[places[0]].shared
        needed = any(cells[place].errors != "welch" for place in places)
        residualised = shared.labels(labels) if needed else None
        for place in places:
            yield place, cells[place].tests(labels, residualised)


def joint_rows(
    observed: Curves, redrawn: Curves, *, exact: bool, words: Mapping[str, int | str]
) -> pd.DataFrame:
    """Return statistic, observed value, median and 95 % range under the sharp null, p and its Monte Carlo error.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214. https://doi.org/10.1038/s41562-020-0912-z
    """
    rows = []
    for name in ("median", "share", "stouffer"):
        value, under = float(getattr(observed, name)[0]), getattr(redrawn, name)
        p, error = p_value(reached(under, value), exact=exact)
        low, middle, high = np.quantile(under, (0.025, 0.5, 0.975))
        rows.append(
            {
                "statistic": name,
                "observed": value,
                "null_low": float(low),
                "null_median": float(middle),
                "null_high": float(high),
                "p_value": p,
                "mc_error": error,
                **words,
            }
        )
    return pd.DataFrame(rows)
