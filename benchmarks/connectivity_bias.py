"""Bias of correlations between cleaned series, by retained volumes: Pearson beside the shrunken estimate that nilearn gives by default.

Run from the top folder: ``python benchmarks/connectivity_bias.py [scans]``, some ten minutes on one core with ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1`` before
it. Each simulated scan has 12 nodes with a population correlation of 0.4, flat between 0.01 and 0.1 Hz, and a head that moves; what the regressors of
its strategy can explain is added to every node, and something large to the volumes that are left out. It ends where the wanted number of volumes is
retained. The truth is the population correlation: r of a finite scan lies below it by about ``r (1 - r^2) / (2 (effective_df - 1))``. A table is printed
and nothing is judged.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from nilearn.connectome import ConnectivityMeasure

from neurotrial.extract.cleaning.censoring import Censoring, censored_volumes
from neurotrial.extract.cleaning.left_over import Least
from neurotrial.extract.cleaning.operator import CleaningOperator, cleaning_operator
from neurotrial.extract.cleaning.strategies import regressors
from neurotrial.extract.cleaning.temporal import Band
from neurotrial.simulation.bold import node_signals
from neurotrial.simulation.confounds import confounds_table
from neurotrial.simulation.motion import CALM, RESTLESS, MotionSettings, random_motion
from neurotrial.simulation.protocols import BoldProtocol, Grid

SCANS = 500
DRAWS = 24
"""Draws of the node series that share the motion of a scan."""
NODES, TRUTH = 12, 0.4
RETAINED = (60, 90, 120, 200, 300, 400)
CENSORING = Censoring(fd_threshold=0.5)
MOTION: dict[str, MotionSettings] = {"restless": RESTLESS, "calm": CALM}
DESIGNS = (
    ("restless", "6p", 2.0),
    ("restless", "24p", 2.0),
    ("calm", "6p", 2.0),
    ("calm", "24p", 2.0),
    ("calm", "6p", 3.0),
)
"""Motion, strategy and repetition time in s."""
HEADS = (
    "motion", "strategy", "TR (s)", "retained", "recorded", "effective df", "bias of r (95 %)", "expected", "bias of shrunken r (95 %)", "ratio",
    "bias of z (95 %)", "SD of z", "1/sqrt(df - 3)",
)  # fmt: skip
EDGES = np.triu_indices(NODES, 1)
CORRELATION = np.kron(np.eye(DRAWS), np.full((NODES, NODES), TRUTH) + (1 - TRUTH) * np.eye(NODES))


class Case(NamedTuple):
    """One line of the table."""

    motion: str
    strategy: str
    t_r: float
    retained: int


class Measured(NamedTuple):
    """What one scan gives: means over edges and draws, and over them the mean square of z about its truth."""

    volumes: float
    effective_df: float
    r: float
    shrunken: float
    z: float
    spread: float


def cases() -> Iterator[Case]:
    """Yield the lines of the table."""
    for design in DESIGNS:
        yield from (Case(*design, retained) for retained in RETAINED)


def confounds(case: Case, rng: np.random.Generator) -> Any:
    """Return the confounds of a scan that ends with the wanted number of retained volumes; of a head that never lies still, another's."""
    longest = 4 * case.retained + 100
    protocol = BoldProtocol(Grid((1, 1, 1), 1.0, (0.0, 0.0, 0.0)), n_volumes=longest, t_r=case.t_r)
    kept = np.empty(0, dtype=int)
    while kept.size < case.retained:
        table = confounds_table(random_motion(protocol, rng, MOTION[case.motion]))
        kept = np.flatnonzero(~censored_volumes(table, CENSORING))
    return table.iloc[: kept[case.retained - 1] + 1]


def recordings(table: Any, operator: CleaningOperator, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the node series of a scan, shape (n_volumes, DRAWS x NODES)."""
    latent = node_signals(CORRELATION, len(table), operator.t_r, rng)
    known = regressors(table, operator.strategy, ~operator.censored).to_numpy()
    known = (known - known.mean(axis=0)) / known.std(axis=0)
    leak = known @ rng.normal(0, 0.5, (known.shape[1], latent.shape[1]))
    return latent + leak + operator.censored[:, None] * rng.normal(0, 20, latent.shape)


def measured(case: Case, seed: int) -> Measured:
    """Simulate, clean and measure one scan."""
    rng = np.random.default_rng([20270101, seed, *map(int, case[2:]), DESIGNS.index(case[:3])])
    table = confounds(case, rng)
    operator = cleaning_operator(
        table,
        strategy=case.strategy,
        band=Band(case.t_r),
        censoring=CENSORING,
        least=Least(effective_df=0.0),
    )
    parts = np.split(operator.apply(recordings(table, operator, rng)), DRAWS, axis=1)
    r = np.array([np.corrcoef(part, rowvar=False)[EDGES] for part in parts])
    by_nilearn = ConnectivityMeasure(kind="correlation", standardize="zscore_sample").fit_transform(parts)
    z = np.arctanh(r)
    spread = ((z - np.arctanh(TRUTH)) ** 2).mean()
    return Measured(
        len(table), operator.effective_df, r.mean(), by_nilearn[:, *EDGES].mean(), z.mean(), spread
    )


def bias(values: np.ndarray, truth: float) -> tuple[float, float]:
    """Return the bias and half of its 95 % Monte Carlo interval."""
    return float(values.mean() - truth), float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def line(case: Case, scans: int) -> str:
    """Return a line of the table."""
    found = Measured(*np.array([measured(case, seed) for seed in range(scans)]).T)  # type: ignore[arg-type]
    df = np.asarray(found.effective_df)
    r, shrunken, z = (
        bias(np.asarray(values), truth)
        for values, truth in (
            (found.r, TRUTH),
            (found.shrunken, TRUTH),
            (found.z, np.arctanh(TRUTH)),
        )
    )
    expected = -TRUTH * (1 - TRUTH**2) / 2 * (1 / (df - 1)).mean()
    cells = (
        *case, f"{np.mean(found.volumes):.0f}", f"{df.mean():.1f}", said(r), f"{expected:+.4f}", said(shrunken), f"{abs(r[0] / shrunken[0]):.2f}",
        said(z), f"{np.sqrt(np.mean(found.spread) - z[0] ** 2):.3f}", f"{np.sqrt((1 / np.maximum(df - 3, 0.1)).mean()):.3f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def said(estimate: tuple[float, float]) -> str:
    """Return a bias with its interval as text."""
    return f"{estimate[0]:+.4f} ± {estimate[1]:.4f}"


def main(scans: int) -> None:
    """Print one line for each case."""
    print(
        f"simulated: {scans} scans of {DRAWS} draws a line, r = {TRUTH}, 0.01-0.1 Hz, volumes above 0.5 mm left out"
    )
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for case in cases():
        print(line(case, scans), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCANS)
