"""Figures and tables with label, caption and alternative text, as Markdown that a cell prints.

A cell option such as ``fig-alt`` is fixed text, and a labelled cell always makes a float. Alternative text and
captions that come from the data, and floats that exist only where there is something to show, are therefore
written by the cell itself (``output: asis``) as a fenced div, which both renderers number and cross-reference.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.paths import replacing, writable_folder
from neurotrial.reports.figures.style import house_style
from neurotrial.reports.markdown_text import Markdown, escape, paragraphs

if TYPE_CHECKING:
    from great_tables import GT
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["FIGURE_FOLDER", "Plot", "Tabulation", "figure_float", "image_float", "table_float"]

FIGURE_FOLDER = "figures"
"""Where figure files go, beside the document."""

_DPI = 300
_MISSING_GLYPH = re.compile(r"Glyph (\d+) .*missing from font")


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure.

    Attributes
    ----------
    name : str
        Its label without ``fig-``, also the name of its file.
    figure : matplotlib.figure.Figure
        The drawing.
    caption : Markdown
        What it shows, with the intervals named.
    alt : str
        The same in words for those who do not see it, made from the data.
    """

    name: str
    figure: Figure
    caption: Markdown
    alt: str


@dataclass(frozen=True, slots=True)
class Tabulation:
    """A table.

    Attributes
    ----------
    name : str
        Its label without ``tbl-``.
    table : great_tables.GT
        The table.
    caption : Markdown
        What it shows.
    """

    name: str
    table: GT
    caption: Markdown

    @property
    def html(self) -> str:
        """The table as HTML without scripts or images."""
        return str(self.table.as_raw_html())


def figure_float(plot: Plot, folder: Path | None = None) -> Markdown:
    """Write a figure to ``figures/NAME.png`` at 300 dpi and return the div that shows it.

    Parameters
    ----------
    plot : Plot
        The figure.
    folder : Path, optional
        The document's folder; cells run in it, so that the working directory is the default.

    Returns
    -------
    Markdown
        A div ``#fig-NAME`` with image, alternative text and caption.
    """
    target = writable_folder((folder or Path.cwd()) / FIGURE_FOLDER) / f"{plot.name}.png"
    with replacing(target) as temporary:
        boxes = _save(plot.figure, temporary)
    note = (
        f" Boxes stand for characters that no font of this machine has: {escape(' '.join(boxes))}."
        if boxes
        else ""
    )
    caption = Markdown(f"{plot.caption}{note}")
    return image_float(plot.name, plot.alt, float(plot.figure.get_size_inches()[0]), caption)


def image_float(name: str, alt: str, width: float, caption: Markdown) -> Markdown:
    """Return the div ``#fig-NAME`` that shows ``figures/NAME.png``, with its width in inches."""
    attributes = f'fig-alt="{escape(alt)}" width={width:g}in'
    return _div(f"fig-{name}", f"![]({FIGURE_FOLDER}/{name}.png){{{attributes}}}", caption)


def _save(figure: Figure, path: Path) -> list[str]:
    """Write a figure and return the characters that no font could draw."""
    from neurotrial.reports.figures.direction import draw_in_display_order

    draw_in_display_order(figure)
    with warnings.catch_warnings(record=True) as caught, house_style():
        # ticks are made while drawing, so the style must hold here too; no software version in the file, so that
        # the same data give the same bytes
        warnings.simplefilter("always")
        drawing = BytesIO()
        figure.savefig(drawing, format="png", dpi=_DPI, metadata={"Software": None})
    _palette(drawing).save(path, format="png", dpi=(_DPI, _DPI))
    missing: dict[str, None] = {}
    for warning in caught:
        found = _MISSING_GLYPH.match(str(warning.message))
        if found:
            missing[chr(int(found[1]))] = None
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return list(missing)


def _palette(drawing: BytesIO) -> Image:
    """Return a drawing in 256 colours of its own, which takes a third of the space and looks the same."""
    import numpy as np
    from PIL import Image

    with Image.open(drawing) as picture:
        colours = picture.convert("RGB")
    reduced = colours.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # the colours are means of similar ones, and the background has to be that of the page
    palette = np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)
    palette[np.asarray(reduced)[0, 0]] = np.asarray(colours)[0, 0]
    reduced.putpalette(palette.tobytes())
    return reduced


def table_float(tabulation: Tabulation) -> Markdown:
    """Return the div ``#tbl-NAME`` that shows a table with its caption."""
    fence = "`" * 3
    content = tabulation.html
    while fence in content:
        fence += "`"
    # a blank line inside would end the block in some readers
    html = "\n".join(line for line in content.splitlines() if line.strip())
    return _div(f"tbl-{tabulation.name}", f"{fence}{{=html}}\n{html}\n{fence}", tabulation.caption)


def _div(label: str, content: str, caption: Markdown) -> Markdown:
    return paragraphs(f"::::: {{#{label}}}", content, caption, ":::::")
