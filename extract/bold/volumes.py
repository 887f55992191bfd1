"""The volumes of a series one after the other, as the file stores them, in a buffer that is used again."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from neurotrial.extract.images import open_image
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["VolumeStream", "open_volumes"]

_PLAIN = "biuf"
_REST = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class VolumeStream:
    """A series whose volumes are read one at a time.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    shape : tuple of int
        Voxels along x, y and z in the closest canonical orientation (to the right, anterior, superior).
    affine : ndarray, shape (4, 4)
        Of that orientation, in mm.
    n_volumes : int
    t_r : float
        Seconds from volume to volume by the header; NaN where it does not say.
    places : ndarray of int, shape (x, y, z)
        Where a voxel of the canonical orientation stands in a volume as `volumes` gives it.
    slope, intercept : float
        What stored numbers are multiplied by, and what is added then.
    """

    name: str
    shape: tuple[int, int, int]
    affine: Any
    n_volumes: int
    t_r: float
    places: Any
    slope: float
    intercept: float
    _stored: _Stored

    def volumes(self) -> Iterator[Any]:
        """Yield each volume, shape (voxels,), as it is stored; the array is overwritten by the next one.

        Raises
        ------
        ScanFault
            If the file ends before its last volume, or is damaged.
        """
        if self._stored.path is None:
            yield from self._stored.in_memory()
        elif self._stored.path.suffix == ".gz":
            yield from self._stored.unzipped(self.n_volumes)
        else:
            yield from self._stored.mapped(self.n_volumes)


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """How volumes are stored: a file with a type and an offset, or an array in memory."""

    name: str
    path: Path | None
    dtype: Any
    offset: int
    n_voxels: int
    array: Any = None

    def in_memory(self) -> Iterator[Any]:
        for place in range(self.array.shape[3]):
            yield np.asarray(self.array[..., place]).ravel(order="F")

    def mapped(self, n_volumes: int) -> Iterator[Any]:
        assert self.path is not None
        expected = self.offset + n_volumes * self.n_voxels * self.dtype.itemsize
        if self.path.stat().st_size < expected:
            rule = f"is cut off: {self.path.stat().st_size} bytes of {expected}"
            raise ScanFault(self.name, rule, "copy or make the file again")
        shape = (n_volumes, self.n_voxels)
        yield from np.memmap(self.path, self.dtype, "r", self.offset, shape)

    def unzipped(self, n_volumes: int) -> Iterator[Any]:
        assert self.path is not None
        volume = np.empty(self.n_voxels, self.dtype)
        view = memoryview(volume.view(np.uint8))
        with self._damage(), _open_gzip(self.path) as file:
            _fill(file, memoryview(bytearray(self.offset)), self.name)
            for _ in range(n_volumes):
                _fill(file, view, self.name)
                yield volume
            while file.read(_REST):  # the sum that tells damage stands at the end
                pass

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, *_gzip_errors()) as error:
            rule = f"is cut off or damaged: {error}"
            raise ScanFault(self.name, rule, "copy or make the file again") from None


def open_volumes(source: Path | str | SpatialImage) -> VolumeStream:
    """Open a series.

    Parameters
    ----------
    source : path or SpatialImage
        A NIfTI file with four dimensions, plain or gzipped, or an image.

    Returns
    -------
    VolumeStream
        Nothing is read yet but the header.

    Raises
    ------
    ScanFault
        If the file is empty, no image, has not four dimensions, contradicting coordinate systems, or complex numbers.
    """
    if isinstance(source, (str, Path)):
        name, image = Path(source).name, open_image(Path(source), 4)
    else:
        name, image = Path(str(source.get_filename() or "image")).name, source
        if len(image.shape) != 4:  # noqa: PLR2004 - three of space and one of time
            rule = f"must have 4 dimensions, it is {' x '.join(map(str, image.shape))}"
            raise ScanFault(name, rule, "give a series")
    stored = _stored(image, name)
    size = image.shape[:3]
    turn = io_orientation(image.affine)
    places = apply_orientation(np.arange(np.prod(size)).reshape(size, order="F"), turn)
    return VolumeStream(
        name, places.shape, np.asarray(image.affine) @ inv_ornt_aff(turn, size), int(image.shape[3]),
        _header_t_r(image), places, *_scaling(image, stored), stored,
    )  # fmt: skip


def _stored(image: Any, name: str) -> _Stored:
    """Say how the volumes of an image are stored; what has no plain file behind it is taken from memory."""
    proxy = image.dataobj
    n_voxels = int(np.prod(image.shape[:3]))
    path = getattr(getattr(proxy, "file_like", None), "__fspath__", None) or getattr(proxy, "file_like", None)
    if isinstance(path, str) and proxy.order == "F" and path.endswith((".nii", ".nii.gz", ".img")):
        dtype = np.dtype(proxy.dtype)
        if dtype.kind not in _PLAIN:
            raise ScanFault(name, f"holds numbers of the type {dtype}", "store real numbers")
        return _Stored(name, Path(path), dtype, int(proxy.offset), n_voxels)
    return _Stored(name, None, None, 0, n_voxels, np.asanyarray(proxy))


def _scaling(image: Any, stored: _Stored) -> tuple[float, float]:
    """Return slope and intercept of what `volumes` yields."""
    if stored.path is None:
        return 1.0, 0.0
    return float(image.dataobj.slope), float(image.dataobj.inter)


def _header_t_r(image: Any) -> float:
    """Return the repetition time of a header in s, NaN where none is given."""
    zooms = image.header.get_zooms()
    if len(zooms) < 4 or not zooms[3] > 0:  # noqa: PLR2004 - the fourth is time
        return float("nan")
    units = getattr(image.header, "get_xyzt_units", lambda: ("mm", "sec"))()[1]
    return float(zooms[3]) * {"msec": 1e-3, "usec": 1e-6}.get(units, 1.0)


def _fill(file: BinaryIO, view: memoryview, name: str) -> None:
    """Fill a buffer from a file."""
    done = 0
    while done < len(view):
        read = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not read:
            raise ScanFault(name, "ends before its last volume", "copy or make the file again")
        done += read


def _open_gzip(path: Path) -> Any:
    """Open a gzipped file, by ISA-L where it is installed, which is more than twice as fast."""
    try:
        from isal import igzip
    except ImportError:
        return gzip.open(path)
    return igzip.open(path)


def _gzip_errors() -> tuple[type[Exception], ...]:
    try:
        from isal import isal_zlib
    except ImportError:
        return ()
    return (isal_zlib.error,)
