"""Measuring shipped models and storing what was found; what is stored already is not done again."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import EffectPriors
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes_calibration.finished_simulations import Finished, fingerprint
from neurotrial.models.bayes_calibration.operating_characteristics import BLOCK, analyse_blocks, operating
from neurotrial.models.bayes_calibration.scenarios import SCENARIOS
from neurotrial.models.bayes_calibration.simulation_based import (
    Ranking,
    SimulationBased,
    calibrate,
    collected,
)
from neurotrial.models.bayes_calibration.stored_results import (
    OPERATING_COLUMNS,
    SBC_COLUMNS,
    generation,
    read_rows,
    replace_rows,
)

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes_calibration.shipped_models import Judged
    from neurotrial.models.bayes_calibration.simulation_based import Sampling

__all__ = ["Run", "measure_calibration", "measure_operating", "n_blocks"]


def _silent(done: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Run:
    """How something is measured.

    Attributes
    ----------
    out : Path
        File that the rows go to.
    simulations : int
        Simulations of a model, or trials of a scenario.
    seed : int
        Root of the random streams.
    executor : Executor
        What works.
    progress : callable
        Told how many simulations, or blocks of trials, are newly done.
    """

    out: Path
    simulations: int
    seed: int = 0
    executor: Executor = field(default_factory=SerialExecutor)
    progress: Callable[[int], None] = _silent


def measure_calibration(
    name: str,
    model: BayesModel,
    sampling: Sampling,
    run: Run,
    *,
    sampler: str,
    chunk: int = 5,
    fresh: bool = False,
) -> SimulationBased:
    """Calibrate a model by simulation and store its rows.

    Parameters
    ----------
    name : str
        Of the model.
    model : BayesModel
        The prototype.
    sampling : callable
        Draws from its posterior.
    run : Run
        Where to, how many, by what. Simulations are kept beside the file, in a folder of the same name with
        ``-simulations``; those that are there are not repeated, as long as model and settings are the same.
    sampler : str
        The sampler's settings in words; they are part of the stored row.
    chunk : int
        Simulations that are given out and kept together.
    fresh : bool
        Forget the simulations that were kept.

    Returns
    -------
    SimulationBased
        Of the first `run.simulations` simulations.
    """
    ranking = Ranking(seed=run.seed)
    settings = f"seed {ranking.seed}; ranked among {ranking.n_draws}; {sampler}"
    key = fingerprint(model, f"{settings}\n{generation()}")
    kept = Finished(run.out.with_name(f"{run.out.stem}-simulations") / f"{name}-{key}.csv")
    if fresh:
        kept.path.unlink(missing_ok=True)
    done = kept.read()
    missing = [number for number in range(run.simulations) if number not in done]
    run.progress(run.simulations - len(missing))
    for found in calibrate(model, sampling, missing, ranking=ranking, executor=run.executor, chunk=chunk):
        kept.add(found)
        done |= {one.number: one for one in found}
        run.progress(len(found))
    result = collected((done[number] for number in range(run.simulations)), ranking)
    rows = result.tidy().assign(model=name, generation=generation(), settings=settings)
    replace_rows(run.out, rows, SBC_COLUMNS, ("model", "generation"))
    return result


def measure_operating(name: str, judged: Judged, run: Run, *, threshold: float = 0.975) -> None:
    """Store the operating characteristics of a model in each of its scenarios under each prior set.

    Parameters
    ----------
    name : str
        Of the model.
    judged : Judged
        Analysis and scenarios.
    run : Run
        Where to, how many, by what; a scenario and prior whose rows are in the file, of as many trials and the same
        settings, is not done again.
    threshold : float
        A benefit is claimed where its posterior probability is above it.
    """
    settings = f"seed {run.seed}; benefit claimed above {threshold:g}"
    versions = generation(exact=judged.exact)
    same = {"model": name, "generation": versions, "settings": settings}
    for scenario in (SCENARIOS[each] for each in judged.scenarios):
        for prior in judged.priors:
            place = {**same, "prior": prior, "scenario": scenario.name}
            if _stored(run, place):
                run.progress(n_blocks(run.simulations))
                continue
            blocks = []
            numbers = list(range(n_blocks(run.simulations)))
            effect = getattr(EffectPriors(), prior)
            for block in analyse_blocks(
                scenario, judged.analysis, effect, numbers, seed=run.seed, executor=run.executor
            ):
                blocks.append(block)
                run.progress(1)
            rows = operating(scenario, blocks, run.simulations, threshold).tidy().assign(**place)
            replace_rows(run.out, rows, OPERATING_COLUMNS, ("model", "prior", "scenario"))


def n_blocks(n_trials: int) -> int:
    """Return the blocks that hold so many trials."""
    return math.ceil(n_trials / BLOCK)


def _stored(run: Run, place: dict[str, str]) -> bool:
    rows: pd.DataFrame = read_rows(run.out, OPERATING_COLUMNS)
    for column, value in {**place, "n_simulations": run.simulations}.items():
        rows = rows[rows[column] == value]
    return len(rows) > 0
