"""Running the Python of a document, once, in a fresh kernel of the running interpreter."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.errors import RenderError

if TYPE_CHECKING:
    from nbclient import NotebookClient

__all__ = ["CITED_MIME", "INLINE_MIME", "FigureSize", "Task", "run_tasks"]

INLINE_MIME = "application/vnd.neurotrial.inline+json"
"""The type under which the kernel hands over inline values: ``{"text": str, "markdown": bool}``."""

CITED_MIME = "application/vnd.neurotrial.cited+json"
"""The type under which the kernel hands over what a task read of the results: a list of ``key#column``."""

TRACEBACK_LINES = 25
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_SETUP = """
def _neurotrial_inline(value):
    from IPython.display import display
    markdown = getattr(value, "_repr_markdown_", None)
    text = str(value) if markdown is None else markdown()
    display({{"{mime}": {{"text": text, "markdown": markdown is not None}}}}, raw=True)
def _neurotrial_figures():
    import matplotlib
    size = {{"figure.figsize": ({width}, {height}), "figure.dpi": {dpi}, "savefig.dpi": "figure"}}
    matplotlib.rcParams.update(size)
def _neurotrial_cited(result):
    import sys
    from IPython.display import display
    module = sys.modules.get("neurotrial.reports.cited")
    citations = module.take_recent() if module else []
    if citations:
        display({{"{cited}": citations}}, raw=True)
_neurotrial_figures()
get_ipython().events.register("post_run_cell", _neurotrial_cited)
del _neurotrial_figures
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of Python to run.

    Attributes
    ----------
    code : str
        The source; an expression if ``inline``.
    where : str
        ``file:line``.
    name : str
        What a message calls it.
    inline : bool
        Whether the value of the expression is wanted, rather than the outputs.
    """

    code: str
    where: str
    name: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class FigureSize:
    """Width and height in inches, resolution in dots per inch."""

    width: float
    height: float
    dpi: int


def run_tasks(
    tasks: Sequence[Task],
    folder: Path,
    size: FigureSize,
    environment: Mapping[str, str],
    progress: Callable[[str], None],
) -> list[list[dict[str, Any]]]:
    """Run tasks in order in one kernel.

    Parameters
    ----------
    tasks : sequence of Task
        May be empty; then no kernel is started.
    folder : Path
        The working directory.
    size : FigureSize
        The default of matplotlib's figures.
    environment : mapping
        Variables added to the kernel's environment.
    progress : callable
        Told what is run.

    Returns
    -------
    list of list of dict
        The outputs of each task, as in a notebook file; the last is of type `CITED_MIME` where the task read results.

    Raises
    ------
    RenderError
        At the first task that fails, with its place, its source and the traceback.
    """
    if not tasks:
        return []
    setup = _SETUP.format(
        mime=INLINE_MIME, cited=CITED_MIME, width=size.width, height=size.height, dpi=size.dpi
    )
    with _kernel([setup, *map(_source, tasks)], folder, environment) as client:
        first, *cells = client.nb.cells
        client.execute_cell(first, 0)
        for number, (task, cell) in enumerate(zip(tasks, cells, strict=True), 1):
            if not task.inline:
                progress(f"cell {number} of {len(tasks)}: {task.name}")
            _run(client, cell, number, task)
    return [[dict(output) for output in cell.outputs] for cell in cells]


def _source(task: Task) -> str:
    return f"_neurotrial_inline(\n{task.code}\n)" if task.inline else task.code


def _run(client: NotebookClient, cell: Any, number: int, task: Task) -> None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    try:
        client.execute_cell(cell, number)
    except CellExecutionError:
        error = next(output for output in cell.outputs if output.output_type == "error")
        raise RenderError(_failure(task, f"{error.ename}: {error.evalue}", error.traceback)) from None
    except DeadKernelError:
        raise RenderError(_failure(task, "the Python process died", [])) from None


def _failure(task: Task, message: str, traceback: Sequence[str]) -> str:
    lines = _ANSI.sub("", "\n".join(traceback)).strip().splitlines()
    shown = [*(["..."] if len(lines) > TRACEBACK_LINES else []), *lines[-TRACEBACK_LINES:]]
    parts = [f"{task.where}: {task.name} failed: {message}", _indent(task.code.splitlines()), _indent(shown)]
    return "\n\n".join(part for part in parts if part)


def _indent(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines)


@contextmanager
def _kernel(sources: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[NotebookClient]:
    """Start a kernel whose files (connection, history, start-up scripts) are in a folder of its own."""
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbformat import v4

    make: Any = v4  # its functions carry no types
    cells = [make.new_code_cell(source) for source in sources]
    with tempfile.TemporaryDirectory(prefix="neurotrial-kernel-") as private:
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=_spec_manager(),
            connection_file=str(Path(private) / "kernel.json"),
            **_transport(Path(private)),
        )
        client = NotebookClient(
            make.new_notebook(cells=cells),
            km=manager,
            timeout=None,
            resources={"metadata": {"path": str(folder)}},
        )
        own = {"IPYTHONDIR": private, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        whole = {"PYTHONHASHSEED": "0", **os.environ, **own, **environment}
        with client.setup_kernel(env=whole, cleanup_kc=True):
            yield client


def _transport(private: Path) -> dict[str, str]:
    """Talk to the kernel through sockets that only this user can open, where the system has them."""
    return {} if os.name == "nt" else {"transport": "ipc", "ip": str(private / "socket")}


def _spec_manager() -> Any:
    """Return a kernel finder that knows one kernel: the interpreter that runs this.

    An installed kernel named python3 may belong to another environment.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisInterpreter(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  the only one there is
            launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            quiet = ["--HistoryManager.enabled=False"]
            return KernelSpec(argv=launch + quiet, display_name="Python", language="python")

    return ThisInterpreter()
