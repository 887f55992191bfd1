"""The part of the supplement on the multiverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.markdown_text import Markdown, escape, listing, section
from neurotrial.reports.multiverse.explorer import explorer_block
from neurotrial.reports.multiverse.figure import curve_plot
from neurotrial.reports.multiverse.specifications import (
    decision_labels,
    has_multiverse,
    multiverse_outcome,
)
from neurotrial.reports.multiverse.tables import joint_table, left_out_table, share_table
from neurotrial.reports.number_format import interval, number, percent, probability, whole

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["multiverse_methods", "multiverse_section"]


def multiverse_section(data: CitedResults) -> Markdown | None:
    """Return sentences, curve, tables and explorer; None without a declared multiverse."""
    if data.study.multiverse is None:
        return None
    if not has_multiverse(data):
        words = "A multiverse is declared and was not fitted: `neurotrial fit --sensitivity` fits it."
        return section("Multiverse", words)
    joint, shares, left_out = joint_table(data), share_table(data), left_out_table(data)
    return section(
        "Multiverse",
        _summary(data),
        figure_float(curve_plot(data)),
        explorer_block(data),
        _joint(data) if joint else None,
        table_float(joint) if joint else None,
        "What the estimates depend on is in @tbl-decision-shares.",
        table_float(shares),
        _stacked(data),
        None if left_out is None else "Combinations without an estimate are counted in @tbl-left-out.",
        None if left_out is None else table_float(left_out),
    )


def multiverse_methods(data: CitedResults) -> str | None:
    """Return, for the methods, that the effect is analysed under many specifications; None where it was not."""
    if not has_multiverse(data):
        return None
    return (
        f"As a sensitivity analysis the effect on {escape(multiverse_outcome(data.study))} is analysed under "
        f"{whole(_number(data, 'n'))} specifications, all admissible combinations of declared decisions, which are tested jointly "
        "by redrawing the labels [@simonsohn2020]; they are in the supplement."
    )


def _number(data: CitedResults, name: str) -> Any:
    return data.cite(f"multiverse/multiverse/{name}#value")


def _summary(data: CitedResults) -> str:
    labels = listing(escape(label) for label in decision_labels(data.study).values())
    n, failed = _number(data, "n"), _number(data, "n_failed")
    lost = f", of which {whole(failed)} could not be fitted" if failed else ""
    return (
        f"The effect on {escape(multiverse_outcome(data.study))} was analysed under every admissible combination of these decisions: "
        f"{labels}. There are {whole(n)} specifications{lost} (@fig-specification-curve). The median effect is "
        f"{number(_number(data, 'median'), 2)} baseline SDs, the range {number(_number(data, 'low'), 2)} to "
        f"{number(_number(data, 'high'), 2)}; {percent(_number(data, 'share_same_sign'))} have the sign of the pre-specified one "
        f"({number(_number(data, 'reference'), 2)}), and {percent(_number(data, 'share_significant'))} are significant by themselves. "
        "Specifications share their participants, so that these shares are no evidence by number."
    )


def _joint(data: CitedResults) -> str:
    whole_number = whole(_number(data, "n_joint"))
    others = _number(data, "n") - _number(data, "n_failed") - _number(data, "n_joint")
    rest = f"; {whole(others)} others are shown but not tested jointly" if others else ""
    return (
        f"Together, the {whole_number} linear Gaussian specifications are compared with what they give when labels are redrawn as the "
        f"trial drew them [@simonsohn2020] (@tbl-joint-tests){rest}."
    )


def _stacked(data: CitedResults) -> str | None:
    if data.row("multiverse", "multiverse/multiverse/stacked_estimate") is None:
        return None
    size = _number(data, "stacked_group_size")
    limits = interval(_number(data, "stacked_conf_low"), _number(data, "stacked_conf_high"), 3)
    return (
        f"The pre-specified analysis predicts the same values of the same participants as {whole(size - 1)} other specifications. Their "
        f"posteriors under a flat prior, weighted by stacking of leave-one-out predictions, give a median effect of "
        f"{number(_number(data, 'stacked_estimate'), 3)} ({percent(data.study.conf_level)} interval {limits}) in the unit of the "
        f"analysis and a probability of benefit of {probability(_number(data, 'stacked_probability_benefit'))}; the weight of the "
        f"pre-specified one is {number(_number(data, 'stacked_weight'), 2)}."
    )
