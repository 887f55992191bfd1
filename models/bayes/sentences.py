"""One sentence on what the posteriors of an effect say under each prior."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from neurotrial.bayes_plan import BAYES_METHODS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_bayesian", "posterior_sentence"]

_LABELS = {
    "bayes_ancova": "Bayesian ANCOVA",
    "bayes_group_time": "Bayesian group × time",
    "bayes_bounded": "Bayesian bounded score",
    "bayes_outcomes": "Bayesian hierarchical model",
}
_SLUGS = {
    slug: (kind, slug.removeprefix(f"{kind}_")) for kind, slugs in BAYES_METHODS.items() for slug in slugs
}
_SURE = 0.999


def is_bayesian(method: str) -> bool:
    """Tell whether a slug of `estimates` is that of a Bayesian fit."""
    return method in _SLUGS


def posterior_sentence(rows: pd.DataFrame, arm: str) -> str:
    """Return the probability that an arm does better, under each prior.

    Parameters
    ----------
    rows : DataFrame
        Columns of `neurotrial.models.tidy`, of one contrast; rows of other methods are not read.
    arm : str
        The arm that is compared with the reference.

    Returns
    -------
    str
        A sentence, empty where there is no Bayesian row.
    """
    found: dict[str, list[str]] = {}
    for row in rows[rows["method"].map(is_bayesian)].to_dict("records"):
        kind, prior = _SLUGS[row["method"]]
        found.setdefault(kind, []).append(f"{_chance(row)} ({prior} prior)")
    if not found:
        return ""
    parts = (f"by the {_LABELS[kind]} it is {', '.join(chances)}" for kind, chances in found.items())
    return f"The posterior probability that {arm} does better: {'; '.join(parts)}."


def _chance(row: Mapping[Hashable, Any]) -> str:
    value = float(row["probability_benefit"])
    if row["status"] == "failed":
        return "not known"
    if value > _SURE:
        return f"> {_SURE:g}"
    return f"< {1 - _SURE:.3f}" if value < 1 - _SURE else f"{value:.2f}"
