"""The builtin renderer: a document's cells are run once, then pandoc makes each format."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.reports.rendering.authors import title_block
from neurotrial.reports.rendering.document import read_document
from neurotrial.reports.rendering.execute import FigureSize, run_tasks
from neurotrial.reports.rendering.formats import quarto_name
from neurotrial.reports.rendering.labels import bibliography_files
from neurotrial.reports.rendering.lint import checked_document
from neurotrial.reports.rendering.outputs import cited_by_block, shown_blocks, tasks_of
from neurotrial.reports.rendering.pandoc import pandoc_version, run_pandoc
from neurotrial.reports.rendering.settings import merge
from neurotrial.reports.rendering.typst_page import page_variables
from neurotrial.reports.rendering.typst_pdf import compile_pdf, typst_version

if TYPE_CHECKING:
    from neurotrial.reports.rendering.document import Document

__all__ = [
    "BUILTIN_FORMATS",
    "READER",
    "Executed",
    "builtin_version",
    "execute_document",
    "execute_loosely",
    "read_tree",
    "render_builtin",
]

ASSETS = Path(__file__).parent
READER = "markdown+autolink_bare_uris-pandoc_title_block-yaml_metadata_block-mmd_title_block"
"""Pandoc's name of the Markdown of documents."""
DEFAULT_SIZE = FigureSize(width=7, height=5, dpi=300)


@dataclass(frozen=True, slots=True)
class _Target:
    """A format: what pandoc writes, its options, and how the finished file is made of what it wrote."""

    writer: str
    options: Callable[[Mapping[str, Any], Path], list[str]]
    finish: Callable[[Path, Path, str], None]


@dataclass(frozen=True, slots=True)
class Executed:
    """A document whose cells have run.

    Attributes
    ----------
    document : Document
        As read.
    shown : tuple of str
        The Markdown of each of its blocks.
    cited : tuple of tuple of str
        What each of its blocks read of the results, as ``key#column``.
    work : Path
        Where ``document.md`` and the pictures of cells are.
    """

    document: Document
    shown: tuple[str, ...]
    cited: tuple[tuple[str, ...], ...]
    work: Path

    @property
    def text(self) -> str:
        """The whole Markdown."""
        return "\n\n".join(self.shown) + "\n"

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders in which pictures are looked for, the first first."""
        return (self.work, self.document.path.parent, self.document.root)


def builtin_version() -> str:
    """Return what the builtin renderer is made of, e.g. ``"pandoc 3.9, typst 0.15.2"``."""
    return f"pandoc {pandoc_version()}, typst {typst_version()}"


def render_builtin(
    path: Path,
    to: Sequence[str],
    folder: Path,
    progress: Callable[[str], None],
    executed: Callable[[Executed], None] = lambda _: None,
) -> dict[str, Path]:
    """Render a document into a folder.

    Parameters
    ----------
    path : Path
        A .qmd file.
    to : sequence of str
        Formats among `BUILTIN_FORMATS`.
    folder : Path
        An existing folder for the results.
    progress : callable
        Told what is done.
    executed : callable
        Given the document when its cells have run.

    Returns
    -------
    dict of str to Path
        The file of each format.

    Raises
    ------
    InputError
        If the document does not pass the linter.
    RenderError
        If a cell or the conversion fails.
    """
    with tempfile.TemporaryDirectory(prefix="neurotrial-render-") as name:
        work = Path(name)
        made = execute_document(path, work, progress)
        executed(made)
        files = {target: folder / f"{path.stem}.{target}" for target in to}
        progress(f"writing {', '.join(to)}")
        _convert_all(made.document, files, work)
    return files


def _convert_all(document: Document, files: Mapping[str, Path], work: Path) -> None:
    """Make every format at the same time: pandoc is a process of its own."""
    with ThreadPoolExecutor(len(files)) as pool:
        running = [pool.submit(_convert, document, target, work, out) for target, out in files.items()]
    for one in running:
        one.result()


def execute_document(path: Path, work: Path, progress: Callable[[str], None]) -> Executed:
    """Check a document, run its cells, and write its Markdown to ``document.md`` in a folder.

    Parameters
    ----------
    path : Path
        A .qmd file.
    work : Path
        An existing folder for the Markdown and the pictures of cells.
    progress : callable
        Told what is done.

    Returns
    -------
    Executed
        Document, Markdown of each block, and the folder.

    Raises
    ------
    InputError, RenderError
        As `render_builtin`.
    """
    progress(f"checking {path.name}")
    document = checked_document(path)
    made = _executed(document, work, progress)
    (work / "document.md").write_text(made.text, "utf-8")
    return made


def read_tree(executed: Executed) -> dict[str, Any]:
    """Return pandoc's tree of an executed document: floats, citations and cross-references resolved as in html."""
    document, work = executed.document, executed.work
    written = work / "tree.json"
    settings = merge(document.metadata, document.formats.get("html", {}))
    run_pandoc(_arguments(document, settings, "json", work, written), work, document.path.name)
    tree: dict[str, Any] = json.loads(written.read_text("utf-8"))
    return tree


