"""What pandoc leaves to do in a Word file."""

from __future__ import annotations

import io
from pathlib import Path

from neurotrial.reports.rendering.word_pictures import fit_pictures
from neurotrial.reports.rendering.word_tables import finish_tables
from neurotrial.reports.rendering.word_zip import repack

__all__ = ["finish_word"]


def finish_word(path: Path) -> None:
    """Finish tables and pictures of a Word file that pandoc wrote, in place.

    Parameters
    ----------
    path : Path
        The .docx file.
    """
    from docx import Document

    document = Document(str(path))
    fit_pictures(document)
    finish_tables(document)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(repack(buffer.getvalue()))
