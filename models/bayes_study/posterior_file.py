"""Posteriors as NetCDF files in the groups of ArviZ, with the evidence that was gathered about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.bayes_plan import SamplingPlan
from neurotrial.models.bayes.fit import Posterior
from neurotrial.models.bayes.posterior_data import dataset, target_labels
from neurotrial.models.bayes.sampling import Draws
from neurotrial.models.bayes_evidence.convergence import Convergence, Precision
from neurotrial.paths import replacing

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel

__all__ = ["Stored", "has_posterior", "read_posterior", "write_posterior"]

_ENGINE: Literal["h5netcdf"] = "h5netcdf"
_SIGNATURE = b"\x89HDF"
_SAMPLE = ("chain", "draw")
_COMPRESSED = {"zlib": True, "complevel": 4}
_STATISTICS = {
    "energy": "energy",
    "diverging": "diverging",
    "depth": "tree_depth",
    "deepest": "reached_max_treedepth",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A posterior with the rows of its evidence.

    Attributes
    ----------
    posterior : Posterior
        Draws and what they are worth.
    evidence, checks : sequence of dict
        Findings, and predictive checks.
    """

    posterior: Posterior
    evidence: Sequence[Row]
    checks: Sequence[Row]


def write_posterior(path: Path, model: BayesModel, stored: Stored) -> None:
    """Write a posterior so that ArviZ reads it: groups ``posterior``, ``sample_stats`` and ``observed_data``.

    Parameters
    ----------
    path : Path
        The file; it appears whole or not at all.
    model : BayesModel
        Gives the data, and the numbers that are asked, which stand in the variable ``target``.
    stored : Stored
        The posterior and its evidence.
    """
    import xarray as xr

    posterior, observed = stored.posterior, model.observed
    draws = posterior.draws
    targets = model.targets(draws.flat)
    asked = np.column_stack([target.draws for target in targets]).reshape(*draws.energy.shape, len(targets))
    values = {name: array for name, array in draws.variables.items() if array.size} | {"target": asked}
    statistics = {there: getattr(draws, name) for name, there in _STATISTICS.items()}
    seen = {"values": (("participant", "column"), observed.values)}
    names = {"participant": list(observed.participants), "column": list(observed.columns)}
    tree = xr.DataTree.from_dict(
        {
            "/posterior": dataset(values, {"target": ("number",)}, {"number": target_labels(targets)}),
            "/sample_stats": dataset(statistics, {}, {}),
            "/observed_data": xr.Dataset(seen, names),
        }
    )
    tree.attrs = {
        "sampler": posterior.sampler,
        "sampling": json.dumps(posterior.sampling.model_dump()),
        "attempts": posterior.attempts,
        "fault": posterior.fault,
        "convergence": json.dumps(asdict(posterior.convergence), default=list),
        "evidence": json.dumps(list(stored.evidence)),
        "checks": json.dumps(list(stored.checks)),
    }
    groups = ("posterior", "sample_stats")
    encoding: Any = {f"/{name}": {str(v): _COMPRESSED for v in tree[name].data_vars} for name in groups}
    with replacing(path) as temporary:
        tree.to_netcdf(temporary, engine=_ENGINE, encoding=encoding)


def has_posterior(path: Path) -> bool:
    """Tell whether a file is there and begins as a NetCDF file does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def read_posterior(path: Path, model: BayesModel) -> Stored:
    """Read a posterior that `write_posterior` wrote.

    Parameters
    ----------
    path : Path
        The file.
    model : BayesModel
        The model that it is of.

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
            if variable.dimensions[:2] == _SAMPLE and name != "target"
        }
        stats = {name: np.asarray(groups["sample_stats"][there][...]) for name, there in _STATISTICS.items()}
        about = dict(file.attrs)
    draws = _draws(values, stats, model)
    posterior = Posterior(
        draws=draws,
        convergence=_convergence(json.loads(about["convergence"])),
        sampler=str(about["sampler"]),
        sampling=SamplingPlan.model_validate(json.loads(about["sampling"])),
        attempts=int(about["attempts"]),
        fault=str(about["fault"]),
    )
    return Stored(posterior, json.loads(about["evidence"]), json.loads(about["checks"]))


def _convergence(stored: Mapping[str, Any]) -> Convergence:
    return Convergence(
        numbers=tuple(Precision(**one) for one in stored["numbers"]),
        constant=tuple(stored["constant"]),
        bfmi=np.array(stored["bfmi"]),
        divergences=stored["divergences"],
        depth_share=stored["depth_share"],
    )


def _draws(values: Mapping[str, Any], stats: Mapping[str, Any], model: BayesModel) -> Draws:
    """Return the draws; parameters without elements have no place in the file."""
    shape = stats["energy"].shape
    known = model.draw_prior(np.random.default_rng(0), 1)
    empty = {name: np.empty((*shape, *one.shape[1:])) for name, one in known.items() if not one.size}
    flags = {name: stats[name].astype(bool) for name in ("diverging", "deepest")}
    return Draws({**values, **empty}, stats["energy"], flags["diverging"], stats["depth"], flags["deepest"])
