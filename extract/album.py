"""All pictures of an extraction on one page, to look through: what failed and what is flagged first; never by arm."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from neurotrial.paths import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

__all__ = ["ALBUM", "write_album"]

ALBUM = "pictures.html"
_SCAN = ("participant_id", "visit", "run", "modality")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem }}
figure, .failed {{ margin: 0 0 1.5rem }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
caption {{ text-align: left; font-weight: bold; padding-bottom: 0.4rem }}
th, td {{ text-align: right; padding: 0.15rem 0.6rem; border-bottom: 1px solid #ccc }}
th:first-child, td:first-child {{ text-align: left }}
img {{ max-width: 100%; height: auto }}
.failed, .flags {{ color: #b00020 }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{counts}. Decisions on scans are made in tables/decisions.tsv; a flag excludes nothing.</p>
<p><label>Order: <select id="order"><option value="rank">failed and flagged first</option><option value="scan">participant and \
visit</option></select></label> <label><input type="checkbox" id="remarkable"> only failed and flagged</label></p>
{motion}
<div id="scans">
{scans}
</div>
</main>
<script>
const box = document.getElementById("scans"), order = document.getElementById("order"), only = document.getElementById("remarkable");
function show() {{
  const own = [...box.children];
  own.sort((a, b) => order.value === "rank" ? a.dataset.rank - b.dataset.rank || a.dataset.scan - b.dataset.scan
    : a.dataset.scan - b.dataset.scan);
  for (const item of own) {{ box.append(item); item.hidden = only.checked && item.dataset.rank === "2"; }}
}}
order.addEventListener("change", show); only.addEventListener("change", show);
</script>
</body>
</html>
"""


def write_album(status: pd.DataFrame, quality: pd.DataFrame, motion_link: pd.DataFrame, folder: Path) -> Path:
    """Write a page with the picture of every scan that was made.

    Parameters
    ----------
    status, quality : DataFrame
        The contracts of these names.
    folder : Path
        The folder ``extraction`` of the study; the pictures are below it.

    Returns
    -------
    Path
        The page: scans that failed, then those with flags, then the others, each in the order of `status`.
    """
    made = status[status["state"] != "skipped"].astype("object")
    rows = made.where(made.notna(), None).to_dict("records")
    flags = _flags(quality)
    scans = [(_rank(row, flags), place, row) for place, row in enumerate(rows)]
    scans.sort(key=lambda scan: scan[:2])
    counts = [sum(rank == own for rank, *_ in scans) for own in range(3)]
    words = f"{len(scans)} scans: {counts[0]} failed, {counts[1]} flagged, {counts[2]} with nothing to remark"
    shown = "\n".join(_scan(row, rank, place, flags.get(_key(row), [])) for rank, place, row in scans)
    page = folder / ALBUM
    write_text(
        page,
        _PAGE.format(title="Pictures of every scan", counts=words, motion=_motion(motion_link), scans=shown),
    )
    return page


def _motion(link: pd.DataFrame) -> str:
    """Return the table of how far motion shows in connections; nothing where there are too few scans."""
    if link.empty:
        return ""
    heads = (
        "Network",
        "visit",
        "connections",
        "scans",
        "median |r|",
        "p &lt; 0.05",
        "with distance, \N{GREEK SMALL LETTER RHO}",
    )
    rows = []
    for row in link.astype("object").to_dict("records"):
        network = escape(f"{row['node_set']}, {row['kind']}, {row['strategy']}")
        cells = [
            network, escape(str(row["visit"])), escape(str(row["edges"])), str(row["n_scans"]), f"{row['median_abs_r']:.2f}",
            f"{row['share_significant']:.0%}", f"{row['distance_rho']:.2f}",
        ]  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    caption = "Motion in connections: correlation over scans of mean framewise displacement with each connection (chance: 5 % with p &lt; 0.05)"
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _key(row: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple("" if row[name] is None else str(row[name]) for name in _SCAN)


def _flags(quality: pd.DataFrame) -> dict[tuple[str, ...], list[str]]:
    """Return the flagged measures of each scan."""
    flagged = quality[quality["flagged"].astype("bool")].astype("object")
    found: dict[tuple[str, ...], list[str]] = {}
    for row in flagged.where(flagged.notna(), None).to_dict("records"):
        words = f"{row['measure']} {row['value']:.3g} (limit {row['threshold']:g})"
        found.setdefault(_key(row), []).append(words)
    return found


def _rank(row: Mapping[Any, Any], flags: Mapping[tuple[str, ...], list[str]]) -> int:
    """Return 0 for a scan that failed, 1 for one with flags, 2 for the others."""
    if row["state"] == "failed":
        return 0
    return 1 if _key(row) in flags else 2


def _scan(row: Mapping[Any, Any], rank: int, place: int, flags: Sequence[str]) -> str:
    run = "" if row["run"] is None else f", run {row['run']}"
    name = escape(f"{row['participant_id']}, {row['visit']}, {row['modality']}{run}")
    data = f'data-rank="{rank}" data-scan="{place}"'
    if row["picture"] is None:
        return f'<p class="failed" {data}>{name}: {escape(str(row["reason"]))}</p>'
    source = escape("../" + row["picture"])
    told = f' <span class="flags">{escape("; ".join(flags))}</span>' if flags else ""
    image = f'<img loading="lazy" src="{source}" alt="Quality control picture of {name}">'
    return f"<figure {data}><figcaption>{name}{told}</figcaption>{image}</figure>"
