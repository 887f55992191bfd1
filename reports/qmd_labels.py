"""Labels, cross-references and citations of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.reports.qmd_lint_text import ATTRIBUTES
from neurotrial.reports.qmd_source import NEEDS_QUARTO

if TYPE_CHECKING:
    from neurotrial.reports.qmd_document import Document
    from neurotrial.reports.qmd_visible import Visible

__all__ = ["bibliography_files", "label_problems"]

_LABELLED = re.compile(r"#((?:fig|tbl|eq|sec)-[\w-]+|[A-Za-z][\w:.-]*)")
_CITED = re.compile(r"(?<![\w\\@/])@([A-Za-z_][\w:.#$%&+?<>~/-]*[\w/]|[A-Za-z_])")
_GROUP = re.compile(r"\[([^\[\]]*?-?@[^\[\]]*)\](?!\()")
_ITEM = re.compile(r"(?s)^(?P<prefix>.*?)(?P<minus>-?)@(?P<key>[\w:.#$%&+?<>~/-]*[\w/])(?P<suffix>.*)$")
_REFERENCE = re.compile(r"(fig|tbl|eq|sec)-.+")
_OTHER_REFERENCE = re.compile(
    r"(thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|alg|lst|nte|tip|wrn|imp|cau|supfig|suptbl)-.+"
)
_BIBTEX_KEY = re.compile(r"^\s*@\w+\s*[{(]\s*([^\s,{}]+)\s*,", re.MULTILINE)


def label_problems(document: Document, visible: Visible) -> list[Problem]:
    """Return duplicated labels, references to nothing, and citations that the formats would print differently."""
    labels = list(_labels(document, visible))
    known = {label for _, label in labels}
    return [
        *_duplicates(labels),
        *_unknown_references(document, visible, known),
        *_groups(document, visible),
    ]


def _labels(document: Document, visible: Visible) -> Iterator[tuple[str, str]]:
    for where, match in visible.find(ATTRIBUTES):
        bare = re.sub(r"=\"[^\"]*\"", "=", match[0])
        for found in _LABELLED.finditer(bare):
            yield where, found[1]
    for cell in document.cells:
        if "label" in cell.options:
            yield cell.where("label"), str(cell.options["label"])


def _duplicates(labels: list[tuple[str, str]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for where, label in labels:
        if label in first:
            yield Problem(
                where, f"label {label} is used twice", "give one of them another name", (first[label],)
            )
        first.setdefault(label, where)


def _lowered(key: str) -> str:
    """``@Fig-x`` at the start of a sentence means ``@fig-x``."""
    return key[:1].lower() + key[1:]


def _unknown_references(document: Document, visible: Visible, known: set[str]) -> Iterator[Problem]:
    # text that cells write may bring labels; those are checked when the document is converted
    written = any(cell.options.get("output") == "asis" for cell in document.cells)
    bibliography = _bibliography_keys(document)
    for where, match in visible.find(_CITED):
        key = match[1]
        if _REFERENCE.fullmatch(_lowered(key)):
            if _lowered(key) not in known and not written:
                yield Problem(where, f"@{key} refers to no label", "add the label or mend the name")
            if _lowered(key).startswith("sec-") and document.metadata.get("number-sections") is not True:
                yield Problem(
                    where, f"@{key} refers to a section without number", "set number-sections: true"
                )
        elif _OTHER_REFERENCE.fullmatch(_lowered(key)) and key not in (bibliography or ()):
            yield Problem(where, f"the reference @{key} needs Quarto", NEEDS_QUARTO)
        elif bibliography is not None and key not in bibliography:
            yield Problem(where, f"@{key} is not in the bibliography", "add the entry or mend the key")


def bibliography_files(document: Document) -> list[Path]:
    """Return the bibliography files of a document."""
    value = document.metadata.get("bibliography") or []
    return [Path(name) for name in (value if isinstance(value, list) else [value])]


def _bibliography_keys(document: Document) -> set[str] | None:
    """Return the keys of the bibliography; None where it is in a form that is left to pandoc."""
    files = [file for file in bibliography_files(document) if file.is_file()]
    if any(file.suffix != ".bib" for file in files):
        return None
    return {key for file in files for key in _BIBTEX_KEY.findall(file.read_text("utf-8"))}


def _groups(document: Document, visible: Visible) -> Iterator[Problem]:
    numeric = _is_numeric(document)
    for where, match in visible.find(_GROUP):
        items = [found for item in match[1].split(";") if (found := _ITEM.match(item))]
        kinds = {_REFERENCE.fullmatch(_lowered(item["key"])) is not None for item in items}
        if len(kinds) > 1:
            yield Problem(where, f"{match[0]} mixes labels and citations", "use a bracket for each")
        for item in items:
            reference = _REFERENCE.fullmatch(_lowered(item["key"]))
            if numeric and not reference and item["prefix"].strip():
                yield Problem(
                    where,
                    f"the words before the citation in {match[0]} are lost in a numeric style",
                    f"write them outside: {item['prefix'].strip()} [@{item['key']}]",
                )
            if reference and item["suffix"].strip():
                yield Problem(
                    where, f"text after a label in {match[0]} needs Quarto", "write it behind the bracket"
                )


def _is_numeric(document: Document) -> bool:
    file = Path(str(document.metadata.get("csl", "")))
    return file.is_file() and 'citation-format="numeric"' in file.read_text("utf-8")
