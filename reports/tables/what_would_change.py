"""Tables of the standard sensitivity set: one row for each main comparison, then every variation of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import counts_note
from neurotrial.reports.effects import method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, interval, is_missing, number, p_cell, whole
from neurotrial.reports.sensitivity_blocks import CONCLUSIONS, GROUPS, Block, e_value_rows, headline
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["e_value_table", "overview_table", "variations_table"]

_NAME = "what-would-change"
_NOT_APPLICABLE = "not_applicable"


def overview_table(data: CitedResults, shown: list[Block]) -> Tabulation:
    """Return what would change the conclusion of each main comparison, a row each."""
    level = f"{100 * data.study.conf_level:.4g} %"
    labels = {
        "outcome": "Outcome",
        "main": f"Main analysis ({level} CI); p",
        "agree": "Variations that agree",
        "range": "Range of estimates",
        "changes": "Changed by",
        "tipping": "Tipping shift",
    }
    several = len(data.comparisons) > 1
    rows = [_overview_row(block, several=several) for block in shown]
    notes = [
        (
            "Agree: same direction and same significance as the main analysis. Changed by: kinds of variations that change "
            "significance or direction, with their number."
        ),
        (
            "Tipping shift: shift of the imputed values of the compared arm at which significance is lost or gained; none up to 5 "
            "residual SDs; – where nobody misses the outcome."
        ),
    ]
    table = make_table(_NAME, rows, labels, row_label="outcome", notes=notes, centre=False)
    return Tabulation(_NAME, table, Markdown("What would change the conclusion."))


def _overview_row(block: Block, *, several: bool) -> dict[str, str]:
    counted, digits = block.counted, block.digits(block.main)
    estimates = [float(row["estimate"]) for row in block.drawn if not is_missing(row.values["estimate"])]
    same = sum(row["conclusion"] == "same" for row in counted)
    kinds = Counter(
        GROUPS[row.values["group"]].lower() for row in counted if row.values["conclusion"] != "same"
    )
    label = f"{block.outcome.label}, {block.outcome.unit}"
    return {
        "outcome": f"{label}: {block.comparison}" if several else label,
        "main": f"{_effect(block, block.main)}; {p_cell(block.main['p_value'])}",
        "agree": f"{same} of {len(counted)}",
        "range": interval(min(estimates), max(estimates), digits) if estimates else MISSING,
        "changes": "; ".join(f"{kind} ({count})" for kind, count in kinds.items()) or "none",
        "tipping": " or ".join(block.shifts()) or MISSING,
    }


def variations_table(data: CitedResults, block: Block) -> Tabulation:
    """Return every variation of a main comparison, grouped by what is varied."""
    level = f"{100 * data.study.conf_level:.4g} %"
    labels = {
        "what": "Variation",
        "n": "n",
        "effect": f"Estimate ({level} interval)",
        "p": "p",
        "moved": "Change, SE",
        "conclusion": "Changes the conclusion",
    }
    listed = [row for row in (block.main, *block.rows) if row.values["status"] != _NOT_APPLICABLE]
    order = list(GROUPS)
    listed.sort(key=lambda row: order.index(row.values["group"]))
    rows = [_variation_row(data, block, row) for row in listed]
    name = f"{_NAME}-{block.name}"
    notes = list(_notes(data, block))
    table = make_table(name, rows, labels, row_label="what", group="group", notes=notes)
    caption = headline(block, several=len(data.comparisons) > 1)
    return Tabulation(name, table, Markdown(f"Variations of the main analysis: {caption}."))


def _variation_row(data: CitedResults, block: Block, row: CitedRow) -> dict[str, str]:
    counts = block.counts(row)
    words = str(row["description"])
    if not is_missing(row.values["delta"]):
        words = f"{words}: {number(row['delta'], block.outcome.digits)} {block.outcome.unit}"
    again = row.values["status"] == "repeats"
    return {
        "group": GROUPS[row.values["group"]],
        "what": method_label(str(row["method"])) if row.values["group"] == "main" else words,
        "n": "\u00a0/\u00a0".join(whole(counts.get(arm.name)) for arm in data.study.arms)
        if counts
        else MISSING,
        "effect": _effect(block, row),
        "p": p_cell(None if is_missing(row["p_value"]) else float(row["p_value"])),
        "moved": number(row["change_in_se"], 2),
        "conclusion": _conclusion(row, again=again),
    }


def _conclusion(row: CitedRow, *, again: bool) -> str:
    if row.values["group"] == "main":
        return MISSING
    return "no: same numbers" if again else CONCLUSIONS[str(row["conclusion"])]


def _effect(block: Block, row: CitedRow) -> str:
    if row.values["status"] == "failed":
        return f"not estimable: {row['reason']}"
    digits, unit = block.digits(row), str(row.values["unit"])
    named = "" if unit == block.main.values["unit"] else f" {unit}"
    limits = (row["conf_low"], row["conf_high"])
    shown = "no interval" if any(map(is_missing, limits)) else interval(*limits, digits)
    return f"{number(row['estimate'], digits)}{named} ({shown})"


def _notes(data: CitedResults, block: Block) -> Iterator[str]:
    yield counts_note(data.study.arms)
    yield (
        "Change: of the estimate, in standard errors (SE) of the main one; none in another unit. Conclusion: significance, "
        f"p at most {round(1 - data.study.conf_level, 12):g} or, without p, an interval that excludes no difference; and direction."
    )
    if any(row.values["group"] == "prior" and row.values["status"] == "ok" for row in block.rows):
        yield "Priors: posterior means with credible intervals."
    absent = [row for row in block.rows if row.values["status"] == _NOT_APPLICABLE]
    if absent:
        named = "; ".join(f"{row['description']} ({row['reason']})" for row in absent)
        yield f"Not applicable: {named}."


def e_value_table(data: CitedResults) -> Tabulation | None:
    """Return the E-values of the associations, or None where there are none."""
    labels = {part.name: part.label for part in data.study.associations}
    rows = [
        {
            "group": labels[row.values["analysis"]],
            "what": str(row["description"]),
            "value": _ratio(row),
        }
        for row in e_value_rows(data)
    ]
    if not rows:
        return None
    notes = [
        (
            "Only here, because neither imaging nor motor change was randomised. Risk ratio: exp(0.91 d), d the slope in SDs of both "
            "changes, adjusted for arm and both baselines."
        ),
    ]
    columns = {"what": "Quantity", "value": "Risk ratio (interval)"}
    table = make_table("e-values", rows, columns, row_label="what", group="group", notes=notes)
    return Tabulation(
        "e-values", table, Markdown(escape("Unmeasured confounding of associations: E-values."))
    )


def _ratio(row: CitedRow) -> str:
    if row.values["status"] == "failed":
        return f"not estimable: {row['reason']}"
    value = number(row["estimate"], 2)
    if is_missing(row.values["conf_low"]):
        return value
    return f"{value} ({interval(row['conf_low'], row['conf_high'], 2)})"
