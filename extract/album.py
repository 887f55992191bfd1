"""All pictures of an extraction on one page, to look through; never by arm."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from neurotrial.paths import write_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["ALBUM", "write_album"]

ALBUM = "pictures.html"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem }}
figure {{ margin: 0 0 1.5rem }}
img {{ max-width: 100%; height: auto }}
.failed {{ color: #b00020 }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>Decisions on scans are made in tables/decisions.tsv.</p>
{scans}
</body>
</html>
"""


def write_album(status: pd.DataFrame, folder: Path) -> Path:
    """Write a page with the picture of every scan that was made.

    Parameters
    ----------
    status : DataFrame
        The contract `status`.
    folder : Path
        The folder ``extraction`` of the study; the pictures are below it.

    Returns
    -------
    Path
        The page.
    """
    made = status[status["state"] != "skipped"].astype("object")
    scans = "\n".join(_scan(row) for row in made.where(made.notna(), None).to_dict("records"))
    page = folder / ALBUM
    write_text(page, _PAGE.format(title="Pictures of every scan", scans=scans))
    return page


def _scan(row: dict[Any, Any]) -> str:
    run = "" if row["run"] is None else f", run {row['run']}"
    name = escape(f"{row['participant_id']}, {row['visit']}, {row['modality']}{run}")
    if row["picture"] is None:
        return f'<p class="failed">{name}: {escape(str(row["reason"]))}</p>'
    source = escape("../" + row["picture"])
    return f'<figure><figcaption>{name}</figcaption><img loading="lazy" src="{source}" alt="Quality control picture of {name}"></figure>'
