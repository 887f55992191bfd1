"""Word files as archives whose bytes depend on their content only."""

from __future__ import annotations

import io
import zipfile

__all__ = ["repack"]

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The first date that the format can hold; it stands on every member."""


def repack(archive: bytes) -> bytes:
    """Return an archive with the same members, without the times at which they were written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            info = zipfile.ZipInfo(member.filename, FIRST_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(member))
    return buffer.getvalue()
