"""The main comparison without each participant: the range of estimates, and who decides most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.sensitivity_variations.variation import Variation
from neurotrial.models.study_sensitivity import left_out

if TYPE_CHECKING:
    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["participant_variations"]

_ROLES = {"lowest": "lowest estimate", "highest": "highest estimate", "turning": "{extreme} p-value"}


def participant_variations(cell: Cell, data: StudyData, main: pd.DataFrame) -> Iterator[Variation]:
    """Yield the comparison without those who are left out for the lowest and highest estimate, and the extreme p-value.

    Parameters
    ----------
    cell : Cell
        An analysis of an outcome.
    data : StudyData
        The study.
    main : DataFrame
        Its main comparisons, rows of `neurotrial.models.tidy`.
    """
    yield Variation(
        "without",
        "participants",
        "without each participant in turn",
        cell.population,
        partial(_extremes, cell, data, main),
    )


def _extremes(cell: Cell, data: StudyData, main: pd.DataFrame) -> pd.DataFrame:
    if cell.analysis.main_method.startswith("bayes_"):
        rule = "the main estimate is a posterior, which is not sampled again without each participant"
        raise refuse("leave_one_out", rule, "name a frequentist main method to have this row")
    if (main["status"] != "ok").any():
        raise refuse("leave_one_out", "there is no main estimate to compare with", "see the row `main`")
    found = left_out(cell, data)
    parts = [
        row
        for whole in main.to_dict("records")
        for row in _of_contrast(found.table[found.table["contrast"] == whole["contrast"]], whole, found.alpha)
    ]
    return pd.DataFrame(parts)


def _of_contrast(rows: pd.DataFrame, whole: dict[Any, Any], alpha: float) -> Iterator[dict[str, Any]]:
    known = rows[rows["estimate"].notna() & rows["p_value"].notna()].reset_index(drop=True)
    if known.empty:
        raise refuse("leave_one_out", "the others determine no difference", "use more participants")
    roles = _roles(known, significant=bool(whole["p_value"] <= alpha))
    turned, far = int(known["turned"].sum()), int(known["change"].abs().to_numpy().argmax())
    says = (
        f"significance changes without {turned} of {len(known)} participants, farthest without "
        f"{known['participant'][far]}"
    )
    for at, (name, words) in roles.items():
        row = known.loc[at]
        yield {
            **whole,
            **{
                column: row[column]
                for column in ("estimate", "std_error", "conf_low", "conf_high", "p_value")
            },
            "variation": f"without_{name}",
            "description": f"without {row['participant']}: {words} of {len(known)}",
            "n_per_arm": _without(str(whole["n_per_arm"]), str(row["arm"])),
            "n_participants": int(whole["n_participants"]) - 1,
            "reason": says,
        }


def _roles(known: pd.DataFrame, *, significant: bool) -> dict[int, tuple[str, str]]:
    """Return by position of the participant the name of its row and why it is there; each participant once."""
    estimates, p_values = known["estimate"].to_numpy(), known["p_value"].to_numpy()
    places = {
        "lowest": int(estimates.argmin()),
        "highest": int(estimates.argmax()),
        "turning": int(p_values.argmax() if significant else p_values.argmin()),
    }
    extreme = "largest" if significant else "smallest"
    found: dict[int, tuple[str, str]] = {}
    for name, at in places.items():
        words = _ROLES[name].format(extreme=extreme)
        first, before = found.get(at, (name, ""))
        found[at] = (first, f"{before} and {words}" if before else words)
    return found


def _without(n_per_arm: str, arm: str) -> str:
    counts = json.loads(n_per_arm)
    return json.dumps({name: count - (name == arm) for name, count in counts.items()}, ensure_ascii=False)
