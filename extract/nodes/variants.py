"""Every set of nodes that a plan measures: its own, and what is swept in the same pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.extract.nodes.label_nodes import label_nodes, label_voxels
from neurotrial.extract.nodes.native import native_sphere_voxels
from neurotrial.extract.nodes.node_tables import node_sets, read_nodes
from neurotrial.extract.nodes.spheres import sphere_voxels
from neurotrial.paths import inside

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.atlases.atlas import Atlas
    from neurotrial.extract.images import BoolArray, Grid
    from neurotrial.extract.nodes.spheres import NodeVoxels
    from neurotrial.extract.registration.transform import Transform
    from neurotrial.imaging_plan import NetworkPlan

__all__ = ["NodeVariant", "node_files", "planned_variants"]

NETWORK = "motor12"
"""What the network of the plan's own nodes is called."""
_OWN = "spheres"
_IMAGES = (".nii", ".nii.gz")


@dataclass(frozen=True, slots=True, eq=False)
class NodeVariant:
    """A set of nodes, with one radius or their own, and what is done with their lesioned voxels.

    Attributes
    ----------
    node_set : str
        What `method` of the features begins with.
    nodes : DataFrame
        The table.
    lesion : {"include", "exclude"}
        Whether lesioned voxels count.
    region : str
        What its network is called.
    radius_mm : float or None
        One radius for all nodes.
    atlas : Atlas or None
        The regions, where nodes are regions.
    """

    node_set: str
    nodes: pd.DataFrame
    lesion: str
    region: str
    radius_mm: float | None = None
    atlas: Atlas | None = None

    @property
    def in_template(self) -> bool:
        """Whether the coordinates are those of a template."""
        return self.atlas is not None or not (self.nodes["space"] == "native").all()

    @property
    def drawn(self) -> pd.DataFrame:
        """The table with the radii that hold."""
        return self.nodes if self.radius_mm is None else self.nodes.assign(radius_mm=self.radius_mm)

    def voxels(
        self, grid: Grid, brain: BoolArray, lesion: BoolArray | None, transform: Transform | None
    ) -> NodeVoxels:
        """Find the voxels of the nodes on the grid of a scan.

        Parameters
        ----------
        grid : Grid
            Of the scan.
        brain, lesion : ndarray of bool, shape (x, y, z)
            Masks; no lesion where it is not known.
        transform : Transform or None
            From points of the scan to those of the template; None where both are the same.
        """
        masks: dict[str, Any] = {"brain": brain, "lesion": lesion, "exclude_lesion": self.lesion == "exclude"}
        if self.atlas is not None:
            return label_voxels(self.atlas, grid.shape, grid.affine, transform=transform, **masks)
        if transform is not None and self.in_template:
            return native_sphere_voxels(self.drawn, grid.shape, grid.affine, transform, **masks)
        return sphere_voxels(self.drawn, grid.shape, grid.affine, **masks)


def planned_variants(plan: NetworkPlan, folder: Path) -> list[NodeVariant]:
    """Return the sets of nodes of a plan, its own first.

    Parameters
    ----------
    plan : NetworkPlan
        Nodes and what is swept.
    folder : Path
        The study folder.

    Raises
    ------
    InputError
        If a table, a set or an atlas breaks a rule.
    """
    found = []
    for place, name in enumerate([plan.nodes, *plan.sensitivity.nodes]):
        atlas, nodes = _read(name, plan, folder)
        base = _OWN if not place and name not in node_sets() and atlas is None else _slug(name, atlas)
        region = NETWORK if not place else _slug(name, atlas)
        radii = [None, *([] if atlas is not None else plan.sensitivity.radii_mm)]
        for radius in radii:
            label = base if radius is None else f"{base}{radius:g}mm"
            policies = (plan.lesion, *plan.sensitivity.lesion)
            found += [NodeVariant(label, nodes, policy, region, radius, atlas) for policy in policies]
    return found


def node_files(plan: NetworkPlan, folder: Path) -> dict[str, Path]:
    """Return the files of the study that the nodes of a plan rest on, by a name for each."""
    names = {"nodes": plan.nodes, "labels": plan.labels}
    names |= {f"nodes {name}": name for name in plan.sensitivity.nodes}
    return {
        key: folder / name for key, name in names.items() if name is not None and (folder / name).is_file()
    }


def _read(name: str, plan: NetworkPlan, folder: Path) -> tuple[Atlas | None, pd.DataFrame]:
    if name.endswith(_IMAGES):
        from neurotrial.extract.atlases.planned import planned_atlas

        for own in filter(None, (name, plan.labels)):
            inside(folder, own)
        atlas = planned_atlas(name, folder, labels=plan.labels)
        return atlas, label_nodes(atlas)
    return None, read_nodes(name if name in node_sets() else inside(folder, name))


def _slug(name: str, atlas: Atlas | None) -> str:
    stem = Path(name).name.partition(".")[0]
    return f"atlas_{stem}" if atlas is not None else stem
