"""Names of confounds: those of fMRIPrep since version 21, and how earlier ones translate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = [
    "COMPONENTS_OF",
    "DVARS",
    "FD",
    "PARAMETERS",
    "TISSUES",
    "components",
    "is_confound",
    "translated",
    "unsteady",
]

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
"""Motion parameters: translations in mm, rotations in rad."""
FD = "framewise_displacement"
DVARS = "std_dvars"
TISSUES = ("white_matter", "csf", "global_signal")
"""Mean signals."""
COMPONENTS_OF = {"white_matter": "w_comp_cor_", "csf": "c_comp_cor_"}
"""Principal components of a tissue begin with this."""

_OLD = {
    "X": "trans_x", "Y": "trans_y", "Z": "trans_z", "RotX": "rot_x", "RotY": "rot_y", "RotZ": "rot_z",
    "FramewiseDisplacement": FD, "CSF": "csf", "WhiteMatter": "white_matter", "GlobalSignal": "global_signal",
    "stdDVARS": DVARS, "non-stdDVARS": "dvars",
}  # fmt: skip
_OLD_NUMBERED = {
    "aCompCor": "a_comp_cor_", "tCompCor": "t_comp_cor_", "Cosine": "cosine", "NonSteadyStateOutlier": "non_steady_state_outlier",
}  # fmt: skip
_UNSTEADY = "non_steady_state_outlier"
_KNOWN = re.compile(
    rf"(({'|'.join((*PARAMETERS, *TISSUES))})(_derivative1)?(_power2)?|{FD}|{DVARS}|dvars|rmsd|[actw]_comp_cor_\d+|cosine_?\d+|{_UNSTEADY}\d+)"
)


def translated(names: Iterable[Any]) -> dict[str, str]:
    """Return the present name of each column of fMRIPrep before version 1.2; a name that stands beside it is kept as it is."""
    names = list(names)
    found = {}
    for name in names:
        stem, number = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        new = _OLD.get(name) or (_OLD_NUMBERED[stem] + number if stem in _OLD_NUMBERED and number else None)
        if new and new not in names:
            found[name] = new
    return found


def is_confound(name: str) -> bool:
    """Whether a column has a name of fMRIPrep, and so must hold numbers."""
    return _KNOWN.fullmatch(name) is not None


def components(names: Iterable[Any], prefix: str) -> list[str]:
    """Return the numbered columns with a prefix, in the order of their numbers."""
    found = [name for name in names if re.fullmatch(rf"{prefix}\d+", str(name))]
    return sorted(found, key=lambda name: int(name.removeprefix(prefix)))


def unsteady(names: Iterable[Any]) -> list[str]:
    """Return the columns that mark volumes before the steady state."""
    return components(names, _UNSTEADY)
