"""What an interaction test says, in sentences that rest on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.models.sentences import format_p

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALONG", "GIVEN", "WITHIN", "level_verdict", "multiplicity_sentence", "number_verdict"]

WITHIN = (
    "Effects within levels are not tested: an interval that excludes 0 in one level and not in another is no difference "
    "between them."
)
ALONG = "Intervals along a number are pointwise and not tested."
GIVEN = "Doses are not randomised: those who got more may differ from those who got less."


def level_verdict(table: pd.DataFrame, by: str, conf_level: float, labels: Mapping[str, str]) -> str:
    """Say what the interaction test of a category says, a sentence for each contrast.

    Parameters
    ----------
    table : DataFrame
        As `SubgroupEffects.table`.
    by : str
        What readers call the category.
    conf_level : float
        In (0, 1).
    labels : mapping of str to str
        What readers call the contrasts.
    """
    parts = []
    for contrast, own in table.groupby("contrast", sort=False):
        differences = own[(own["method"] == "subgroup_difference") & (own["status"] == "ok")]
        shown = ""
        if len(differences) == 1:
            row = differences.iloc[0]
            second, _, first = row["level"].partition(" - ")
            shown = f"effect in {second} less that in {first} {_interval(row, conf_level)}"
        about = f"{labels.get(str(contrast), contrast)} by {by}"
        parts.append(_verdict(own, about, shown, "in all levels", conf_level))
    return " ".join(parts)


def number_verdict(
    table: pd.DataFrame, by: str, conf_level: float, labels: Mapping[str, str], per: str
) -> str:
    """Say what the interaction test of a number says; `per` is the step of the slope in words, the others as `level_verdict`."""
    parts = []
    for contrast, own in table.groupby("contrast", sort=False):
        slope = own[(own["method"] == "effect_slope") & (own["status"] == "ok")]
        shown = f"change of the effect per {per} {_interval(slope.iloc[0], conf_level)}" if len(slope) else ""
        about = f"{labels.get(str(contrast), contrast)} by {by}"
        parts.append(_verdict(own, about, shown, "throughout", conf_level))
    return " ".join(parts)


def multiplicity_sentence(examined: int, tests: int, conf_level: float) -> str:
    """Say how many subgroup analyses there were and what chance alone would make of their tests.

    Raises
    ------
    InputError
        If there were none.
    """
    if examined < 1:
        raise refuse("examined", f"{examined} analyses do not hold this one", "count this one too")
    level = round(1 - conf_level, 12)
    count = (
        "One subgroup analysis was examined"
        if examined == 1
        else f"In all, {examined} subgroup analyses were examined"
    )
    if tests <= 1:
        return f"{count}."
    return (
        f"{count}; their {tests} interaction tests are not adjusted for multiplicity, and {tests * level:.3g} of them would be "
        f"expected below {level:g} if no effect differed."
    )


def _verdict(own: pd.DataFrame, about: str, shown: str, where: str, conf_level: float) -> str:
    row = own[own["method"] == "interaction"].iloc[0]
    if row["status"] == "failed":
        return f"{about}: no interaction test ({row['reason']})."
    level = round(1 - conf_level, 12)
    test = f"F({row['num_df']:g}, {row['df']:g}) = {row['statistic']:.2f}, {format_p(row['p_value'], level)}"
    said = (
        f"rejects at {level:g} that the effect is the same {where}"
        if row["p_value"] <= level
        else f"finds no difference beyond chance, which does not show that the effect is the same {where}"
    )
    note = f" ({row['reason']})" if row["reason"] else ""
    return f"{about}: the interaction test ({test}) {said}{note}{'; ' if shown else ''}{shown}."


def _interval(row: pd.Series, conf_level: float) -> str:
    low, high, value = (_number(row[name]) for name in ("conf_low", "conf_high", "estimate"))
    return f"{value} ({100 * conf_level:.4g} % CI {low} to {high})"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
