import itertools

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.models import adjust, graphical

# both sides add and divide the same few numbers
ROUNDING = 1e-12


def random_graph(rng, n):
    weights = rng.dirichlet(np.ones(n + 1))[:n]
    transitions = rng.dirichlet(np.ones(n), size=n) * rng.uniform(0.3, 1, (n, 1))
    transitions[np.diag_indices(n)] = 0
    return weights, transitions


def weights_of(kept, weights, transitions):
    """Weights of an intersection: the graph without the others, taken out one by one by Bretz's rule."""
    w, g = weights.copy(), transitions.copy()
    n = len(w)
    for gone in sorted(set(range(n)) - set(kept)):
        new_w, new_g = w + w[gone] * g[gone], np.zeros_like(g)
        for i, j in itertools.permutations(range(n), 2):
            loop = 1 - g[i, gone] * g[gone, i]
            if gone not in (i, j) and loop > 1e-12:
                new_g[i, j] = (g[i, j] + g[i, gone] * g[gone, j]) / loop
        new_w[gone] = 0
        w, g = new_w, new_g
    return w


def closed(p, weights, transitions):
    """Adjusted p-values of the closed test: the largest weighted Bonferroni p of the intersections with each."""
    n, adjusted = len(p), np.zeros(len(p))
    for size in range(1, n + 1):
        for kept in itertools.combinations(range(n), size):
            w = weights_of(kept, weights, transitions)
            found = min((p[k] / w[k] for k in kept if w[k] > 0), default=1.0)
            for k in kept:
                adjusted[k] = max(adjusted[k], min(1.0, found))
    return adjusted


@pytest.mark.parametrize("seed", range(20))
def test_the_graph_is_the_closed_test(seed):
    rng = np.random.default_rng(seed)
    weights, transitions = random_graph(rng, 4)
    p = rng.uniform(size=4) ** 2 * 0.2
    found = graphical(p, weights, transitions)
    np.testing.assert_allclose(found.table["p_adjusted"], closed(p, weights, transitions), rtol=ROUNDING)


def test_holm_and_fixed_sequence_are_graphs():
    p = np.array([0.02, 0.001, 0.03, 0.2])
    holm = graphical(p, np.full(4, 0.25), (1 - np.eye(4)) / 3)
    np.testing.assert_allclose(holm.table["p_adjusted"], adjust(p, "holm"), rtol=ROUNDING)
    chain = graphical(p, [1, 0, 0, 0], np.eye(4, k=1))
    np.testing.assert_allclose(chain.table["p_adjusted"], adjust(p, "fixed_sequence"), rtol=ROUNDING)
    assert adjust(p, "fixed_sequence").tolist() == [0.02, 0.02, 0.03, 0.2]
    assert np.isnan(adjust([0.01, float("nan"), 0.01], "fixed_sequence")[1])
    assert adjust([0.01, float("nan"), 0.01], "fixed_sequence")[2] == 1


def test_what_is_left_after_the_rejections():
    found = graphical(
        [0.01, 0.2, 0.02, 0.3], [0.5, 0.5, 0, 0], [[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    )
    assert found.tidy()["rejected"].tolist() == [True, False, True, False]
    assert found.tidy()["step"].tolist() == [1, 3, 2, 4]
    np.testing.assert_allclose(found.weights, [0, 1, 0, 0])
    missing = graphical([0.01, float("nan")], [0.5, 0.5], [[0, 1], [1, 0]]).tidy()
    assert np.isnan(missing["p_adjusted"][1])
    assert not missing["rejected"][1]


@pytest.mark.parametrize(
    ("p", "weights", "transitions", "words"),
    [
        ([0.1, 1.2], [0.5, 0.5], [[0, 1], [1, 0]], "H2: 1.2"),
        ([0.1, 0.2], [0.5, 0.6], [[0, 1], [1, 0]], "sum to 1.1"),
        ([0.1, 0.2], [0.5, 0.5], [[0.1, 0.9], [1, 0]], "0 on the diagonal"),
        ([0.1, 0.2], [0.5, 0.5], [[0, 1.5], [1, 0]], "H1: 1.5"),
        ([0.1, 0.2], [0.5], [[0, 1], [1, 0]], "n, n and n by n"),
    ],
)
def test_impossible_graphs_are_refused(p, weights, transitions, words):
    with pytest.raises(InputError) as error:
        graphical(p, weights, transitions)
    assert words in str(error.value)
