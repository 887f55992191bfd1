"""Results to documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurotrial.reports.report import Report, open_report

__all__ = ["Report", "open_report"]


def __getattr__(name: str) -> Any:
    """Import what cells use at its first use, so that the package itself stays light."""
    if name in __all__:
        from neurotrial.reports import report

        return getattr(report, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
