"""Tables of measures along tracts that others made, in our units and on a complete grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.extract.bids.maps import check_unit
from neurotrial.extract.bids.producers import load_producers
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.extract.bids.patterns import Producer, TableLayout

__all__ = ["read_tract_table"]

_COLUMNS = ("tract", "hemisphere", "feature", "node", "value", "status", "reason", "n_streamlines")
_COUNTS = ("n_streamlines_clean", "n_streamlines_cleaned", "n_streamlines")
"""Columns of pyAFQ's table of counts: after cleaning by preference, which is what its profiles are made of."""

Profiles = Mapping[str, pd.Series]


def read_tract_table(
    path: Path,
    producer: str | Producer,
    *,
    feature: str | None = None,
    counts: Path | None = None,
) -> pd.DataFrame:
    """Read measures along tracts that pyAFQ or TractSeg wrote.

    A bundle that was not found becomes rows without values: pyAFQ leaves it out, TractSeg writes zeros for it. So does a
    node whose value is 0, which no living tissue has.

    Parameters
    ----------
    path : Path
        Table of one scan.
    producer : str or Producer
        Who made it: a name in ``producers.toml`` with a table, e.g. ``pyafq`` or ``tractseg``.
    feature : {"fa", "md", "ad", "rd"}, optional
        Measure of a table that does not say which it holds, as those of TractSeg.
    counts : Path, optional
        pyAFQ's table of the streamlines of each bundle (``slCount``, ``sl_count``).

    Returns
    -------
    DataFrame
        One row for each tract, hemisphere, feature and node that is expected: ``tract``, ``hemisphere``, ``feature``, ``node``
        (0 to 99 in the order of the producer), ``value`` (diffusivities in um2/ms), ``status`` (``ok`` or ``missing_input``),
        ``reason``, ``n_streamlines`` (missing where it is not told).

    Raises
    ------
    ScanFault
        If the table cannot be read, holds none of the measures, or values that are not in the unit of the producer.
    InputError
        If the producer has no such table, or the measure of the table must be told.

    References
    ----------
    Kruper J, et al. Aperture Neuro 2021;1:4. https://doi.org/10.52294/e6198273-b8e3-4b63-babb-6e6b0da10669
    Wasserthal J, et al. NeuroImage 2018;183:239-253. https://doi.org/10.1016/j.neuroimage.2018.07.070
    """
    layout = _layout(producer)
    frame = _read(path, layout)
    read = _long if layout.shape == "long" else _wide
    measured = dict(read(frame, layout, feature, path.name))
    streamlines = {} if counts is None else _counts(counts)
    rows = [
        row
        for name, profiles in measured.items()
        for (tract, hemisphere), names in layout.tracts.items()
        for row in _rows(profiles, layout, (tract, hemisphere, name), names, streamlines)
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    return frame.astype({"value": "float64", "reason": "str", "n_streamlines": "Int64"})


def _layout(producer: str | Producer) -> TableLayout:
    known = load_producers()
    found = known.get(producer) if isinstance(producer, str) else producer
    if found is None or found.table is None:
        with_table = ", ".join(name for name, item in known.items() if item.table)
        raise refuse("producer", f"{producer!r} has no table of tracts", f"name one of {with_table}")
    return found.table


def _read(path: Path, layout: TableLayout) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep=layout.separator)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ScanFault(path.name, f"is no readable table: {reason}", "make the table again") from None


