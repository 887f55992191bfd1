"""Which settings the builtin renderer keeps, and which of Quarto's it must refuse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import Problem
from neurotrial.reports.rendering.authors import author_problems
from neurotrial.reports.rendering.settings import PATH_KEYS, Settings
from neurotrial.reports.rendering.source import NEEDS_QUARTO
from neurotrial.reports.rendering.typst_page import PAGE_SETTINGS

if TYPE_CHECKING:
    from neurotrial.reports.rendering.document import Document

__all__ = ["settings_problems"]

EXECUTE_DEFAULTS: dict[str, Any] = {
    "echo": True,
    "eval": True,
    "include": True,
    "output": True,
    "warning": True,
}
"""Quarto's defaults of the execution options that cells may override."""

FORMAT_KEYS = {
    "html": {
        "toc",
        "toc-depth",
        "toc-title",
        "number-sections",
        "embed-resources",
        "html-math-method",
        "css",
        "include-after-body",
    },
    "docx": {"toc", "toc-depth", "toc-title", "number-sections", "reference-doc", "filters"},
    "typst": {"toc", "toc-depth", "toc-title", "number-sections", "citeproc", *PAGE_SETTINGS},
}
"""The keys of the format blocks that the builtin renderer keeps."""

OWN_FILES = {
    "filters": ("filter", "word-floats.lua"),
    "include-after-body": ("include after the body", "page-tools.html"),
}
"""The one project filter and the one include that the builtin renderer applies by itself, by the keys that name them."""

_EVERYWHERE = (
    "title subtitle author affiliations date keywords abstract lang bibliography csl nocite link-citations "
    "citeproc format execute jupyter engine fig-width fig-height fig-dpi metadata-files project"
)
_KEPT = {*_EVERYWHERE.split(), *FORMAT_KEYS["html"], *FORMAT_KEYS["docx"]} - {"include-after-body"}

_QUARTO = """
    about acknowledgements anchor-sections appendix-cite-as appendix-style authors aliases bibliographystyle
    biblio-style blocks-in-inlines book brand cache callout-appearance callout-icon cap-location categories
    citation citation-location citations-hover classoption cite-method code-annotations code-block-bg
    code-block-border-left code-copy code-fold code-line-numbers code-link code-overflow code-summary
    code-tools comments copyright crossref crossrefs-hover date-format date-modified default-image-extension
    df-print document-css documentclass doi draft editor_options email-obfuscation execute-dir
    extensions extract-media fig-align fig-asp fig-cap-location fig-env fig-format fig-pos fig-responsive file-scope
    fontsize footnotes-hover format-links freeze from funding geometry grid header-includes highlight-style
    hypothesis identifier-prefix include-after-body include-before-body include-in-header indent
    institute institutes ipynb-filters ipynb-shell-interactivity keep-hidden keep-ipynb keep-md knitr
    latex-auto-install license lightbox linestretch link-external-icon link-external-newwindow listing lof lot
    mainfont manuscript margin-bottom margin-left margin-right margin-top mathjax max-width mermaid
    monofont notebook-links notebook-subarticles notebook-view notebooks number-depth number-offset
    output-ext output-file page-layout pagetitle papersize params parameters pdf-engine
    pdf-standard profile quarto-required reader reference-location reference-section-title
    repo-actions resource-path resources respect-user-color-scheme revealjs-plugins
    sansfont section-divs self-contained self-contained-math shift-heading-level-by
    shortcodes sidebar site-url smooth-scroll standalone strip-comments suppress-bibliography syntax-definitions
    syntax-highlighting tab-stop table-of-contents tbl-cap-location tbl-colwidths template template-partials
    thanks theme theorem-appearance title-block-banner title-block-categories title-block-style title-prefix
    toc-expand toc-location top-level-division track-changes validate-yaml version-control website wrap
    abstract-title description variant writer
"""
_REFUSED = set(_QUARTO.split()) - _KEPT

_BESIDE = ("_quarto.yml.local", "_environment", "_environment.local", "_extensions")


def settings_problems(document: Document) -> list[Problem]:
    """Return what the settings ask for and the builtin renderer does not do."""
    problems = [problem for settings in document.settings for problem in _file_problems(settings)]
    problems += author_problems(document.metadata, document.settings[-1])
    return problems + list(_surroundings(document))


