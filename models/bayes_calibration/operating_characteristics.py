"""What a rule that decides by a posterior does in repeated trials whose truth no Bayesian model has made."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special, stats

from neurotrial.bayes_plan import NormalPrior
from neurotrial.errors import refuse
from neurotrial.executors import SerialExecutor
from neurotrial.models.bayes_calibration.generators import simulate_trials

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_calibration.scenarios import Scenario
    from neurotrial.models.bayes_calibration.trial_posteriors import Analysis, TrialPosteriors

__all__ = ["ANY", "BLOCK", "Block", "OperatingCharacteristics", "analyse_blocks", "operating", "share"]

BLOCK = 50
"""Trials that share a random stream: the first blocks are the same however many follow."""

ANY = "any without an effect"
"""Place of a row that counts trials in which a benefit is claimed for any outcome that has none."""

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Block:
    """The analyses of trials of one random stream.

    Attributes
    ----------
    number : int
        From 0.
    truth : ndarray, shape (n_trials, outcomes)
        True difference in means, in true baseline SDs.
    mean, low, high, benefit : ndarray, shape (n_trials, outcomes)
        Posterior means and 95 % limits, likewise, and probabilities of benefit.
    divergences : ndarray of int, shape (n_trials,)
        Transitions that diverged.
    """

    number: int
    truth: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    benefit: FloatArray
    divergences: FloatArray


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """Operating characteristics of an analysis with a decision rule.

    Attributes
    ----------
    table : DataFrame
        As `tidy` returns it.
    """

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return a row for each number.

        Returns
        -------
        DataFrame
            scenario; outcome (1, 2, ...); quantity: ``type_i_error``, ``power`` or ``assurance`` (share of trials in which
            the rule claims a benefit: without an effect, with a fixed one, with one drawn from the design prior),
            ``coverage`` of the 95 % interval, ``bias`` of the posterior mean in baseline SDs; estimate; std_error (Monte
            Carlo); conf_low, conf_high (95 %, Clopper-Pearson, of a bias t); n_simulations; divergent (trials whose fit
            diverged; they count as any other).
        """
        return self.table.copy()


def analyse_blocks(
    scenario: Scenario,
    analysis: Analysis,
    prior: NormalPrior,
    numbers: list[int],
    *,
    seed: int = 0,
    executor: Executor | None = None,
) -> Iterator[Block]:
    """Simulate blocks of `BLOCK` trials and analyse them.

    Parameters
    ----------
    scenario : Scenario
        What is true.
    analysis : callable
        How trials are analysed; picklable where an executor has processes.
    prior : NormalPrior
        Of the effect, in baseline SDs.
    numbers : list of int
        Which blocks.
    seed : int
        Root of the random streams; block i has its own.
    executor : Executor, optional
        What works on the blocks; one after the other by default.

    Yields
    ------
    Block
        As they are done, in any order.

    Raises
    ------
    InputError
        If the analysis has no posterior for such trials.
    """
    at_work = executor or SerialExecutor()
    pending: set[Future[Block]] = set()
    for number in numbers:
        pending.add(at_work.submit(_block, scenario, analysis, prior, seed, number))
        done = {future for future in pending if future.done()}
        pending -= done
        yield from (future.result() for future in done)
    for future in as_completed(pending):
        yield future.result()


def operating(
    scenario: Scenario, blocks: list[Block], n_trials: int, threshold: float = 0.975
) -> OperatingCharacteristics:
    """Return the operating characteristics of claiming a benefit where its probability is above a threshold.

    Parameters
    ----------
    scenario : Scenario
        What was true.
    blocks : list of Block
        With `n_trials` trials or more; what is beyond is left out.
    n_trials : int
        Trials, 2 or more.
    threshold : float
        In (0, 1).

    Returns
    -------
    OperatingCharacteristics

    Raises
    ------
    InputError
        If there are fewer trials, or the threshold is out of its range.

    References
    ----------
    O'Hagan A, Stevens JW, Campbell MJ. Pharm Stat 2005;4:187-201. https://doi.org/10.1002/pst.175
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. https://doi.org/10.1093/biomet/26.4.404
    """
    if not 0 < threshold < 1:
        raise refuse("threshold", f"{threshold:g} is not between 0 and 1", "give a probability, e.g. 0.975")
    ordered = sorted(blocks, key=lambda block: block.number)
    if not 2 <= n_trials <= sum(len(block.truth) for block in ordered):  # noqa: PLR2004 - a standard error needs two
        raise refuse("n_trials", f"{n_trials} is below 2 or more than were simulated", "simulate more blocks")

    def joined(field: str) -> FloatArray:
        return np.concatenate([getattr(block, field) for block in ordered])[:n_trials]

    claimed = joined("benefit") > threshold
    covered = (joined("low") <= joined("truth")) & (joined("truth") <= joined("high"))
    error = joined("mean") - joined("truth")
    divergent = int((joined("divergences") > 0).sum())
    rows: list[dict[str, Any]] = []
    for k in range(claimed.shape[1]):
        name = _claim(scenario, affected=k < scenario.affected)
        rows.append({"outcome": str(k + 1), "quantity": name, **share(claimed[:, k])})
        rows.append({"outcome": str(k + 1), "quantity": "coverage", **share(covered[:, k])})
        rows.append({"outcome": str(k + 1), "quantity": "bias", **_average(error[:, k])})
    if scenario.outcomes > 1 and scenario.affected < scenario.outcomes:
        wrong = claimed[:, scenario.affected :].any(axis=1)
        rows.append({"outcome": ANY, "quantity": "type_i_error", **share(np.asarray(wrong))})
    table = pd.DataFrame(rows).assign(n_simulations=n_trials, divergent=divergent)
    table.insert(0, "scenario", scenario.name)
    return OperatingCharacteristics(table)


def share(hits: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    """Return a share of trials with its Monte Carlo error and exact interval.

    Parameters
    ----------
    hits : ndarray of bool, shape (n_trials,)
        Whether each trial counts.

    Returns
    -------
    dict
        estimate, std_error, conf_low, conf_high (95 %, Clopper-Pearson).
    """
    n, k = len(hits), int(hits.sum())
    tail = (1 - _LEVEL) / 2
    return {
        "estimate": k / n,
        "std_error": float(np.sqrt(k / n * (1 - k / n) / n)),
        "conf_low": float(special.betaincinv(k, n - k + 1, tail)) if k else 0.0,
        "conf_high": float(special.betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0,
    }


def _average(values: FloatArray) -> dict[str, float]:
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = float(stats.t.isf((1 - _LEVEL) / 2, len(values) - 1)) * error
    return {"estimate": mean, "std_error": error, "conf_low": mean - reach, "conf_high": mean + reach}


def _claim(scenario: Scenario, *, affected: bool) -> str:
    """Name the share of trials that claim a benefit."""
    if not affected or scenario.effect == 0:
        return "type_i_error"
    return "assurance" if isinstance(scenario.effect, NormalPrior) else "power"


def _block(scenario: Scenario, analysis: Analysis, prior: NormalPrior, seed: int, number: int) -> Block:
    of_trials, of_sampler = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(2)
    trials = simulate_trials(scenario, BLOCK, of_trials)
    found: TrialPosteriors = analysis(trials, prior, of_sampler)
    sd = trials.sd
    return Block(
        number,
        trials.truth / sd,
        found.mean / sd,
        found.low / sd,
        found.high / sd,
        found.benefit,
        found.divergences.astype("float64"),
    )
