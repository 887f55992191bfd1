"""The anchors of a manuscript, handed from its rendering to the documents that hold its checklists."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import refuse
from neurotrial.paths import write_text
from neurotrial.reports.checklists.anchors import Anchor, document_anchors
from neurotrial.reports.rendering.document import Document, Markdown, read_document

if TYPE_CHECKING:
    from neurotrial.results import Results

__all__ = ["ANCHOR_FILE", "MANUSCRIPT", "read_anchors", "write_anchors"]

ANCHOR_FILE = "_anchors.json"
"""In the study folder, beside ``_variables.yml``."""

MANUSCRIPT = "reports/manuscript.qmd"
"""The document that checklists are about."""

_REMEDY = "run `neurotrial report`, which renders the manuscript first"


def write_anchors(folder: Path, results: Results, markdown: str) -> None:
    """Write the anchors of the manuscript of a study folder.

    Parameters
    ----------
    folder : Path
        The study folder.
    results : Results
        What the manuscript shows.
    markdown : str
        The manuscript with the output of its cells in place.
    """
    document, _ = read_document(folder / MANUSCRIPT)
    title = str(document.metadata.get("title", ""))
    numbered = document.metadata.get("number-sections") is True
    anchors = document_anchors(markdown, title, numbered=numbered)
    content = {
        "fingerprint": _fingerprint(document, results),
        "anchors": [asdict(anchor) for anchor in anchors],
    }
    write_text(folder / ANCHOR_FILE, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read_anchors(folder: Path, results: Results) -> dict[str, Anchor]:
    """Read the anchors of the manuscript, by their labels.

    Parameters
    ----------
    folder : Path
        The study folder.
    results : Results
        What the documents show.

    Returns
    -------
    dict of str to Anchor
        In document order.

    Raises
    ------
    InputError
        If there is no manuscript, its anchors were not collected, or were collected from another text or other results.
    """
    manuscript, file = folder / MANUSCRIPT, folder / ANCHOR_FILE
    if not manuscript.is_file():
        raise refuse(
            MANUSCRIPT,
            "is not there, and checklists are about it",
            "put it back, or take the checklists out of the other documents",
        )
    if not file.is_file():
        raise refuse(ANCHOR_FILE, f"is not there: nobody has looked through {MANUSCRIPT}", _REMEDY)
    document, _ = read_document(manuscript)
    try:
        content = json.loads(file.read_text("utf-8"))
        current = content["fingerprint"] == _fingerprint(document, results)
        anchors = [Anchor(**{**item, "path": tuple(item["path"])}) for item in content["anchors"]]
    except (ValueError, KeyError, TypeError):
        raise refuse(ANCHOR_FILE, "is not a file that neurotrial wrote", _REMEDY) from None
    if not current:
        raise refuse(ANCHOR_FILE, f"is older than {MANUSCRIPT} or the results", _REMEDY)
    return {anchor.name: anchor for anchor in anchors}


def _fingerprint(document: Document, results: Results) -> str:
    """Return a digest of what makes a manuscript: its text with includes, its title, and the fit."""
    blocks = [
        "\n".join(line.text for line in block.lines) if isinstance(block, Markdown) else block.code
        for block in document.blocks
    ]
    parts = [
        *blocks,
        document.metadata.get("title"),
        document.metadata.get("number-sections"),
        results.provenance,
    ]
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
