"""Reading the patterns of producers from TOML, strictly."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neurotrial.errors import InputError, refuse
from neurotrial.extract.bids.patterns import ROLES, Modality, Pattern, Producer
from neurotrial.extract.bids.producer_reader import ProducerReader, Roles

__all__ = ["load_producers"]

_OWN_FILE = Path(__file__).with_name("producers.toml")


def load_producers(own: Path | None = None) -> Mapping[str, Producer]:
    """Read the producers that we know, and those of a study.

    Parameters
    ----------
    own : Path, optional
        A file of the study, of the shape of ``extract/bids/producers.toml``. Its producers go first and replace ours of
        the same name; its common patterns go before ours.

    Returns
    -------
    mapping of str to Producer
        By name, in the order in which they are tried.

    Raises
    ------
    InputError
        If a file is missing, is no TOML, or breaks its shape; with all problems.

    Examples
    --------
    >>> load_producers()["fsl"].roles["dwi"]["md"][0].factor
    1000.0
    """
    if own is None:
        return _ours()
    content = _read(own)
    producers, common = _parse(content, own.name)
    our_producers, our_common = _parse(_read(_OWN_FILE), _OWN_FILE.name)
    return _joined(
        {**producers, **{name: item for name, item in our_producers.items() if name not in producers}},
        _stacked(common, our_common),
    )


@functools.cache
def _ours() -> Mapping[str, Producer]:
    return _joined(*_parse(_read(_OWN_FILE), _OWN_FILE.name))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise refuse(
            str(path), "the file of producers does not exist", "correct `imaging: producers` in study.yaml"
        ) from None
    except ValueError as error:
        raise refuse(path.name, f"is not readable TOML: {error}", "mend the file at that line") from None


def _joined(producers: Mapping[str, Producer], common: Roles) -> Mapping[str, Producer]:
    """Put the common patterns behind those of each producer but the scanner."""
    full = {
        name: item if name == "raw" else replace(item, roles=_stacked(item.roles, common), _known={})
        for name, item in producers.items()
    }
    return MappingProxyType(full)


def _stacked(first: Mapping[Modality, Mapping[str, tuple[Pattern, ...]]], second: Roles) -> Roles:
    return {
        modality: {
            role: patterns
            for role in names
            if (patterns := first.get(modality, {}).get(role, ()) + second.get(modality, {}).get(role, ()))
        }
        for modality, names in ROLES.items()
    }


def _parse(content: dict[str, Any], where: str) -> tuple[dict[str, Producer], Roles]:
    reader = ProducerReader(where)
    reader.known("the file", content, ("producer", "common"))
    common = reader.roles("common", reader.mapping("common", content.get("common", {})))
    entries = content.get("producer", [])
    if not isinstance(entries, list):
        reader.wrong("producer", "must be a list", "write each entry as [[producer]]")
        entries = []
    producers: dict[str, Producer] = {}
    for place, entry in enumerate(entries):
        item = reader.producer(f"producer[{place}]", reader.mapping(f"producer[{place}]", entry))
        if item.name in producers:
            reader.wrong(item.name, "is given twice", "keep one of the two")
        producers[item.name] = item
    if reader.problems:
        raise InputError(reader.problems)
    return producers, common
