"""The house style of figures: colours that colour-blind readers tell apart, arms told apart by marker and line too."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurotrial.study import Study, StudyInfo

__all__ = [
    "LINE",
    "WIDTH",
    "ArmStyle",
    "arm_legend",
    "arm_styles",
    "data_label",
    "fitted",
    "house_style",
    "in_house_style",
    "label_height",
    "line_count",
    "mark_simulated",
    "named_styles",
    "new_figure",
    "note_simulated",
    "spread",
]

_MOCK, _SIMULATED = "MOCK: DUMMY ARMS", "SIMULATED DATA"
_LETTERS = 12.5
"""Letters of the house size in an inch, on average and with some room to spare."""

LINE = 0.165
"""Height of a line in inches."""

WIDTH = 6.5
"""Width of a figure in inches: the text width of the Word document."""

_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES = ("--", "-", "-.", ":", (0, (5, 1)), (0, (1, 1)))

_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": ["DejaVu Sans"],
        "font.size": 9.0,
        "axes.labelsize": 9.0,
        "axes.titlesize": 9.5,
        "xtick.labelsize": 9.0,
        "ytick.labelsize": 9.0,
        "legend.fontsize": 9.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        # labels of a study file are words, never formulas
        "text.parse_math": False,
        "figure.constrained_layout.use": True,
    }
)
_MORE_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Droid Sans Fallback",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Yu Gothic",
    "PingFang SC",
    "WenQuanYi Micro Hei",
)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """How an arm is drawn: Okabe-Ito colour, marker and line."""

    colour: str
    marker: str
    line: Any


def arm_styles(study: Study) -> dict[str, ArmStyle]:
    """Return a style for each arm, in the order of the study file."""
    return named_styles([arm.name for arm in study.arms])


def named_styles(names: Sequence[str]) -> dict[str, ArmStyle]:
    """Return a style for each of some names, in their order."""
    return {
        name: ArmStyle(_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)], _LINES[i % len(_LINES)])
        for i, name in enumerate(names)
    }


def arm_legend(figure: Figure, labels: dict[str, str], styles: dict[str, ArmStyle]) -> None:
    """Write below a figure what stands for which arm: a marker and its label, one arm a line."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=styles[name].colour, marker=styles[name].marker, linestyle="") for name in labels
    ]
    legend = figure.legend(handles, list(labels), frameon=False, loc="outside lower center")
    # set afterwards: a label that starts with an underscore would be dropped
    for text, label in zip(legend.get_texts(), labels.values(), strict=True):
        text.set_text(label)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw under the house settings, and leave matplotlib's own as they were."""
    import matplotlib as mpl

    # matplotlib 3.11 types the keys one by one, which a mapping of settings cannot be
    settings: dict[Any, Any] = {**_SETTINGS, "font.family": ["DejaVu Sans", *_installed(_MORE_SCRIPTS)]}
    with mpl.rc_context(settings):
        yield


def in_house_style(draw: Callable[P, T]) -> Callable[P, T]:
    """Run a drawing function in the `house_style`."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> T:
        with house_style():
            return draw(*args, **kwargs)

    return styled


def _installed(families: tuple[str, ...]) -> list[str]:
    """Return those of the families that this machine has, for scripts that DejaVu Sans lacks."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return [family for family in families if family in known]


def new_figure(height: float) -> Figure:
    """Return an empty figure of text width; it belongs to no window and needs no closing."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure


def fitted(text: str, inches: float) -> str:
    """Break a label into lines that fit a width in inches, at the size of the house style."""
    return textwrap.fill(text, max(8, int(inches * _LETTERS)))


def spread(n: int, reach: float) -> Any:
    """Return places from ``-reach`` to ``reach`` for points beside each other, shape (n,); 0 for a single one."""
    import numpy as np

    return np.linspace(-reach, reach, n) if n > 1 else np.zeros(n)


def line_count(*texts: str) -> int:
    """Return the largest number of lines of some texts."""
    return max(text.count("\n") + 1 for text in texts)


def data_label(study: StudyInfo) -> str:
    """Return what every page and figure of a study with dummy arms or simulated data says; empty for a real one."""
    return ", ".join([_MOCK] * study.mock + [_SIMULATED] * study.simulated)


def label_height(study: Study) -> float:
    """Return the height in inches that the label of a study takes in a figure."""
    return 0.3 if data_label(study.study) else 0.0


def mark_simulated(figure: Figure, study: Study) -> None:
    """Print the label of a study with dummy arms or simulated data above a figure."""
    if label := data_label(study.study):
        figure.suptitle(label, fontsize=10, fontweight="bold", color="#B00000")


def note_simulated(study: Study) -> str:
    """Return the words that alternative texts of a study with dummy arms or simulated data end with."""
    mock = " The arms are dummies." if study.study.mock else ""
    return mock + (" The data are simulated." if study.study.simulated else "")
