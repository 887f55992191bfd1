"""From typst markup to a pdf that is accessible (PDF/UA-1) and looks the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neurotrial.errors import RenderError

if TYPE_CHECKING:
    from typst import TypstError

__all__ = ["compile_pdf", "typst_version"]

STANDARD: Literal["ua-1"] = "ua-1"
"""The standard under which the compiler refuses images and equations without alternative text."""

LINES_SHOWN = 24
_NO_GLYPH = re.compile(r"the text `(\".*?\")` could not be displayed")
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_PLACE = re.compile(r"┌─ .*?([^/\\\s]+\.typ\w*)")


def typst_version() -> str:
    """Return the version of the typst package, e.g. ``"0.15.2"``."""
    from importlib.metadata import version

    return version("typst")


def compile_pdf(source: Path, out: Path, document: str) -> None:
    """Compile typst markup.

    Only the fonts that the compiler brings are used, so that a document looks the same everywhere; those of the machine
    come in where a character is in none of them. A box stands for what no font has, and the document says so.

    Parameters
    ----------
    source : Path
        The markup; it can read files of its own folder only.
    out : Path
        The pdf. No date is in it: the same markup and fonts give the same bytes.
    document : str
        What messages call the document.

    Raises
    ------
    RenderError
        With what the compiler said: an image or equation without alternative text, headings that skip a level.
    """
    from typst import TypstError

    try:
        _compile(source, out, document, own_fonts_only=True)
    except TypstError as error:
        if not _without_glyph(error):
            raise _refusal(document, error) from None
        _compile_with_system_fonts(source, out, document)


def _compile_with_system_fonts(source: Path, out: Path, document: str) -> None:
    from typst import TypstError

    missing = ""
    for _ in range(2):
        try:
            _compile(source, out, document, own_fonts_only=False, missing=missing)
        except TypstError as error:
            found = _without_glyph(error)
            if missing or not found:
                raise _refusal(document, error) from None
            missing = found
        else:
            return


def _compile(source: Path, out: Path, document: str, *, own_fonts_only: bool, missing: str = "") -> None:
    from typst import compile_with_warnings

    pdf, warnings = compile_with_warnings(
        source,
        root=source.parent,
        ignore_system_fonts=own_fonts_only,
        sys_inputs={"missing": missing},
        format="pdf",
        pdf_standards=STANDARD,
    )
    if warnings:
        msg = (
            f"{document}: typst warns of something in the pdf\n{_shown(item.diagnostic for item in warnings)}"
        )
        raise RenderError(msg)
    out.write_bytes(pdf)


def _without_glyph(error: TypstError) -> str:
    """Return the characters that no font could draw, each once."""
    texts = "".join(
        _ESCAPE.sub(lambda code: chr(int(code[1], 16)), text) for text in _NO_GLYPH.findall(error.diagnostic)
    )
    return "".join(dict.fromkeys(character for character in texts if not character.isascii()))


def _refusal(document: str, error: TypstError) -> RenderError:
    return RenderError(f"{document}: typst could not make the pdf\n{_shown([error.diagnostic])}")


def _shown(diagnostics: Iterable[str]) -> str:
    """Indent what the compiler said, without the place of the folder in which it worked."""
    lines = [line for text in diagnostics for line in _PLACE.sub(r"┌─ \1", text).splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[:LINES_SHOWN])
