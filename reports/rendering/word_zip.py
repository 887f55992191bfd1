"""Word files as archives whose bytes depend on their content only."""

from __future__ import annotations

import io
import zipfile

__all__ = ["repack"]

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The first date that the format can hold; it stands on every member."""

CUSTOM_PROPERTIES = "docProps/custom.xml"
NONE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"></Properties>'
)


def repack(archive: bytes) -> bytes:
    """Return an archive with the same members, without what the machine that wrote it left in them.

    That is the times of the members, and the custom properties: pandoc copies all metadata into them, paths included.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            info = zipfile.ZipInfo(member.filename, FIRST_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, NONE if member.filename == CUSTOM_PROPERTIES else old.read(member))
    return buffer.getvalue()
