"""The name of a posterior by everything that it depends on, so that none is sampled twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from neurotrial.study import hash_json

if TYPE_CHECKING:
    from neurotrial.models.bayes.fit import Question

__all__ = ["question_hash"]

_SAMPLERS = ("pymc", "nutpie", "pytensor", "numba", "numpy", "arviz-stats")
_FOLDERS = ("bayes", "bayes_evidence", "bayes_gaussian", "bayes_scores")
"""Packages whose code says what is sampled and how, and what is gathered about it."""


def question_hash(question: Question, sampler: str) -> str:
    """Return the BLAKE2b digest (32 hex digits) of model, data, priors, sampler, its settings, seed, code and versions."""
    return hash_json(
        {
            "model": _content(question.model),
            "sampling": question.plan.sampling.model_dump(),
            "accept": question.plan.accept.model_dump(),
            "seed": question.seed,
            "sampler": sampler,
            "code": _code_hash(),
            "versions": {name: _version(name) for name in _SAMPLERS},
        }
    )


def _content(value: Any) -> Any:
    """Return what a value holds as JSON; arrays and tables by their digests."""
    if is_dataclass(value) and not isinstance(value, type):
        own = {field.name: _content(getattr(value, field.name)) for field in fields(value)}
        found: Any = {"class": type(value).__name__, **own}
    elif isinstance(value, np.ndarray):
        found = [str(value.dtype), list(value.shape), _digest(np.ascontiguousarray(value).tobytes())]
    elif isinstance(value, BaseModel):
        found = value.model_dump(mode="json")
    elif isinstance(value, Mapping):
        found = {str(name): _content(one) for name, one in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = [_content(one) for one in value]
    else:
        found = value.item() if isinstance(value, np.generic) else value
    return found


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@cache
def _code_hash() -> str:
    here = Path(__file__).parent.parent
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(path for name in _FOLDERS for path in (here / name).glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
