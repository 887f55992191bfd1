"""Images to tidy tables: what measures the scans of a trial, loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurotrial.extract.atlases.atlas import Atlas
    from neurotrial.extract.atlases.loading import read_atlas
    from neurotrial.extract.atlases.places import find_atlases
    from neurotrial.extract.atlases.projection import project_regions
    from neurotrial.extract.bids.index import index_dataset, sidecar
    from neurotrial.extract.bids.tract_tables import read_tract_table
    from neurotrial.extract.cleaning.cleaned import Cleaned
    from neurotrial.extract.cleaning.confound_table import read_confounds
    from neurotrial.extract.cleaning.node_cleaning import clean
    from neurotrial.extract.diffusion.motion import image_directions
    from neurotrial.extract.diffusion.raw_scan import prepare_raw
    from neurotrial.extract.diffusion.tensor import TensorFit, fit_tensor
    from neurotrial.extract.diffusion.volumes import outlier_volumes
    from neurotrial.extract.network.edge_kinds import edges, fisher_z
    from neurotrial.extract.network.efficiency import global_efficiency, local_efficiency
    from neurotrial.extract.network.features import network_features
    from neurotrial.extract.network.lag import node_lags
    from neurotrial.extract.nodes.node_tables import node_sets, read_nodes
    from neurotrial.extract.nodes.series import NodeSeries, node_series
    from neurotrial.extract.regions.features import region_features
    from neurotrial.extract.regions.lesion_loads import LesionLoad, lesion_load
    from neurotrial.extract.regions.streamline_features import streamline_features
    from neurotrial.extract.regions.streamline_files import read_streamlines
    from neurotrial.extract.regions.tracking import track_cst
    from neurotrial.extract.regions.tract_profiles import tract_profile
    from neurotrial.extract.registration.itk import read_transform
    from neurotrial.extract.registration.registering import Registration, register
    from neurotrial.extract.registration.rigid import align_rigid, midpoint
    from neurotrial.extract.registration.transform import Transform
    from neurotrial.extract.visits.repeatability import repeatability

__all__ = [
    "Atlas",
    "Cleaned",
    "LesionLoad",
    "NodeSeries",
    "Registration",
    "TensorFit",
    "Transform",
    "align_rigid",
    "clean",
    "edges",
    "find_atlases",
    "fisher_z",
    "fit_tensor",
    "global_efficiency",
    "image_directions",
    "index_dataset",
    "lesion_load",
    "local_efficiency",
    "midpoint",
    "network_features",
    "node_lags",
    "node_series",
    "node_sets",
    "outlier_volumes",
    "prepare_raw",
    "project_regions",
    "read_atlas",
    "read_confounds",
    "read_nodes",
    "read_streamlines",
    "read_tract_table",
    "read_transform",
    "region_features",
    "register",
    "repeatability",
    "sidecar",
    "streamline_features",
    "track_cst",
    "tract_profile",
]

_HOMES = {
    "atlases.atlas": ("Atlas",),
    "atlases.loading": ("read_atlas",),
    "atlases.places": ("find_atlases",),
    "atlases.projection": ("project_regions",),
    "bids.index": ("index_dataset", "sidecar"),
    "bids.tract_tables": ("read_tract_table",),
    "cleaning.cleaned": ("Cleaned",),
    "cleaning.confound_table": ("read_confounds",),
    "cleaning.node_cleaning": ("clean",),
    "diffusion.motion": ("image_directions",),
    "diffusion.raw_scan": ("prepare_raw",),
    "diffusion.tensor": ("TensorFit", "fit_tensor"),
    "diffusion.volumes": ("outlier_volumes",),
    "network.edge_kinds": ("edges", "fisher_z"),
    "network.efficiency": ("global_efficiency", "local_efficiency"),
    "network.features": ("network_features",),
    "network.lag": ("node_lags",),
    "nodes.node_tables": ("node_sets", "read_nodes"),
    "nodes.series": ("NodeSeries", "node_series"),
    "registration.itk": ("read_transform",),
    "registration.registering": ("Registration", "register"),
    "registration.rigid": ("align_rigid", "midpoint"),
    "registration.transform": ("Transform",),
    "regions.features": ("region_features",),
    "regions.lesion_loads": ("LesionLoad", "lesion_load"),
    "regions.streamline_features": ("streamline_features",),
    "regions.streamline_files": ("read_streamlines",),
    "regions.tracking": ("track_cst",),
    "regions.tract_profiles": ("tract_profile",),
    "visits.repeatability": ("repeatability",),
}
"""Where the public names are defined; no module may have the name of a function, which it would hide."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