def execute_loosely(path: Path, progress: Callable[[str], None]) -> Executed:
    """Run the cells of a document of which only the text is wanted.

    Parameters
    ----------
    path : Path
        A .qmd file; what lies outside the builtin renderer's subset stays as it is, or is left out.
    progress : callable
        Told what is done.

    Returns
    -------
    Executed
        Its folder, and the pictures in it, are gone.

    Raises
    ------
    InputError, RenderError
        If the document cannot be read or a cell fails.
    """
    document, _ = read_document(path)
    with tempfile.TemporaryDirectory(prefix="neurotrial-execute-") as name:
        return _executed(document, Path(name), progress, lost=[])


def _executed(
    document: Document, work: Path, progress: Callable[[str], None], lost: list[str] | None = None
) -> Executed:
    size = _figure_size(document.metadata)
    environment = {"NEUROTRIAL_RENDERER": f"builtin ({builtin_version()})"}
    outputs = run_tasks(tasks_of(document), document.path.parent, size, environment, progress)
    shown = shown_blocks(document, outputs, work, size.dpi, lost)
    return Executed(document, tuple(shown), tuple(cited_by_block(document, outputs)), work)


def _figure_size(metadata: Mapping[str, Any]) -> FigureSize:
    return FigureSize(
        float(metadata.get("fig-width", DEFAULT_SIZE.width)),
        float(metadata.get("fig-height", DEFAULT_SIZE.height)),
        int(metadata.get("fig-dpi", DEFAULT_SIZE.dpi)),
    )


def _convert(document: Document, target: str, work: Path, out: Path) -> None:
    settings = merge(document.metadata, document.formats.get(quarto_name(target), {}))
    made = BUILTIN_FORMATS[target]
    written = work / f"document.{made.writer.partition('-')[0]}"
    arguments = [
        *_arguments(document, settings, made.writer, work, written),
        *_common_options(settings),
        *made.options(settings, work),
    ]
    run_pandoc(arguments, work, document.path.name)
    made.finish(written, out, document.path.name)


def _arguments(
    document: Document, settings: Mapping[str, Any], writer: str, work: Path, written: Path
) -> list[str]:
    """Return pandoc's arguments for any format; the metadata are written to the folder."""
    metadata = work / f"{writer}-metadata.json"
    metadata.write_text(json.dumps(_metadata(document, settings), ensure_ascii=False, default=str), "utf-8")
    places = os.pathsep.join(map(str, (work, document.path.parent, document.root)))
    return [
        *("document.md", f"--from={READER}", f"--to={writer}", "--standalone", "--wrap=none"),
        *(f"--output={written}", f"--metadata-file={metadata.name}", f"--resource-path={places}"),
        *(f"--lua-filter={ASSETS / 'qmd.lua'}", "--citeproc"),
    ]


def _metadata(document: Document, settings: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("title", "subtitle", "abstract", "keywords", "csl", "nocite", "link-citations", "toc-title")
    values = {key: settings[key] for key in kept if key in settings}
    values |= title_block(settings)
    values["lang"] = str(settings.get("lang", "en"))
    values["bibliography"] = [str(file) for file in bibliography_files(document)]
    if not values.get("title"):
        values["pagetitle"] = document.path.stem
    return values


def _common_options(settings: Mapping[str, Any]) -> list[str]:
    options = ["--number-sections"] if settings.get("number-sections") else []
    if settings.get("toc"):
        options += ["--toc", f"--toc-depth={int(settings.get('toc-depth', 3))}"]
    return options


def _html_options(settings: Mapping[str, Any], _: Path) -> list[str]:
    own = settings.get("css") or []
    sheets = [str(ASSETS / "page.css"), *([own] if isinstance(own, str) else own)]
    styles = [f"--css={sheet}" for sheet in sheets]
    tools = f"--include-after-body={ASSETS.parent / 'page-tools.html'}"
    return [f"--template={ASSETS / 'page.html'}", "--mathml", "--embed-resources", tools, *styles]


def _docx_options(settings: Mapping[str, Any], work: Path) -> list[str]:
    reference = settings.get("reference-doc")
    if not reference:
        from neurotrial.reports.rendering.word_reference import write_reference_docx

        reference = work / "reference.docx"
        write_reference_docx(reference)
    return [f"--template={ASSETS / 'word-page.openxml'}", f"--reference-doc={reference}"]


def _pdf_options(settings: Mapping[str, Any], _: Path) -> list[str]:
    variables = [f"--variable={key}={value}" for key, value in page_variables(settings).items()]
    return [f"--template={ASSETS / 'page.typst'}", f"--lua-filter={ASSETS / 'typst.lua'}", *variables]


def _finish_html(written: Path, out: Path, _: str) -> None:
    shutil.copyfile(written, out)


def _finish_docx(written: Path, out: Path, _: str) -> None:
    from neurotrial.reports.rendering.word_finish import finish_word

    finish_word(written)
    shutil.copyfile(written, out)


BUILTIN_FORMATS = {
    "html": _Target("html", _html_options, _finish_html),
    "docx": _Target("docx", _docx_options, _finish_docx),
    "pdf": _Target("typst-smart", _pdf_options, compile_pdf),
}
"""The formats of the builtin renderer."""
