"""The completed data sets of each method: one with its jackknife, or many draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.missing_data.conditional import completed
from neurotrial.models.missing_data.gaussian import Gaussian, Parameters
from neurotrial.models.missing_data.posterior import posterior_draws

if TYPE_CHECKING:
    from neurotrial.models.missing_data.layout import Layout
    from neurotrial.models.missing_data.strategies import Strategy
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["Replicates", "replicates"]

_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Replicates:
    """Completed data sets.

    Attributes
    ----------
    fitted : Parameters
        Of everybody, in one cell.
    values : array of float, shape (n_cells, n, T)
        Completed outcomes: of the draws; or of everybody, then without each participant in turn.
    baselines : array of float, shape (n_cells or 1, n)
        Baselines.
    weights : array of float, shape (1 + n, n), or None
        Who counts in each cell of the jackknife; None for draws.
    decisions : tuple of str
        What should be known.
    """

    fitted: Parameters
    values: FloatArray
    baselines: FloatArray
    weights: FloatArray | None
    decisions: tuple[str, ...]

    @property
    def completions(self) -> FloatArray:
        """The completed outcomes of everybody, shape (n_imputations, n, T)."""
        return self.values if self.weights is None else self.values[:1]


def replicates(
    table: Layout, model: Gaussian, strategy: Strategy, method: str, n_imputations: int, seed: Seed
) -> Replicates:
    """Fit the imputation model as the method wants it, and complete the data.

    Parameters
    ----------
    table : Layout
        Participants by visits.
    model : Gaussian
        The imputation model.
    strategy : {"MAR", "J2R", "CR", "CIR", "LMCF"}
        What is assumed after an event.
    method : {"conditional-mean", "bayes", "bootstrap"}
        How parameters and missing values vary.
    n_imputations : int
        For draws.
    seed : int or SeedSequence
        For draws.

    Raises
    ------
    InputError
        If the model cannot be fitted, for the jackknife without each participant in turn.
    """
    _check_carried(table, model, strategy)
    whole = model.fit()
    if whole.reasons[0]:
        raise refuse("imputation model", whole.reasons[0], "leave out covariates, or visits that few have")
    if method == "conditional-mean":
        return _jackknife(table, model, strategy, whole)
    rng = np.random.default_rng(seed)
    said: tuple[str, ...] = ()
    if method == "bayes":
        drawn = posterior_draws(model, whole, n_imputations, rng)
    else:
        drawn, said = _bootstrap(table, model, n_imputations, rng)
    noise = rng.standard_normal((n_imputations, *model.y.shape))
    values, baselines = _split(table, model, completed(model, drawn, strategy, noise))
    return Replicates(whole, values, baselines, None, said)


def _check_carried(table: Layout, model: Gaussian, strategy: Strategy) -> None:
    first = model.affected == 0
    if strategy == "LMCF" and first.any() and model.baseline_slopes is None:
        rows = tuple(table.people[table.subject][first].astype("str"))
        rule = f"LMCF has no mean to carry forward: an event affects the first visit, {table.visits[0]!r}"
        raise refuse(
            "events", rule, "give the baseline as a visit of the outcome, or use another strategy", rows
        )


def _jackknife(table: Layout, model: Gaussian, strategy: Strategy, whole: Parameters) -> Replicates:
    n = len(model.y)
    weights = np.vstack([np.ones(n), 1 - np.eye(n)])
    found = model.fit(weights.T)
    failed = [number for number, reason in enumerate(found.reasons[1:]) if reason]
    if failed:
        names = table.people[table.subject].astype("str").to_numpy()[failed]
        rows = tuple(f"{name}: {found.reasons[1 + k]}" for name, k in zip(names, failed, strict=True))
        rule = "the jackknife cannot fit the model without these participants"
        remedy = 'leave out covariates or visits that few have, or use method="bayes"'
        raise refuse("imputation model", rule, remedy, rows)
    values, baselines = _split(table, model, completed(model, found, strategy))
    return Replicates(whole, values, baselines, weights, ())


def _bootstrap(
    table: Layout, model: Gaussian, n_draws: int, rng: np.random.Generator
) -> tuple[Parameters, tuple[str, ...]]:
    """Fit bootstrap samples, stratified by arm; a sample that cannot be fitted is drawn again, and counted."""
    kept: list[Parameters] = []
    wanted, failed = n_draws, 0
    for _ in range(_ROUNDS):
        found = model.fit(_resampled(table.arm, wanted, rng))
        good = np.array([not reason for reason in found.reasons])
        kept.append(Parameters(found.coefficients[good], found.covariance[good], ("",) * int(good.sum())))
        wanted -= int(good.sum())
        failed += int((~good).sum())
        if not wanted:
            break
    else:
        rule = f"{failed} of {failed + n_draws - wanted} bootstrap samples could not be fitted"
        raise refuse("imputation model", rule, 'use method="bayes", or leave out covariates')
    drawn = Parameters(
        np.concatenate([part.coefficients for part in kept]),
        np.concatenate([part.covariance for part in kept]),
        ("",) * n_draws,
    )
    said = f"{failed} bootstrap samples that could not be fitted were drawn again"
    return drawn, (said,) if failed else ()


def _resampled(arm: np.ndarray, n_draws: int, rng: np.random.Generator) -> FloatArray:
    """Return how often each participant is drawn, shape (n, n_draws)."""
    counts = np.zeros((len(arm), n_draws))
    for number in np.unique(arm):
        people = np.flatnonzero(arm == number)
        share = np.full(people.size, 1 / people.size)
        counts[people] = rng.multinomial(people.size, share, size=n_draws).T
    return counts


def _split(table: Layout, model: Gaussian, filled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return completed outcomes and baselines."""
    if model.joint:
        return filled[:, :, 1:], filled[:, :, 0]
    return filled, table.baseline[None]
