"""Which Markdown the builtin renderer keeps: divs, attributes, raw HTML, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.reports.rendering.source import NEEDS_QUARTO, Line

if TYPE_CHECKING:
    from neurotrial.reports.rendering.visible import Visible

__all__ = ["ATTRIBUTES", "text_problems"]

ATTRIBUTES = re.compile(r"\{(?=[^{}]*[#.=])(?:[^{}\"\n]|\"[^\"\n]*\")*\}")
"""An attribute block in braces."""

_DIV = re.compile(r"^\s*:{3,}\s*(?P<info>\S.*?)?\s*:*\s*$")
_CLASS = re.compile(r"(?<![\w-])\.([A-Za-z][\w-]*)")
_IDENTIFIER = re.compile(r"#([A-Za-z][\w:-]*)")
_KEY = re.compile(r"([A-Za-z][\w-]*)=\"?([^\s\"}]*)")
_QUOTED = re.compile(r"=\"[^\"]*\"")
_HTML = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>")
_OTHER_LANGUAGE = re.compile(r"(?<!`)`\{(?!python\}|=)[a-z]+\}[ \t]")
_MATH_VALUE = re.compile(r"\$[^$\n]*`\{python\}[^`\n]*`[^$\n]*\$")
_DOCUMENT_LINK = re.compile(r"\]\(([^()\s]+\.(?:qmd|ipynb))(?:#[^()]*)?\)")
_YAML_BLOCK = re.compile(r"(?:^|\n)[ \t]*\n---[ \t]*\n(?=[^\s])")

CALLOUTS = ("note", "tip", "warning", "important", "caution")
_BAD_CLASS = re.compile(
    r"column-\w+|column|columns|aside|panel-(?!tabset$)\w+|grid|g-col-\d+|fragment|incremental|nonincremental|landscape|"
    r"proof|remark|solution|hidden|lightbox|absolute|unnumbered-eq|tabset-\w+|no-external|cell-annotation|"
    r"code-annotation\S*|listing|mermaid|quarto-\S+|hero|button|"
    f"callout-(?!(?:{'|'.join(CALLOUTS)})$)\\S+"
)
_BAD_KEY = re.compile(
    r"layout\S*|code-\S+|lst-\S+|fig-(?!alt$)\S+|tbl-\S+|collapse|appearance|icon|filename|group|lightbox|"
    r"(?:when|unless)-(?:profile|meta)"
)
_THEOREMS = ("thm", "lem", "cor", "prp", "cnj", "def", "exm", "exr", "sol", "rem", "alg")
_BAD_IDENTIFIER = re.compile(rf"(?:{'|'.join(_THEOREMS)}|lst|nte|tip|wrn|imp|cau)-\S+")
FORMAT_WORDS = ("html", "docx", "pdf", "typst", "latex", "epub")


def text_problems(visible: Visible) -> list[Problem]:
    """Return the Markdown constructs that the builtin renderer would not render as Quarto does."""
    return [
        *_attributes(visible),
        *_divs(visible),
        *_patterns(visible),
    ]


def _needs(where: str, what: str, remedy: str = NEEDS_QUARTO) -> Problem:
    return Problem(where, f"{what} needs Quarto", remedy)


def _attributes(visible: Visible) -> Iterator[Problem]:
    for where, match in visible.find(ATTRIBUTES):
        block = match[0]
        bare = _QUOTED.sub("=", block)
        for pattern, bad, what in (
            (_CLASS, _BAD_CLASS, "class"),
            (_IDENTIFIER, _BAD_IDENTIFIER, "label"),
            (_KEY, _BAD_KEY, "attribute"),
        ):
            for found in pattern.finditer(bare):
                if bad.fullmatch(found[1]):
                    yield _needs(where, f"{what} {found[1]}")
        yield from _conditions(where, dict(_KEY.findall(block)))


def _conditions(where: str, values: dict[str, str]) -> Iterator[Problem]:
    keys = [key for key in ("when-format", "unless-format") if key in values]
    for key in keys:
        if values[key] not in FORMAT_WORDS:
            yield _needs(where, f"{key}={values[key]}", f"use one of {', '.join(FORMAT_WORDS)}")
    if len(keys) > 1:
        yield _needs(where, "when-format together with unless-format", "nest two divs")


def _divs(visible: Visible) -> Iterator[Problem]:
    """Follow the nesting of fenced divs."""
    stack: list[tuple[Line, str]] = []
    for line, text in visible:
        found = _DIV.match(text)
        if not found:
            continue
        info = found["info"]
        if info:
            if _is_float(info) and any(_is_float(outer) for _, outer in stack):
                yield _needs(line.where, "a subfigure", "make each panel its own figure, or one image of all")
            if not info.startswith("{") and _BAD_CLASS.fullmatch(info):
                yield _needs(line.where, f"class {info}")
            if re.search(r"\.content-(visible|hidden)\b", info) and not re.search(r"(when|unless)-", info):
                yield Problem(
                    line.where, "the condition is missing", 'add when-format="..." or unless-format="..."'
                )
            stack.append((line, info))
        elif stack:
            stack.pop()
        else:
            yield Problem(line.where, "::: closes nothing", "remove it, or open the div")
    for line, _ in stack:
        yield Problem(line.where, "the div is not closed", "close it with a line :::")


def _is_float(info: str) -> bool:
    return re.search(r"#(fig|tbl)-", info) is not None


def _patterns(visible: Visible) -> Iterator[Problem]:
    for where, match in visible.find(_HTML):
        yield _needs(
            where,
            f"raw HTML ({match[0]})",
            'write Markdown, or a ```{=html} block in ::: {.content-visible when-format="html"}',
        )
    for where, match in visible.find(_DOCUMENT_LINK):
        yield _needs(where, f"a link to the document {match[1]}", "link to the rendered file")
    for where, _ in visible.find(_YAML_BLOCK):
        yield _needs(
            where, "a second YAML block", "move it into the front matter; leave a line free below a rule"
        )
    for pattern, what in (
        (_OTHER_LANGUAGE, "an inline expression of another language than Python"),
        (_MATH_VALUE, "an inline value within mathematics"),
    ):
        for match in pattern.finditer(visible.raw):
            yield _needs(visible.where(match.start()), what)
