"""Draws as evidence needs them: thinned evenly over the chains, flattened, and with a name for each target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters, Target

__all__ = ["flattened", "target_name", "thinned"]


def thinned(drawn: Parameters, most: int) -> dict[str, FloatArray]:
    """Return evenly spaced draws of each chain.

    Parameters
    ----------
    drawn : mapping of str to ndarray, shape (chains, draws, ...)
        At least one.
    most : int
        Draws in all that may be kept, at least one a chain.

    Returns
    -------
    dict of str to ndarray, shape (chains, kept, ...)
    """
    chains, length = next(iter(drawn.values())).shape[:2]
    kept = np.linspace(0, length - 1, min(length, most // chains)).astype(int)
    return {name: values[:, kept] for name, values in drawn.items()}


def flattened(drawn: Parameters) -> dict[str, FloatArray]:
    """Return draws with one chain after the other, shape (chains * draws, ...), from (chains, draws, ...)."""
    return {
        # -1 would not do where a parameter has no elements
        name: values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])
        for name, values in drawn.items()
    }


def target_name(target: Target) -> str:
    """Return what tells a target from the others of its model, e.g. ``"arm: cells - control @ day90"``."""
    name = f"{target.term}: {target.contrast}"
    name += f" @ {target.visit}" if target.visit else ""
    name += f" of {target.outcome}" if target.outcome else ""
    return name + (f" [{target.unit}]" if target.unit else "")
