"""What would change the conclusion, in sentences made from the table of the standard sensitivity set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.models.sensitivity_variations.association_e_values import confounded

if TYPE_CHECKING:
    from neurotrial.study import Analysis, Outcome, Study

__all__ = ["UNCOUNTED", "change_statements", "counted"]

UNCOUNTED = ("main", "tipping", "confounding")
"""Groups whose rows are no variations that agree or do not."""
_MOST_NAMED = 5
_KINDS = {"significance": "Significance changes", "direction": "Direction changes"}


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the variations that agree with the main analysis or do not: computed, and not its very numbers again."""
    usable = (rows["status"] == "ok") & rows["conclusion"].isin(["same", *_KINDS])
    return rows[usable & ~rows["group"].isin(UNCOUNTED)]


def change_statements(study: Study, table: pd.DataFrame) -> list[dict[str, str]]:
    """Return rows of the results table `statements`: one for each varied outcome, one for all, one for each E-value.

    Parameters
    ----------
    study : Study
        The plan.
    table : DataFrame
        The results table `sensitivity`; may be empty.
    """
    if table.empty:
        return []
    made = [{"key": "what_would_change", "statement": _overall(table)}]
    for analysis in study.analyses:
        for name in study.estimand_of(analysis).outcomes:
            rows = table[(table["analysis"] == analysis.name) & (table["outcome"] == name)]
            rows = rows[rows["group"] != "confounding"]
            if not rows.empty:
                made.append(_statement(study, analysis, study.outcome(name), rows))
    return [*made, *_e_values(study, table)]


def _overall(table: pd.DataFrame) -> str:
    own = counted(table)
    n = int((table["group"] == "main").sum())
    main = "one main comparison" if n == 1 else f"{n} main comparisons"
    same, of = int((own["conclusion"] == "same").sum()), len(own)
    changed = ", ".join(f"{int((own['conclusion'] == kind).sum())} change the {kind}" for kind in _KINDS)
    return f"Of {of} variations of {main}, {same} agree with them in direction and significance; {changed}."


def _statement(study: Study, analysis: Analysis, outcome: Outcome, rows: pd.DataFrame) -> dict[str, str]:
    key = f"{analysis.name}/{outcome.name}/{study.population_of(analysis).name}/what_would_change"
    contrasts = list(dict.fromkeys(rows["contrast"]))
    labels = {arm.name: arm.label for arm in study.arms}
    parts = []
    for contrast in contrasts:
        names = " minus ".join(labels.get(part, part) for part in contrast.split(" - "))
        words = _of_contrast(rows[rows["contrast"] == contrast], outcome)
        parts.append(f"{names}: {words}" if len(contrasts) > 1 else words)
    return {"key": key, "statement": " ".join(parts)}


def _of_contrast(rows: pd.DataFrame, outcome: Outcome) -> str:
    own = counted(rows)
    same = int((own["conclusion"] == "same").sum())
    first = f"{same} of {len(own)} variations agree with the main analysis in direction and significance."
    if own.empty:
        first = "No variation can be held against the main analysis."
    return " ".join([first, *_changes(own), *_tipping(rows, outcome)])


def _changes(own: pd.DataFrame) -> Iterator[str]:
    for kind, words in _KINDS.items():
        found = own.loc[own["conclusion"] == kind, "description"].tolist()
        if found:
            more = len(found) - _MOST_NAMED
            named = "; ".join(found[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
            yield f"{words}: {named}."


def _tipping(rows: pd.DataFrame, outcome: Outcome) -> Iterator[str]:
    found = rows[rows["group"] == "tipping"]
    for row in found[found["status"] == "ok"].to_dict("records"):
        if pd.isna(row["delta"]):
            yield f"Tipping point: {row['description']}."
        else:
            yield f"Tipping point: {row['description']}, by {_signed(row['delta'])} {outcome.unit}."


def _e_values(study: Study, table: pd.DataFrame) -> Iterator[dict[str, str]]:
    for part in confounded(study):
        own = table[(table["analysis"] == part.name) & (table["group"] == "confounding")]
        rows: dict[Any, dict[Any, Any]] = {row["variation"]: row for row in own.to_dict("records")}
        key = f"association/{part.name}/{part.population}/e_value"
        if "risk_ratio" not in rows:
            reason = "; ".join(own["reason"].dropna())
            yield {"key": key, "statement": f"The E-value could not be computed ({reason})."}
            continue
        ratio, estimate, limit = (
            rows[name]["estimate"] for name in ("risk_ratio", "e_value", "e_value_limit")
        )
        yield {
            "key": key,
            "statement": (
                f"A change larger by one SD goes with an approximate risk ratio of {ratio:.2f}. An unmeasured confounder would "
                f"need a risk ratio of {estimate:.2f} with both to explain the association, and of {limit:.2f} to explain the "
                "confidence limit nearest to no association."
            ),
        }


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")
