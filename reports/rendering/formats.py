"""The formats of reports by the names that users see, and what Quarto calls them."""

from __future__ import annotations

__all__ = ["QUARTO_NAMES", "quarto_name"]

QUARTO_NAMES = {"pdf": "typst"}
"""The formats whose name in ``_quarto.yml`` and for ``quarto --to`` is another: its ``pdf`` goes through LaTeX."""


def quarto_name(form: str) -> str:
    """Return Quarto's name of a format.

    Examples
    --------
    >>> quarto_name("pdf"), quarto_name("html")
    ('typst', 'html')
    """
    return QUARTO_NAMES.get(form, form)
