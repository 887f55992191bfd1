"""How two files of a report differ: in words that are read, or only in what carries them."""

from __future__ import annotations

import difflib
from pathlib import Path

__all__ = ["differing_words", "has_words"]

_SHOWN = 6
_WORDS = 12


def has_words(path: Path) -> bool:
    """Tell whether the words of a file can be compared: of html and docx they can."""
    return path.suffix in {".html", ".docx"}


def differing_words(old: Path, new: Path) -> list[str]:
    """Return the first places where the words of two files differ, ``- old`` and ``+ new``; empty where none do.

    Parameters
    ----------
    old, new : Path
        Two files for which `has_words` holds, of one format.
    """
    before, after = _words(old), _words(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    found = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            found += [
                f"{sign} {' '.join(part[:_WORDS])}"
                for sign, part in (("-", before[a:b]), ("+", after[c:d]))
                if part
            ]
    return found[:_SHOWN]


def _words(path: Path) -> list[str]:
    """Return the paragraphs and cells of a file: fewer pieces than words, and a difference is read in its sentence."""
    if path.suffix == ".docx":
        import docx
        from docx.oxml.ns import qn

        body = docx.Document(str(path)).element.body
        texts = ("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p")))
    else:
        from lxml import html

        page = html.fromstring(path.read_text("utf-8"))
        for element in page.xpath("//script | //style | //svg"):
            element.drop_tree()
        texts = iter(page.itertext())
    return [line for text in texts if (line := " ".join(text.split()))]