def _file_problems(settings: Settings) -> Iterator[Problem]:
    values = settings.values
    yield from (_needs(settings, key, f"option {key}") for key in values if key in _REFUSED)
    yield from _value_problems(settings, ())
    yield from _block_problems(settings)
    yield from _execute_problems(settings)
    yield from _project_problems(settings)


def _needs(settings: Settings, key: str, what: str, *above: str) -> Problem:
    return Problem(settings.where(*above, key), f"{what} needs Quarto", NEEDS_QUARTO)


def _block_problems(settings: Settings) -> Iterator[Problem]:
    blocks = settings.values.get("format")
    for name, keys in FORMAT_KEYS.items():
        block = blocks.get(name) if isinstance(blocks, dict) else None
        if isinstance(block, dict):
            yield from (
                _needs(settings, key, f"option {key} of format {name}", "format", name)
                for key in block
                if key not in keys
            )
            yield from _value_problems(settings, ("format", name))
            if name == "typst":
                yield from _page_problems(settings, block)


def _page_problems(settings: Settings, block: dict[str, Any]) -> Iterator[Problem]:
    for key, fits in PAGE_SETTINGS.items():
        if key in block and not fits(block[key]):
            yield _needs(settings, key, f"{key}: {block[key]}", "format", "typst")


def _value_problems(settings: Settings, above: tuple[str, ...]) -> Iterator[Problem]:
    """Check the values that mean something else, or nothing, to the builtin renderer."""
    values = settings.values
    for key in above:
        values = values[key]
    wanted: dict[str, Callable[[Any], bool]] = {
        "embed-resources": lambda value: value is True,
        "html-math-method": lambda value: value == "mathml",
        "citeproc": lambda value: value is True,
        "jupyter": lambda value: value == "python3",
        "engine": lambda value: value == "jupyter",
        "lang": lambda value: str(value).split("-")[0] == "en",
        "date": lambda value: str(value) not in {"now", "last-modified"},
    }
    for key, fits in wanted.items():
        if key in values and not fits(values[key]):
            yield _needs(settings, key, f"{key}: {values[key]}", *above)
    for key in PATH_KEYS if above else [key for key in PATH_KEYS if key not in _REFUSED]:
        yield from _file_value_problems(settings, values.get(key) or [], key, above)


def _file_value_problems(
    settings: Settings, value: Any, key: str, above: tuple[str, ...]
) -> Iterator[Problem]:
    for name in value if isinstance(value, list) else [value]:
        what, own = OWN_FILES.get(key, ("", None))
        if own and not (isinstance(name, str) and Path(name).name == own):
            yield _needs(settings, key, f"{what} {name}", *above)
        elif not Path(str(name)).is_file():
            yield Problem(
                settings.where(*above, key),
                f"{key} names {Path(str(name)).name}, which does not exist",
                "add the file or mend its name",
            )


def _execute_problems(settings: Settings) -> Iterator[Problem]:
    execute = settings.values.get("execute") or {}
    neutral = {"freeze": False, "cache": False, "error": False, "enabled": True}
    for key, value in execute.items():
        if key in neutral and value is not neutral[key]:
            yield _needs(settings, key, f"execute: {key}: {str(value).lower()}", "execute")
        elif key not in neutral and key not in EXECUTE_DEFAULTS:
            yield _needs(settings, key, f"execute option {key}", "execute")
        elif key in EXECUTE_DEFAULTS and not isinstance(value, bool):
            yield _needs(settings, key, f"execute: {key}: {value}", "execute")


def _project_problems(settings: Settings) -> Iterator[Problem]:
    project = settings.values.get("project") or {}
    for key, value in project.items():
        plain = key in {"output-dir", "render", "title"} or (key, value) in {
            ("type", "default"),
            ("execute-dir", "file"),
        }
        if not plain:
            yield _needs(settings, key, f"project: {key}: {value}", "project")


def _surroundings(document: Document) -> Iterator[Problem]:
    """Look for files and variables by which Quarto would change the settings."""
    if os.environ.get("QUARTO_PROFILE"):
        yield Problem("QUARTO_PROFILE", "a project profile needs Quarto", "unset QUARTO_PROFILE")
    folders = [folder for folder in document.path.parents if folder.is_relative_to(document.root)]
    files = [folder / "_metadata.yml" for folder in folders]
    for file in [*files, *(document.root / name for name in _BESIDE)]:
        if file.exists():
            label = file.relative_to(document.root).as_posix()
            yield Problem(label, f"{file.name} needs Quarto", "move its settings into _quarto.yml")