def _long(
    frame: pd.DataFrame, layout: TableLayout, feature: str | None, where: str
) -> Iterator[tuple[str, Profiles]]:
    """Yield each measure of a table with a row for each tract and node: value by node of every tract."""
    lacking = [name for name in (layout.tract, layout.node) if name not in frame]
    if lacking:
        raise ScanFault(
            where, f"lacks the column {', '.join(lacking)}", "take the table of profiles as it was written"
        )
    keys = [layout.tract, layout.node]
    if frame.duplicated(keys).any():
        rule = "has several rows for one tract and node, so it holds more than one scan"
        raise ScanFault(where, rule, "take the table of this scan, not the one of all")
    known = {name: ours for name, ours in layout.features.items() if name in frame}
    if not known:
        rule = f"holds none of {', '.join(layout.features)}"
        raise ScanFault(where, rule, "have the program measure them, e.g. scalars dti_fa and dti_md")
    for name, (ours, factor) in known.items():
        if feature in {None, ours}:
            numbers = _numbers(frame[name], where, name) * factor
            check_unit(numbers.to_numpy(), ours, where)
            by_tract = frame.assign(value=numbers).groupby(layout.tract)
            yield ours, {str(tract): rows.set_index(layout.node)["value"] for tract, rows in by_tract}


def _wide(
    frame: pd.DataFrame, layout: TableLayout, feature: str | None, where: str
) -> Iterator[tuple[str, Profiles]]:
    """Yield the one measure of a table with a column for each tract; its first and last node may be left out."""
    factors = dict(layout.features.values())
    if feature not in factors:
        raise refuse(
            where, "does not say which measure it holds", f"give feature, one of {', '.join(factors)}"
        )
    names = {name for own in layout.tracts.values() for name in own}
    found = [name for name in frame if name in names]
    if not found or len(frame) > layout.nodes:
        rule = f"has {len(frame)} rows, and {len(found)} of the columns {', '.join(sorted(names))}"
        raise ScanFault(where, rule, f"take a table of at most {layout.nodes} nodes, as it was written")
    left_out = layout.nodes - len(frame)
    first = left_out // 2 if left_out <= 2 else 0  # noqa: PLR2004 - both end points
    profiles = {}
    for name in found:
        numbers = _numbers(frame[name], where, name) * factors[feature]
        profiles[name] = numbers.set_axis(range(first, first + len(frame)))
    check_unit(np.concatenate([numbers.to_numpy() for numbers in profiles.values()]), feature, where)
    yield feature, profiles


def _numbers(column: pd.Series, where: str, name: str) -> pd.Series:
    try:
        return pd.to_numeric(column).astype("float64")
    except ValueError:
        raise ScanFault(
            f"{where}: {name}", "holds cells that are no numbers", "make the table again"
        ) from None


def _rows(
    profiles: Profiles,
    layout: TableLayout,
    key: tuple[str, str, str],
    names: tuple[str, ...],
    streamlines: Mapping[str, int],
) -> Iterator[dict[str, Any]]:
    """Yield every node of one tract and measure."""
    tract, hemisphere, feature = key
    name = next((name for name in names if name in profiles), None)
    values = pd.Series(dtype="float64") if name is None else profiles[name]
    count = next((streamlines[own] for own in names if own in streamlines), pd.NA)
    absent = ""
    if name is None:
        absent = f"the bundle was not found: the table has none of {', '.join(names)}"
    elif layout.zero_is_missing and not values.fillna(0).any():
        absent = f"the bundle was not found: {name} has only zeros"
    for node in range(layout.nodes):
        value = float(values.get(node, np.nan))
        there = bool(np.isfinite(value) and value != 0)
        reason = None if there else absent or "the table has no value, or 0, at this node"
        yield {
            "tract": tract, "hemisphere": hemisphere, "feature": feature, "node": node,
            "value": value if there else np.nan, "status": "ok" if there else "missing_input", "reason": reason,
            "n_streamlines": count,
        }  # fmt: skip


def _counts(path: Path) -> dict[str, int]:
    """Return the streamlines of each bundle."""
    try:
        frame = pd.read_csv(path)
        column = next(name for name in _COUNTS if name in frame)
        names = frame["bundle"] if "bundle" in frame else frame.iloc[:, 0]
        return {str(name): int(count) for name, count in zip(names, frame[column], strict=True)}
    except (OSError, ValueError, StopIteration):
        rule = f"has no column {' or '.join(_COUNTS)} of whole numbers"
        raise ScanFault(path.name, rule, "take pyAFQ's slCount table as it was written") from None
