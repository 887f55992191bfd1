"""Graph measures: closed forms, networkx, and stored numbers of the Brain Connectivity Toolbox for Python."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract import global_efficiency, local_efficiency
from neurotrial.extract.network.cutting import cut_absolute, cut_proportional, density, n_components
from neurotrial.extract.network.efficiency import global_efficiencies, local_efficiencies

EXACT = {"rel": 1e-12, "abs": 1e-14}
"""Sums and quotients of some hundred doubles."""
ORACLE = json.loads(
    (Path(__file__).parents[2] / "data" / "bctpy_efficiency.json").read_text(encoding="utf-8")
)


def weights_of(n, seed=0, cut=0.0):
    rng = np.random.default_rng(seed)
    r = np.corrcoef(rng.standard_normal((n, 40)) + 0.5 * rng.standard_normal(40))
    weights = np.where(r > cut, np.maximum(r, 0), 0)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("weight", [0.05, 0.4, 0.99])
@pytest.mark.parametrize("nodes", [2, 12, 70])
def test_a_complete_graph_of_equal_weights_is_as_efficient_as_its_weight(nodes, weight):
    weights = np.full((nodes, nodes), weight)
    assert global_efficiency(weights) == pytest.approx(weight, **EXACT)
    # cube root of w * w, times the way of the length w ** (-1 / 3)
    assert local_efficiency(weights) == pytest.approx(0 if nodes == 2 else weight, **EXACT)


def test_a_chain_of_three_by_hand():
    # lengths 2 and 4, no direct way between the ends: 6 by the middle
    chain = [[0, 0.5, 0], [0.5, 0, 0.25], [0, 0.25, 0]]
    assert global_efficiency(chain) == pytest.approx((1 / 2 + 1 / 4 + 1 / 6) / 3, **EXACT)
    assert local_efficiency(chain) == 0.0


def test_a_way_round_may_be_shorter_than_a_weak_edge():
    weights = np.array([[0, 0.8, 0.1], [0.8, 0, 0.8], [0.1, 0.8, 0]])
    assert global_efficiency(weights) == pytest.approx((0.8 + 0.8 + 0.4) / 3, **EXACT)


@pytest.mark.parametrize("n", [5, 12, 40, 80])
def test_efficiencies_equal_networkx(n):
    weights = weights_of(n, seed=n)
    binary = (weights > 0.3).astype(float)
    graph = nx.from_numpy_array(binary)
    assert global_efficiency(binary) == pytest.approx(nx.global_efficiency(graph), **EXACT)
    assert local_efficiency(binary) == pytest.approx(nx.local_efficiency(graph), **EXACT)
    assert n_components(binary) == nx.number_connected_components(graph)
    lengths = nx.from_numpy_array(np.divide(1, weights, out=np.zeros_like(weights), where=weights > 0))
    ways = dict(nx.all_pairs_dijkstra_path_length(lengths))
    near = [1 / ways[i][j] if j in ways[i] else 0 for i in ways for j in range(n) if i != j]
    assert global_efficiency(weights) == pytest.approx(np.mean(near), **EXACT)


@pytest.mark.parametrize("case", ORACLE["cases"], ids=lambda case: f"{len(case['weights'])} nodes")
def test_efficiencies_equal_bctpy(case):
    weights = np.array(case["weights"])
    binary = (weights > 0).astype(float)
    assert global_efficiency(weights) == pytest.approx(case["efficiency_wei"], **EXACT)
    assert local_efficiency(weights) == pytest.approx(case["efficiency_wei_local"], **EXACT)
    assert global_efficiency(binary) == pytest.approx(case["efficiency_bin"], **EXACT)
    assert local_efficiency(binary) == pytest.approx(case["efficiency_bin_local"], **EXACT)
    pairs = len(weights) * (len(weights) - 1) / 2
    assert density(weights, 1e-9) == pytest.approx(case["density_und"], **EXACT)
    assert pairs * density(weights, 1e-9) == pytest.approx(case["edges"], **EXACT)


def test_many_networks_at_once_are_as_one_by_one():
    stack = cut_absolute(weights_of(12), np.linspace(0.05, 0.9, 12))
    assert global_efficiencies(stack) == pytest.approx([global_efficiency(own) for own in stack], **EXACT)
    assert local_efficiencies(stack) == pytest.approx([local_efficiency(own) for own in stack], **EXACT)


def test_proportional_cuts_keep_the_strongest_positive_edges():
    weights = weights_of(12, seed=3)
    edges = np.sort(weights[np.triu_indices(12, 1)])[::-1]
    for own, share in zip(cut_proportional(weights, [0.1, 0.5, 1.0]), (0.1, 0.5, 1.0), strict=True):
        count = round(share * 66)
        kept = np.sort(own[np.triu_indices(12, 1)])[::-1]
        assert np.allclose(own, own.T, rtol=0, atol=1e-15)
        assert np.array_equal(kept[:count], edges[:count])
        assert not kept[count:].any()
    assert (weights[np.triu_indices(12, 1)] > 0).sum() == (own > 0).sum() / 2


def test_equal_edges_are_kept_in_the_order_of_their_nodes():
    alike = np.ones((4, 4)) - np.eye(4)
    (own,) = cut_proportional(alike, [0.5])
    assert np.argwhere(np.triu(own)).tolist() == [[0, 1], [0, 2], [0, 3]]


def test_a_proportional_density_is_refused():
    with pytest.raises(InputError, match="density under a proportional threshold is fixed by construction"):
        density(np.eye(3), 0.2, kind="proportional")


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        ([[0, -0.1], [-0.1, 0]], "weights are numbers of at least 0"),
        ([[0, np.nan], [np.nan, 0]], "weights are numbers of at least 0"),
        ([[0, 0.1], [0.2, 0]], "not symmetric"),
        ([[0, 0.1, 0.2]], "no square matrix"),
    ],
)
def test_weights_that_are_none_are_refused(weights, rule):
    for measure in (global_efficiency, local_efficiency):
        with pytest.raises(InputError, match=rule):
            measure(weights)


def test_a_single_node_has_no_efficiency():
    assert np.isnan(global_efficiency([[0.0]]))
    assert np.isnan(local_efficiency([[0.0]]))
