"""Paths that stay inside their folder, and files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurotrial.errors import refuse

__all__ = ["file_hash", "inside", "replacing", "writable_folder", "write_text"]


def inside(folder: Path, name: str) -> Path:
    """Resolve a relative path and make sure that it stays inside a folder.

    Parameters
    ----------
    folder : Path
        The study folder or the output folder.
    name : str
        A path relative to it, as a user gave it; links are followed.

    Returns
    -------
    Path
        The resolved path.

    Raises
    ------
    InputError
        If the path is absolute or leads outside.
    """
    root = folder.resolve()
    path = (root / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise refuse(
            name,
            "leads outside the study folder",
            f"move the file into {root.name}/ and name it relative to it",
        )
    return path


def writable_folder(folder: Path) -> Path:
    """Make a folder where there is none, and make sure that a file can be written there.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise refuse(
            str(folder), f"cannot be written: {reason}", "choose another folder or mend its permissions"
        ) from None
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; put it in place at the end, or remove it if anything went wrong."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, its line ends as they stand; the file appears whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def file_hash(path: Path) -> str:
    """Return the BLAKE2b digest (32 hex digits) of a file's bytes."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
