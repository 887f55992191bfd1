"""Posteriors as NetCDF files in the groups of ArviZ; each is named by what it depends on, so that none is sampled twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.bayes_plan import SamplingPlan
from neurotrial.models.bayes.diagnostics import Convergence
from neurotrial.models.bayes.fit import Posterior
from neurotrial.models.bayes.sampling import Draws
from neurotrial.paths import replacing
from neurotrial.study import hash_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurotrial.models.bayes.fit import Question

__all__ = ["has_posterior", "question_hash", "read_posterior", "write_posterior"]

_ENGINE: Literal["h5netcdf"] = "h5netcdf"
_SAMPLERS = ("pymc", "nutpie", "pytensor", "numba", "numpy")
_SIGNATURE = b"\x89HDF"
_SAMPLE = ("chain", "draw")
_COMPRESSED = {"zlib": True, "complevel": 4}


def question_hash(question: Question, sampler: str) -> str:
    """Return the BLAKE2b digest (32 hex digits) of data, model code, priors, sampler, its settings, seed and versions."""
    arrays = {
        name: hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).hexdigest()
        for name, values in asdict(question.visits).items()
    }
    return hash_json(
        {
            "data": arrays,
            "kind": question.kind,
            "effect": question.effect.model_dump(),
            "plan": question.plan.model_dump(exclude={"effect", "interval"}),
            "seed": question.seed,
            "sampler": sampler,
            "code": _code_hash(),
            "versions": {name: _version(name) for name in _SAMPLERS},
        }
    )


@cache
def _code_hash() -> str:
    """Return the digest of the modules that say what is sampled and how."""
    here = Path(__file__).parent
    names = ("two_visits.py", "sampling.py", "fit.py", "generations.py")
    return hashlib.blake2b(b"".join((here / name).read_bytes() for name in names), digest_size=16).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def write_posterior(path: Path, posterior: Posterior, question: Question, arms: Sequence[str]) -> None:
    """Write a posterior so that ArviZ reads it: groups ``posterior``, ``sample_stats`` and ``observed_data``.

    Parameters
    ----------
    path : Path
        The file; it appears whole or not at all.
    posterior : Posterior
        Draws on the standardised scale.
    question : Question
        Gives the data.
    arms : sequence of str
        The compared arms, as labels of the effect.
    """
    import xarray as xr

    draws = posterior.draws
    stats = {"energy": draws.energy, "diverging": draws.diverging}
    observed = {"baseline": question.visits.baseline, "follow_up": question.visits.follow_up}
    tree = xr.DataTree.from_dict(
        {
            "/posterior": _dataset(draws.variables, list(arms)),
            "/sample_stats": _dataset(stats, []),
            "/observed_data": xr.Dataset(
                {name: ("participant", values) for name, values in observed.items()}
            ),
        }
    )
    tree.attrs = {
        "sampler": posterior.sampler,
        "sampling": json.dumps(posterior.sampling.model_dump()),
        "convergence": json.dumps(asdict(posterior.convergence)),
        "attempts": posterior.attempts,
        "fault": posterior.fault,
    }
    groups = ("posterior", "sample_stats")
    encoding: Any = {f"/{name}": {str(v): _COMPRESSED for v in tree[name].data_vars} for name in groups}
    with replacing(path) as temporary:
        tree.to_netcdf(temporary, engine=_ENGINE, encoding=encoding)


def _dataset(values: Any, arms: list[str]) -> Any:
    import xarray as xr

    variables = {}
    for name, array in values.items():
        extra = [
            "arm" if name in {"effect", "imbalance"} else f"{name}_dim_{i}" for i in range(array.ndim - 2)
        ]
        variables[name] = ([*_SAMPLE, *extra], array)
    chains, draws = next(iter(values.values())).shape[:2]
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset(variables, coords | ({"arm": arms} if arms else {}))


def has_posterior(path: Path) -> bool:
    """Tell whether a file is there and begins as a NetCDF file does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def read_posterior(path: Path) -> Posterior:
    """Read a posterior that `write_posterior` wrote.

    Raises
    ------
    OSError
        If there is none that can be read.
    """
    import h5netcdf

    # a tenth of the time that a tree of xarray's takes
    with h5netcdf.File(path, "r") as file:
        groups = {name: file.groups[name].variables for name in ("posterior", "sample_stats")}
        values = {
            name: np.asarray(variable[...])
            for name, variable in groups["posterior"].items()
            if variable.dimensions[:2] == _SAMPLE
        }
        stats = {name: np.asarray(groups["sample_stats"][name][...]) for name in ("energy", "diverging")}
        about = dict(file.attrs)
    return Posterior(
        draws=Draws(values, stats["energy"], stats["diverging"].astype(bool)),
        convergence=Convergence(**json.loads(about["convergence"])),
        sampler=str(about["sampler"]),
        sampling=SamplingPlan.model_validate(json.loads(about["sampling"])),
        attempts=int(about["attempts"]),
        fault=str(about["fault"]),
    )
