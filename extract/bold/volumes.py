"""The volumes of a series one after the other, as the file stores them, in a buffer that is used again."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from neurotrial.extract.images import open_image
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["VolumeStream", "open_volumes"]

_REAL = "biuf"
_PLAIN_FILES = (".nii", ".nii.gz", ".img")
_REST = 1 << 20
_AGAIN = "copy or make the file again"


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
        return self._stored.volumes(self.n_volumes)


class _Stored(Protocol):
    """Where volumes come from."""

    def volumes(self, n_volumes: int) -> Iterator[Any]:
        """Yield each volume, shape (voxels,)."""


@dataclass(frozen=True, slots=True, eq=False)
class _InMemory:
    """An array, shape (x, y, z, volumes)."""

    array: Any

    def volumes(self, n_volumes: int) -> Iterator[Any]:
        for place in range(n_volumes):
            yield np.asarray(self.array[..., place]).ravel(order="F")


@dataclass(frozen=True, slots=True, eq=False)
class _InFile:
    """A file whose volumes lie one after the other, from an offset on."""

    path: Path
    dtype: Any
    offset: int
    n_voxels: int

    def volumes(self, n_volumes: int) -> Iterator[Any]:
        return self._unzipped(n_volumes) if self.path.suffix == ".gz" else self._mapped(n_volumes)

    def _mapped(self, n_volumes: int) -> Iterator[Any]:
        there = self.path.stat().st_size
        expected = self.offset + n_volumes * self.n_voxels * self.dtype.itemsize
        if there < expected:
            raise ScanFault(self.path.name, f"is cut off: {there} bytes of {expected}", _AGAIN)
        yield from np.memmap(self.path, self.dtype, "r", self.offset, (n_volumes, self.n_voxels))

    def _unzipped(self, n_volumes: int) -> Iterator[Any]:
        volume = np.empty(self.n_voxels, self.dtype)
        view = memoryview(volume.view(np.uint8).data)
        with self._told(), _open_gzip(self.path) as file:
            _fill(file, memoryview(bytearray(self.offset)), self.path.name)
            for _ in range(n_volumes):
                _fill(file, view, self.path.name)
                yield volume
            while file.read(_REST):  # the sum that tells damage stands at the end
                pass

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except _gzip_errors() as error:
            raise ScanFault(self.path.name, f"is cut off or damaged: {error}", _AGAIN) from None


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
    stored, slope, intercept = _stored(image, name)
    size = image.shape[:3]
    turn = io_orientation(image.affine)
    places = apply_orientation(np.arange(np.prod(size)).reshape(size, order="F"), turn)
    return VolumeStream(
        name, places.shape, np.asarray(image.affine) @ inv_ornt_aff(turn, size), int(image.shape[3]),
        _header_t_r(image), places, slope, intercept, stored,
    )  # fmt: skip


def _stored(image: Any, name: str) -> tuple[_Stored, float, float]:
    """Return where the volumes of an image come from, with slope and intercept of what is stored there.

    What has no plain file behind it is taken from memory.
    """
    proxy = image.dataobj
    path = getattr(proxy, "file_like", None)
    if isinstance(path, (str, Path)) and proxy.order == "F" and str(path).endswith(_PLAIN_FILES):
        dtype = np.dtype(proxy.dtype)
        if dtype.kind not in _REAL:
            raise ScanFault(name, f"holds numbers of the type {dtype}", "store real numbers")
        stored = _InFile(Path(path), dtype, int(proxy.offset), int(np.prod(image.shape[:3])))
        return stored, float(proxy.slope), float(proxy.inter)
    return _InMemory(np.asanyarray(proxy)), 1.0, 0.0


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
            raise ScanFault(name, "ends before its last volume", _AGAIN)
        done += read


def _open_gzip(path: Path) -> Any:
    """Open a gzipped file, by ISA-L where it is installed, which is more than twice as fast."""
    try:
        from isal import igzip
    except ImportError:
        return gzip.open(path)
    opener: Any = igzip.open
    return opener(path)


def _gzip_errors() -> tuple[type[Exception], ...]:
    known: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    try:
        from isal import isal_zlib
    except ImportError:
        return known
    own: Any = isal_zlib.error
    return (*known, own)
