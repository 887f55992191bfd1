"""Power, detectable effect and assurance of an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.models.design_stage.simulated_trials import ANALYSES, Tested, simulate_trials

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["Planning", "assurance", "detectable_effect", "power"]

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Planning:
    """What simulated trials say of a design.

    Attributes
    ----------
    table : DataFrame
        A row for each method: method, quantity (power, detectable_effect or assurance), estimate, std_error (Monte Carlo),
        conf_low, conf_high (of the Monte Carlo error, 95 %), n_simulations.
    assumptions : str
        The design, in words.
    """

    table: pd.DataFrame
    assumptions: str

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


@dataclass(frozen=True, slots=True)
class _Design:
    n: tuple[int, int]
    sd: float
    correlation: float
    dropout: tuple[float, float]
    sd_ratio: float
    alpha: float
    methods: tuple[str, ...]
    n_simulations: int
    seed: Seed

    def tested(self) -> dict[str, Tested]:
        trials = simulate_trials(
            *self.n, correlation=self.correlation, dropout=self.dropout, sd_ratio=self.sd_ratio,
            n_trials=self.n_simulations, seed=self.seed,
        )  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            return {name: ANALYSES[name](trials) for name in self.methods}

    @property
    def words(self) -> str:
        lost = " and ".join(f"{100 * share:g} %" for share in dict.fromkeys(self.dropout))
        spread = f", SD ratio {self.sd_ratio:g}" if self.sd_ratio != 1 else ""
        return (
            f"{self.n[0]} v {self.n[1]} participants, SD {self.sd:g}, correlation of the visits {self.correlation:g}, "
            f"missing {lost}{spread}, two-sided alpha {self.alpha:g}, {self.n_simulations} simulated trials"
        )


def power(
    *,
    n_per_arm: Sequence[int] | Mapping[str, int],
    effect: float,
    sd: float,
    correlation: float = 0.0,
    methods: Sequence[str] = ("ancova_hc3",),
    dropout: float | Sequence[float] = 0.0,
    sd_ratio: float = 1.0,
    alpha: float = 0.05,
    n_simulations: int = 10_000,
    seed: Seed = 0,
) -> Planning:
    """Simulate the power of analyses of one follow-up visit.

    Parameters
    ----------
    n_per_arm : sequence or mapping of int
        Participants of the treated and of the reference arm, in this order; two or more each.
    effect : float
        Difference between the arms at follow-up, in the unit of `sd`.
    sd : float
        Standard deviation at both visits, greater than 0.
    correlation : float
        Of baseline with follow-up, in (-1, 1).
    methods : sequence of str
        Of ancova_ols, ancova_hc3, change_welch, follow_up_welch.
    dropout : float, or two of them
        Chance of a missing follow-up value, in [0, 1); of the treated and the reference arm.
    sd_ratio : float
        SD at follow-up in the treated over that in the reference arm.
    alpha : float
        Two-sided level, in (0, 1).
    n_simulations : int
        Trials, 100 or more.
    seed : int or SeedSequence
        Of the draws.

    Returns
    -------
    Planning
        Share of trials in which each method rejects, with its Monte Carlo error and Wilson interval.

    Raises
    ------
    InputError
        If a number is out of its range or a method is unknown.

    Examples
    --------
    >>> found = power(n_per_arm=(31, 13), effect=0.95, sd=1, methods=["follow_up_welch", "ancova_ols"], correlation=0.7)
    >>> found.tidy()["estimate"].round(1).tolist()
    [0.8, 1.0]
    """
    design = _design(n_per_arm, sd, correlation, methods, dropout, sd_ratio, alpha, n_simulations, seed)
    rows = [
        {"method": name, "quantity": "power", **_share(_rejects(found, effect / sd, alpha), n_simulations)}
        for name, found in design.tested().items()
    ]
    return Planning(pd.DataFrame(rows), f"effect {effect:g}, {design.words}")


def detectable_effect(
    *,
    n_per_arm: Sequence[int] | Mapping[str, int],
    sd: float,
    power: float = 0.8,
    correlation: float = 0.0,
    methods: Sequence[str] = ("ancova_hc3",),
    dropout: float | Sequence[float] = 0.0,
    sd_ratio: float = 1.0,
    alpha: float = 0.05,
    n_simulations: int = 10_000,
    seed: Seed = 0,
) -> Planning:
    """Return the smallest effect that analyses detect with a given power; other arguments as `neurotrial.models.power`.

    Parameters
    ----------
    n_per_arm, sd, correlation, methods, dropout, sd_ratio, alpha, n_simulations, seed
        As `neurotrial.models.power`.
    power : float
        In (alpha, 1).

    Returns
    -------
    Planning
        In the unit of `sd`; the interval is that of the Monte Carlo error of the power, carried over.

    Raises
    ------
    InputError
        As `neurotrial.models.power`.
    """
    from scipy import optimize

    design = _design(n_per_arm, sd, correlation, methods, dropout, sd_ratio, alpha, n_simulations, seed)
    if not alpha < power < 1:
        raise InputError(
            [Problem("power", f"{power:g} is not between alpha and 1", "give a share, e.g. 0.8")]
        )
    wilson = _share(np.arange(n_simulations) < power * n_simulations, n_simulations)
    rows = []
    for name, found in design.tested().items():

        def needed(target: float, own: Tested = found) -> float:
            return float(
                optimize.brentq(
                    lambda d: float(_rejects(own, d, alpha).mean()) - target, 0.0, 50.0, xtol=1e-6
                )
            )

        value, low, high = (
            sd * needed(float(level)) for level in (power, wilson["conf_low"], wilson["conf_high"])
        )
        rows.append(
            {
                "method": name,
                "quantity": "detectable_effect",
                "estimate": value,
                "std_error": (high - low) / (2 * 1.959963984540054),
                "conf_low": low,
                "conf_high": high,
                "n_simulations": n_simulations,
            }
        )
    return Planning(pd.DataFrame(rows), f"power {power:g}, {design.words}")


def assurance(
    *,
    n_per_arm: Sequence[int] | Mapping[str, int],
    effect_mean: float,
    effect_sd: float,
    sd: float,
    correlation: float = 0.0,
    methods: Sequence[str] = ("ancova_hc3",),
    dropout: float | Sequence[float] = 0.0,
    sd_ratio: float = 1.0,
    alpha: float = 0.05,
    n_simulations: int = 10_000,
    seed: Seed = 0,
) -> Planning:
    """Return the chance of a significant benefit if the effect itself is uncertain; others as `neurotrial.models.power`.

    Parameters
    ----------
    n_per_arm, sd, correlation, methods, dropout, sd_ratio, alpha, n_simulations, seed
        As `neurotrial.models.power`.
    effect_mean, effect_sd : float
        Normal prior of the effect, in the unit of `sd`; a benefit has the sign of the mean.

    Returns
    -------
    Planning
        Power averaged over the prior, of rejections in the direction of `effect_mean` [1]_.

    Raises
    ------
    InputError
        As `neurotrial.models.power`; if `effect_sd` is negative.

    References
    ----------
    .. [1] O'Hagan A, Stevens JW, Campbell MJ. Pharm Stat 2005;4:187-201. https://doi.org/10.1002/pst.175
    """
    design = _design(n_per_arm, sd, correlation, methods, dropout, sd_ratio, alpha, n_simulations, seed)
    if not effect_sd >= 0:
        raise InputError([Problem("effect_sd", f"{effect_sd:g} is negative", "give a standard deviation")])
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    rng = np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 1)))
    effects = (effect_mean + effect_sd * rng.standard_normal(n_simulations)) / sd
    sign = 1.0 if effect_mean >= 0 else -1.0
    rows = []
    for name, found in design.tested().items():
        right = _rejects(found, effects, alpha) & (sign * (found.estimate + effects) > 0)
        rows.append({"method": name, "quantity": "assurance", **_share(right, n_simulations)})
    return Planning(pd.DataFrame(rows), f"effect {effect_mean:g} (SD {effect_sd:g}), {design.words}")


def _rejects(found: Tested, effect: float | FloatArray, alpha: float) -> np.ndarray:
    """Say which trials reject; one that leaves nothing to test does not."""
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(found.estimate + effect) / found.std_error
        critical = stats.t.isf(alpha / 2, np.where(found.df > 0, found.df, np.nan))
        return np.asarray(statistic > critical)


def _share(hits: np.ndarray, n: int) -> dict[str, float]:
    from statsmodels.stats.proportion import proportion_confint

    share = float(hits.mean())
    low, high = proportion_confint(int(hits.sum()), n, alpha=1 - _LEVEL, method="wilson")
    return {
        "estimate": share,
        "std_error": float(np.sqrt(share * (1 - share) / n)),
        "conf_low": float(low),
        "conf_high": float(high),
        "n_simulations": n,
    }


def _design(
    n_per_arm: Sequence[int] | Mapping[str, int],
    sd: float,
    correlation: float,
    methods: Sequence[str],
    dropout: float | Sequence[float],
    sd_ratio: float,
    alpha: float,
    n_simulations: int,
    seed: Seed,
) -> _Design:
    sizes = tuple(n_per_arm.values()) if isinstance(n_per_arm, Mapping) else tuple(n_per_arm)
    lost = (dropout, dropout) if isinstance(dropout, int | float) else tuple(dropout)
    wrong = {
        "n_per_arm": len(sizes) != 2 or any(size < 2 for size in sizes),  # noqa: PLR2004 - two arms, two people each
        "sd": not sd > 0,
        "correlation": not -1 < correlation < 1,
        "dropout": len(lost) != 2 or not all(0 <= share < 1 for share in lost),  # noqa: PLR2004
        "sd_ratio": not sd_ratio > 0,
        "alpha": not 0 < alpha < 1,
        "n_simulations": n_simulations < 100,  # noqa: PLR2004
        "methods": not methods or any(name not in ANALYSES for name in methods),
    }
    remedies = {
        "n_per_arm": "give the participants of the treated and of the reference arm, two or more each",
        "sd": "give a number above 0",
        "correlation": "give a number between -1 and 1",
        "dropout": "give shares from 0 to below 1, one or one for each arm",
        "sd_ratio": "give a number above 0",
        "alpha": "give a share, e.g. 0.05",
        "n_simulations": "use 100 or more, 10000 for reports",
        "methods": f"use: {', '.join(ANALYSES)}",
    }
    given = {"n_per_arm": n_per_arm, "sd": sd, "correlation": correlation, "dropout": dropout, "sd_ratio": sd_ratio,
             "alpha": alpha, "n_simulations": n_simulations, "methods": list(methods)}  # fmt: skip
    problems = [
        Problem(name, f"{given[name]!r} is out of range", remedies[name])
        for name, bad in wrong.items()
        if bad
    ]
    if problems:
        raise InputError(problems)
    return _Design(
        (sizes[0], sizes[1]),
        sd,
        correlation,
        (lost[0], lost[1]),
        sd_ratio,
        alpha,
        tuple(methods),
        n_simulations,
        seed,
    )
