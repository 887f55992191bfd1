"""What the guide's page on calibration shows of the stored results; where nothing is stored it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.models.bayes_calibration.operating_characteristics import ANY
from neurotrial.models.bayes_calibration.stored_results import stored_operating, stored_sbc
from neurotrial.reports.figures.calibration import rank_figure
from neurotrial.reports.figures.style import house_style
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import number, p_cell

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["NOTHING", "Picture", "calibration_ranks", "calibration_table", "operating_table"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure that a notebook shows though it belongs to no window.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The drawing.
    """

    figure: Figure

    def _repr_png_(self) -> bytes:
        stream = BytesIO()
        with house_style():
            self.figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


NOTHING = Markdown("*Nothing is stored yet.*")


def calibration_table() -> Markdown:
    """Return a row for each model: simulations, quantities, smallest p-value, fits that diverged or were too short."""
    rows = stored_sbc()
    if not len(rows):
        return NOTHING
    body = [_model_row(own) for _, own in rows.groupby(["model", "generation"], sort=False)]
    header = (
        "model",
        "versions",
        "simulations",
        "quantities",
        "smallest p (Holm)",
        "of",
        "fits that diverged",
        "fits too short",
    )
    return _table(header, body)


def calibration_ranks() -> Picture | Markdown:
    """Return the figure of the ranks of all models."""
    rows = stored_sbc()
    return Picture(rank_figure(rows)) if len(rows) else NOTHING


def operating_table() -> Markdown:
    """Return a row for each model, scenario and outcome of a kind: claims, coverage and bias under each prior."""
    rows = stored_operating()
    if not len(rows):
        return NOTHING
    firsts = [
        f"{quantity}, {prior}"
        for quantity in ("claimed, %", "covered, %", "bias, SD")
        for prior in PRIOR_SETS
    ]
    body = [
        (escape(str(model)), escape(str(scenario)), _outcome(str(outcome)), *_cells(own), _trials(own))
        for (model, scenario, outcome), own in rows.groupby(["model", "scenario", "outcome"], sort=False)
    ]
    return _table(("model", "scenario", "outcome", *firsts, "trials"), body)


def _model_row(rows: pd.DataFrame) -> tuple[str, ...]:
    known = rows[rows["p_holm"].notna()].sort_values("p_holm", kind="stable")
    worst = known.iloc[0] if len(known) else None
    first = rows.iloc[0]
    return (
        escape(first["model"]),
        escape(first["generation"]),
        str(first["n_simulations"]),
        str(len(rows)),
        "" if worst is None else p_cell(worst["p_holm"]),
        "" if worst is None else escape(worst["quantity"]),
        str(first["divergent"]),
        str(first["short"]),
    )


def _cells(rows: pd.DataFrame) -> list[str]:
    """Return claims, coverage and bias, each under every prior."""
    kinds: list[tuple[tuple[str, ...], Callable[[float], str]]] = [
        (("type_i_error", "power", "assurance"), lambda share: number(100 * share, 1)),
        (("coverage",), lambda share: number(100 * share, 1)),
        (("bias",), lambda bias: number(bias, 2)),
    ]
    return [
        "".join(
            shown(value)
            for value in rows.loc[rows["quantity"].isin(names) & (rows["prior"] == prior), "estimate"]
        )
        for names, shown in kinds
        for prior in PRIOR_SETS
    ]


def _outcome(name: str) -> str:
    return name if name == ANY else f"outcome {name}"


def _trials(rows: pd.DataFrame) -> str:
    return str(rows["n_simulations"].max())


def _table(header: Iterable[str], body: Iterable[tuple[str, ...]]) -> Markdown:
    names = list(header)
    lines = [names, ["---"] * len(names), *(list(row) for row in body)]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
