"""Results to documents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurotrial.reports.effects import method_label
    from neurotrial.reports.figures.style import arm_styles, house_style, new_figure
    from neurotrial.reports.report import Report, open_report

__all__ = ["Report", "arm_styles", "house_style", "method_label", "new_figure", "open_report"]

_MODULES = {
    "Report": "report",
    "open_report": "report",
    "arm_styles": "figures.style",
    "house_style": "figures.style",
    "method_label": "effects",
    "new_figure": "figures.style",
}


def __getattr__(name: str) -> Any:
    """Import what cells use at its first use, so that the package itself stays light."""
    if name in _MODULES:
        return getattr(import_module(f"neurotrial.reports.{_MODULES[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
