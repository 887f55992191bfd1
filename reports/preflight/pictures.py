"""The pictures of a manuscript: how many dots, how wide on the page, in which format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurotrial.reports.preflight.tree import Node, attribute, find

__all__ = ["MM_PER_INCH", "Picture", "measure_pictures"]

MM_PER_INCH = 25.4

_LENGTH = re.compile(r"([\d.]+)\s*(in|cm|mm)")
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / MM_PER_INCH}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Attributes
    ----------
    name : str
        Its file.
    format : str
        E.g. ``"png"``.
    width_mm : float or None
        Width on the page; None where the document does not say.
    dpi : float or None
        Dots per inch at that width; None for drawings without dots, or where the width is not known.
    """

    name: str
    format: str
    width_mm: float | None
    dpi: float | None


def measure_pictures(floats: Sequence[Node], places: Sequence[Path]) -> list[Picture]:
    """Measure the pictures of figures.

    Parameters
    ----------
    floats : sequence of dict
        Figures and tables of pandoc's tree.
    places : sequence of Path
        Folders in which a picture may be, the first first.

    Returns
    -------
    list of Picture
        In document order; pictures whose file is not there, or not a picture, are left out: rendering refuses them.
    """
    images = [image for node in floats if node["t"] == "Figure" for image in find(node["c"][2], {"Image"})]
    return [picture for image in images if (picture := _measured(image, places))]


def _measured(image: Node, places: Sequence[Path]) -> Picture | None:
    name = str(image["c"][2][0])
    path = next((place / name for place in places if (place / name).is_file()), None)
    if path is None:
        return None
    inches = _inches(attribute(image, "width"))
    width = inches and inches * MM_PER_INCH
    if path.suffix.lower() in {".svg", ".pdf", ".eps"}:
        return Picture(path.name, path.suffix.lower().lstrip("."), width, None)
    return _raster(path, inches, width)


def _raster(path: Path, inches: float | None, width: float | None) -> Picture | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            pixels, kind = picture.size[0], str(picture.format).lower()
    except (UnidentifiedImageError, OSError):
        return None
    return Picture(path.name, kind, width, pixels / inches if inches else None)


def _inches(length: str | None) -> float | None:
    found = _LENGTH.fullmatch((length or "").strip())
    return float(found[1]) * _INCHES[found[2]] if found else None
