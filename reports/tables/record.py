"""What the numbers rest on, as a table: hashes, versions, seed, renderer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["RENDERER_VARIABLE", "record_table"]

RENDERER_VARIABLE = "NEUROTRIAL_RENDERER"
"""Environment variable in which the renderer names itself and its version."""

_ITEMS = {
    "neurotrial": "neurotrial",
    "created": "Fitted (UTC)",
    "seed": "Seed of random streams",
    "n_resamples": "Resamples of permutation tests",
    "python": "Python",
    "platform": "Platform",
    "spec_hash": "Analysis plan, BLAKE2b",
    "study_file_hash": "Study file, BLAKE2b",
    "code_hash": "Code that makes numbers, BLAKE2b",
}


def record_table(data: CitedResults, environment: Mapping[str, str] = os.environ) -> Tabulation:
    """Return versions, seed and hashes of the fit, and what rendered the document.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    environment : mapping of str to str
        Environment variables; `RENDERER_VARIABLE` names the renderer.

    Returns
    -------
    Tabulation
    """
    rows = [{"item": item, "value": value} for item, value in _entries(data.results.provenance, environment)]
    table = make_table("record", rows, {"item": "Item", "value": "Value"}, row_label="item", centre=False)
    return Tabulation("record", table, Markdown("What the numbers of this document rest on."))


def _entries(provenance: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, label in _ITEMS.items():
        if key in provenance:
            yield label, str(provenance[key])
    for name, digest in provenance.get("inputs", {}).items():
        yield f"Input {name}, BLAKE2b", str(digest)
    for package, version in provenance.get("versions", {}).items():
        yield package, str(version)
    if extraction := provenance.get("extraction"):
        yield "Code that measured images, BLAKE2b", str(extraction["code_hash"])
        for package, version in extraction["versions"].items():
            yield f"{package}, for images", str(version)
    yield "Rendered by", environment.get(RENDERER_VARIABLE, "not stated by the renderer")
    for decision in provenance.get("decisions", []):
        yield "Decision", str(decision)
    for warning in provenance.get("warnings", []):
        yield "Warning", str(warning)
