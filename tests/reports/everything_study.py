"""The document with every construct of the subset, and the smallest pictures."""

import shutil
import struct
import zlib
from pathlib import Path

EVERYTHING = Path(__file__).parent / "everything"
STYLE = Path(__file__).parents[2] / "reports" / "neurotrial.csl"
TOOLS = STYLE.with_name("page-tools.html")
EPOCH = "1767225600"


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([200, 220, 240] * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def copy_everything(folder):
    shutil.copytree(EVERYTHING, folder)
    for file in (STYLE, TOOLS):
        shutil.copyfile(file, folder / file.name)
    (folder / "reports" / "flow.png").write_bytes(png(30, 12))
    return folder / "reports" / "report.qmd"
