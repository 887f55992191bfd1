"""What an interaction test says, in sentences that rest on nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.models.sentences import format_p

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["level_sentence", "number_sentence"]

_TWO = 2
_WITHIN = (
    "Effects within levels are not tested: an interval that excludes 0 in one level and not in another is no difference "
    "between them."
)
_ALONG = "Intervals along the values are pointwise and not tested."
_GIVEN = "Doses are not randomised: those who got more may differ from those who got less."


def level_sentence(
    table: pd.DataFrame, by: str, conf_level: float, examined: int, labels: Mapping[str, str]
) -> str:
    """Return the verdict on a category for each contrast; arguments as `SubgroupEffects.sentence`."""
    parts = []
    for contrast in _contrasts(table):
        own = table[table["contrast"] == contrast]
        differences = own[own["method"] == "subgroup_difference"]
        shown = ""
        if len(differences) == 1 and differences["status"].item() == "ok":
            row = differences.iloc[0]
            shown = f"effect in {row['level'].replace(' - ', ' less that in ')} {_interval(row, conf_level)}"
        verdict = "the effect is the same in all levels"
        parts.append(_verdict(own, f"{labels.get(contrast, contrast)} by {by}", shown, verdict, conf_level))
    return " ".join([*parts, _WITHIN, _multiplicity(table, examined, conf_level)])


def number_sentence(
    table: pd.DataFrame,
    by: str,
    conf_level: float,
    examined: int,
    labels: Mapping[str, str],
    *,
    per: str,
    dose: bool,
) -> str:
    """Return the verdict on a number for each contrast; `per` is the step of the slope in words."""
    parts = []
    for contrast in _contrasts(table):
        own = table[table["contrast"] == contrast]
        slope = own[(own["method"] == "effect_slope") & (own["status"] == "ok")]
        shown = f"change of the effect per {per} {_interval(slope.iloc[0], conf_level)}" if len(slope) else ""
        parts.append(
            _verdict(
                own,
                f"{labels.get(contrast, contrast)} by {by}",
                shown,
                "the effect is the same throughout",
                conf_level,
            )
        )
    said = [_ALONG, *([_GIVEN] if dose else [])]
    return " ".join([*parts, *said, _multiplicity(table, examined, conf_level)])


def _contrasts(table: pd.DataFrame) -> Iterable[str]:
    return dict.fromkeys(table["contrast"])


def _verdict(own: pd.DataFrame, about: str, shown: str, null: str, conf_level: float) -> str:
    row = own[own["method"] == "interaction"].iloc[0]
    if row["status"] == "failed":
        return f"{about}: no interaction test ({row['reason']})."
    level = round(1 - conf_level, 12)
    test = f"F({row['num_df']:g}, {row['df']:g}) = {row['statistic']:.2f}, {format_p(row['p_value'], level)}"
    said = (
        f"rejects at {level:g} that {null}"
        if row["p_value"] <= level
        else f"does not reject that {null}, nor show it"
    )
    note = f" ({row['reason']})" if row["reason"] else ""
    return f"{about}: the interaction test ({test}) {said}{note}{'; ' if shown else ''}{shown}."


def _interval(row: pd.Series, conf_level: float) -> str:
    low, high, value = (_number(row[name]) for name in ("conf_low", "conf_high", "estimate"))
    return f"{value} ({100 * conf_level:.4g} % CI {low} to {high})"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _multiplicity(table: pd.DataFrame, examined: int, conf_level: float) -> str:
    if examined < 1:
        raise refuse("examined", f"{examined} analyses do not hold this one", "count this one too")
    level = round(1 - conf_level, 12)
    tests = examined * len(list(_contrasts(table)))
    count = "The only subgroup analysis" if examined == 1 else f"One of {examined} subgroup analyses"
    if tests == 1:
        return f"{count} that was examined."
    return (
        f"{count} that {'was' if examined == 1 else 'were'} examined; the {tests} interaction tests are not adjusted for "
        f"multiplicity, and {tests * level:.3g} of them would be expected below {level:g} if no effect differed."
    )
