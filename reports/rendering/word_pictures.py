"""Pictures of a Word file, no taller than a page has room for beside their caption."""

from __future__ import annotations

from typing import Any

__all__ = ["TALLEST", "fit_pictures"]

TALLEST = 0.82
"""The part of the height of the text that a picture may take."""


def fit_pictures(document: Any) -> None:
    """Make pictures smaller, in proportion, whose caption would fall on the next page.

    Parameters
    ----------
    document : docx.Document
        Of a size of page that its first section tells; otherwise nothing is changed.
    """
    page = document.sections[0]
    sizes = (page.page_height, page.top_margin, page.bottom_margin)
    if None in sizes:
        return
    highest = TALLEST * (sizes[0] - sizes[1] - sizes[2])
    for shape in document.inline_shapes:
        if shape.height > highest:
            shape.width, shape.height = round(shape.width * highest / shape.height), round(highest)
