"""What can be chosen when outcomes are imputed, and what the choices are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.missing_data.completed_fits import ANALYSES
from neurotrial.models.missing_data.strategies import STRATEGIES

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["METHOD_SLUGS", "Method", "check_choices", "check_reference", "deltas_of", "method_slug"]

Method = Literal["conditional-mean", "bayes", "bootstrap"]

METHOD_SLUGS: dict[str, tuple[str, str]] = {
    "conditional-mean": (
        "cm",
        "jackknife of the whole procedure (of repeated sampling, not information-anchored)",
    ),
    "bayes": ("bayes", "Rubin's rules over posterior draws (information-anchored)"),
    "bootstrap": ("boot", "Rubin's rules over bootstrap fits (approximate Bayes, information-anchored)"),
}
"""The end of each method's slug, and the variance that it shows."""

_FEWEST = 2


def method_slug(strategy: str, method: str) -> str:
    """Return the slug of an estimator, e.g. ``"impute_j2r_cm"``."""
    return f"impute_{strategy.lower()}_{METHOD_SLUGS[method][0]}"


def check_choices(analysis: str, strategy: str, method: str, interval: str, n_imputations: int) -> None:
    """Refuse choices that are unknown.

    Raises
    ------
    InputError
        With all of them.
    """
    wanted = {
        "analysis": (analysis, ANALYSES),
        "strategy": (strategy, STRATEGIES),
        "method": (method, tuple(METHOD_SLUGS)),
        "interval": (interval, ("t", "normal")),
    }
    problems = [
        Problem(name, f"{given!r} is unknown", f"use one of: {', '.join(known)}")
        for name, (given, known) in wanted.items()
        if given not in known
    ]
    if n_imputations < _FEWEST:
        problems.append(
            Problem("n_imputations", f"{n_imputations} is too few", "use 2 or more, 100 for reports")
        )
    if problems:
        raise InputError(problems)


def check_reference(data: pd.DataFrame, arm: str, strategy: str, reference: str | None) -> None:
    """Refuse a reference-based strategy whose reference arm is not declared.

    Raises
    ------
    InputError
        If the alphabet would have to choose it.
    """
    declared = reference is not None or (arm in data and hasattr(data[arm], "cat"))
    if strategy in {"J2R", "CR", "CIR"} and not declared:
        arms = ", ".join(sorted(data[arm].dropna().astype("str").unique())) if arm in data else ""
        remedy = f"name it: reference=..., one of: {arms}"
        raise refuse("reference", f"{strategy} imputes from a reference arm, and none is declared", remedy)


def deltas_of(delta: float | Mapping[str, float] | None, arms: tuple[str, ...]) -> FloatArray:
    """Return what is added to the imputed values of each arm, shape (n_arms,).

    Raises
    ------
    InputError
        If a name is no arm, or a number is not finite.
    """
    if delta is None:
        return np.zeros(len(arms))
    named = dict(delta) if isinstance(delta, Mapping) else dict.fromkeys(arms[1:], float(delta))
    unknown = [str(name) for name in named if name not in arms]
    if unknown:
        raise refuse("delta", f"{unknown[0]!r} is no arm", f"use: {', '.join(arms)}")
    values = np.array([float(named.get(name, 0.0)) for name in arms])
    if not np.isfinite(values).all():
        raise refuse("delta", "must be finite", "give numbers in the unit of the outcome")
    return values
