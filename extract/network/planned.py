"""Every network that a plan measures in a scan: nodes, strategy, kind of edges, and the rows that each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurotrial.extract.network.features import Labels, expected_network_rows
from neurotrial.extract.network.measures import Cuts, network_measures

if TYPE_CHECKING:
    from neurotrial.extract.network.measures import Measure
    from neurotrial.extract.nodes.variants import NodeVariant
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["PlannedNetwork", "expected_rows", "planned_networks"]


@dataclass(frozen=True, slots=True, eq=False)
class PlannedNetwork:
    """A network that is to be measured.

    Attributes
    ----------
    place : int
        Of its nodes among the variants.
    strategy, kind : str
        Cleaning, and measure of dependence.
    labels : Labels
        What its rows say of themselves.
    measures : list of Measure
        What is measured.
    """

    place: int
    strategy: str
    kind: str
    labels: Labels
    measures: list[Measure]


def planned_networks(
    plan: ImagingPlan, variants: Sequence[NodeVariant], *, primary: bool = False
) -> list[PlannedNetwork]:
    """Return the networks of a plan, its own first.

    Parameters
    ----------
    plan : ImagingPlan
        Strategies, kinds and cuts.
    variants : sequence of NodeVariant
        Sets of nodes, as `neurotrial.extract.nodes.variants.planned_variants` gives them.
    primary : bool
        Whether only the main measures of the plan's own network are wanted.
    """
    network, cleaning = plan.network, plan.cleaning
    cuts = Cuts(network.cuts, tuple(sorted(network.densities)), network.significance)
    found = []
    for place, variant in enumerate(variants):
        threshold = network.density_threshold if primary else None
        measures = network_measures(variant.nodes, cuts, primary=threshold)
        for kind in (network.kind, *network.sensitivity.kinds):
            for strategy in (cleaning.strategy, *cleaning.sensitivity):
                method = f"{variant.node_set}_{kind}_{strategy}"
                labels = Labels(method, variant.lesion, variant.region)
                found.append(PlannedNetwork(place, strategy, kind, labels, measures))
    return found[:1] if primary else found


def expected_rows(networks: Sequence[PlannedNetwork]) -> list[dict[str, Any]]:
    """Return the feature rows of networks without values; see `expected_network_rows`."""
    return [row for item in networks for row in expected_network_rows(item.measures, item.labels)]
