"""An explorer of the specification curve for web pages: plain JavaScript, nothing loaded, usable by keyboard."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from neurotrial.reports.figures.style import data_label
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.multiverse.specifications import (
    decision_labels,
    multiverse_outcome,
    specification_frame,
)
from neurotrial.reports.number_format import is_missing, p_value

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["explorer_block"]

_SIGNIFICANT_DIGITS = 5


def explorer_block(data: CitedResults) -> Markdown:
    """Return the explorer in a block that only web pages show; Word and pdf have the figure."""
    content = json.dumps(_content(data), ensure_ascii=True, separators=(",", ":"))
    # inside a script element only a closing tag could end it: no < is left
    safe = content.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    html = (
        '<div class="explorer" hidden></div>\n'
        f'<script type="application/json" class="explorer-data">{safe}</script>\n'
        f"<style>{_asset('explorer.css')}</style>\n<script>{_asset('explorer.js')}</script>"
    )
    fence = "`" * 3
    return Markdown(f'::: {{.content-visible when-format="html"}}\n{fence}{{=html}}\n{html}\n{fence}\n:::')


@cache
def _asset(name: str) -> str:
    """Return a file of this package without empty lines, which would end a raw block in some readers."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.strip())


def _content(data: CitedResults) -> dict[str, Any]:
    rows = specification_frame(data)
    rows = rows[rows["status"] == "ok"].sort_values("estimate_sd", kind="stable")
    decisions = []
    for label in decision_labels(data.study).values():
        options = list(dict.fromkeys(rows.sort_values("specification")[label]))
        place = {option: index for index, option in enumerate(options)}
        decisions.append({"label": label, "options": options, "chosen": rows[label].map(place).tolist()})
    return {
        "outcome": multiverse_outcome(data.study),
        "label": data_label(data.study.study),
        "level": data.study.conf_level,
        "decisions": decisions,
        "rows": [
            {
                "e": _short(row["estimate_sd"]),
                "l": _short(row["conf_low_sd"]),
                "h": _short(row["conf_high_sd"]),
                "n": int(row["n_participants"]),
                "p": "" if is_missing(row["p_value"]) else p_value(row["p_value"]),
                "r": int(row["reference"]),
            }
            for row in rows.to_dict("records")
        ],
    }


def _short(value: float) -> float | None:
    return None if is_missing(value) else float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
