"""Words that are written from right to left, in figures: matplotlib draws them as they are read only from 3.11 on."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

from neurotrial.reports.markdown_text import LEFT_TO_RIGHT, is_right_to_left

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["display_order", "draw_in_display_order"]


@functools.cache
def display_order(line: str, *, shapes: bool = mpl.__version_info__ >= (3, 11)) -> str:
    """Return a line so that matplotlib draws it as it is read.

    Parameters
    ----------
    line : str
        A line of text.
    shapes : bool
        Whether matplotlib itself joins letters and orders words; then it needs to be told only that the line begins at
        the left.

    Returns
    -------
    str
        The line itself where nothing in it is written from right to left.
    """
    if not any(map(is_right_to_left, line)):
        return line
    if shapes:
        return LEFT_TO_RIGHT + line
    from arabic_reshaper import reshape
    from bidi import get_display

    return str(get_display(reshape(line), base_dir="L"))


class _Renderer(RendererAgg):
    """Draws and measures each line in the order of display."""

    def draw_text(self, gc: Any, x: float, y: float, s: str, *args: Any, **options: Any) -> None:
        parent: Any = super()  # matplotlib states no types here
        parent.draw_text(gc, x, y, display_order(s), *args, **options)

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        parent: Any = super()
        width, height, descent = parent.get_text_width_height_descent(display_order(s), prop, ismath)
        return width, height, descent


class _Canvas(FigureCanvasAgg):
    def get_renderer(self) -> Any:
        parent: Any = super()
        made = parent.get_renderer()
        if not isinstance(made, _Renderer):
            kind: Any = _Renderer
            self.renderer = kind(made.width, made.height, made.dpi)
        return self.renderer


def draw_in_display_order(figure: Figure) -> None:
    """Give a figure a canvas that draws lines in the order of display."""
    _Canvas(figure)
