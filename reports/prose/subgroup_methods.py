"""How it was examined whether effects differ between participants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.moderated_rows import where_words
from neurotrial.reports.number_format import plain

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = ["subgroup_methods_text"]


def subgroup_methods_text(data: CitedResults) -> Markdown | None:
    """Return the declared subgroup analyses and their model; None where none was declared."""
    plans = data.study.subgroups
    if not plans:
        return None
    named = "; ".join(
        f"{plan.label} ({plan.role}: {_how(plan)}; {where_words(data, plan)})" for plan in plans
    )
    few = sorted({plan.fewest for plan in plans if plan.kind == "categorical"})
    left_out = (
        f" Levels with fewer than {listing(map(str, few), 'or')} participants in an arm were left out."
        if few
        else ""
    )
    words = (
        "Whether the difference between the arms differs between participants was examined by one linear model each with baseline, "
        "arm, subgroup and their interaction, and an F test of the interaction"
    )
    return Markdown(f"**Subgroups.** {words} [@wang2007]: {escape(named)}.{left_out}")


def _how(plan: SubgroupPlan) -> str:
    kinds = {"categorical": "categories", "continuous": "a number", "dose": "a dose, not randomised"}
    cut = [f"cut at {listing(map(plain, plan.cut))}"] if plan.cut else []
    line = "straight line" if plan.spline_df is None else f"natural cubic spline with {plan.spline_df} terms"
    form = [line] if plan.kind != "categorical" else []
    covariates = [f"adjusted for {listing(plan.covariates)}"] if plan.covariates else []
    return ", ".join([kinds[plan.kind], *cut, *form, *covariates])
