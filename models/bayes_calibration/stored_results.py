"""What was measured of the shipped models, as small files beside the code."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from neurotrial.paths import replacing

__all__ = [
    "OPERATING_COLUMNS",
    "OPERATING_FILE",
    "RESULTS_FOLDER",
    "SBC_COLUMNS",
    "SBC_FILE",
    "generation",
    "read_rows",
    "replace_rows",
    "stored_operating",
    "stored_sbc",
]

RESULTS_FOLDER = Path(__file__).parent / "results"
SBC_FILE, OPERATING_FILE = "sbc.csv", "operating.csv"

SBC_COLUMNS = (
    "model",
    "generation",
    "settings",
    "quantity",
    "n_simulations",
    "statistic",
    "df",
    "p",
    "p_holm",
    "counts",
    "divergent",
    "short",
)
OPERATING_COLUMNS = (
    "model",
    "generation",
    "settings",
    "prior",
    "scenario",
    "outcome",
    "quantity",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "n_simulations",
    "divergent",
)

_TEXT = ("model", "generation", "settings", "prior", "scenario", "outcome", "quantity", "counts")
_SAMPLERS = ("pymc", "arviz", "nutpie")


@lru_cache(maxsize=2)
def generation(*, exact: bool = False) -> str:
    """Return the versions that results rest on, e.g. ``"Python 3.11, pymc 5.28.5, arviz 0.23.4, nutpie 0.16.8"``.

    Parameters
    ----------
    exact : bool
        Whether no sampler had a part: then the versions are those of Python, NumPy and SciPy.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    names = ("numpy", "scipy") if exact else _SAMPLERS
    return ", ".join([f"Python {python}", *(f"{name} {version(name)}" for name in names)])


def stored_sbc() -> pd.DataFrame:
    """Return the stored results of simulation-based calibration: columns `SBC_COLUMNS`, no row where there is none."""
    return read_rows(RESULTS_FOLDER / SBC_FILE, SBC_COLUMNS)


def stored_operating() -> pd.DataFrame:
    """Return the stored operating characteristics: columns `OPERATING_COLUMNS`, no row where there is none."""
    return read_rows(RESULTS_FOLDER / OPERATING_FILE, OPERATING_COLUMNS)


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a file of results.

    Parameters
    ----------
    path : Path
        Comma-separated values; may not exist.
    columns : sequence of str
        Those of the file.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(columns))
    return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, "str"), keep_default_na=False, na_values=[""])


def replace_rows(path: Path, rows: pd.DataFrame, columns: Sequence[str], keys: Sequence[str]) -> None:
    """Write rows into a file of results, in the place of those with the same keys.

    Parameters
    ----------
    path : Path
        The file; it is written whole or not at all.
    rows : DataFrame
        With all `columns`.
    columns : sequence of str
        Those of the file.
    keys : sequence of str
        Columns that say what rows are about.
    """
    before = read_rows(path, columns)
    new = set(rows[list(keys)].astype("str").itertuples(index=False, name=None))
    old = [key not in new for key in before[list(keys)].astype("str").itertuples(index=False, name=None)]
    kept = before[old]
    both = pd.concat([kept, rows[list(columns)]]) if len(kept) else rows[list(columns)]
    ordered = both.sort_values(list(keys), kind="stable")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        ordered.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
