"""Executors of the units of work: one after the other, or in processes with one numerical thread each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

__all__ = ["SerialExecutor", "default_jobs", "open_executor"]

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


class SerialExecutor(Executor):
    """Runs each call at once, in this process, in the order of the calls."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future carries it to whoever asks for the result
            future.set_exception(error)
        return future


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_executor(jobs: int) -> Iterator[Executor]:
    """Open an executor: serial for one job, else that many processes of loky; an error or Ctrl-C ends the processes.

    Parameters
    ----------
    jobs : int
        Units that are worked on at a time, 1 or more.
    """
    if jobs == 1:
        yield SerialExecutor()
        return
    from loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(max_workers=jobs, env=_ONE_THREAD)
    try:
        yield executor
    except BaseException:
        executor.shutdown(kill_workers=True)
        raise
    executor.shutdown()
