from __future__ import annotations

import numpy as np
import pytest
from dipy.data import get_fnames

from neurotrial.extract.diffusion.gradients import Sources, check_gradients, read_gradients
from neurotrial.extract.diffusion.shells import find_shells
from neurotrial.imaging_plan import TensorPlan
from neurotrial.simulation.protocols import PRESETS

BVECS = PRESETS["full"].dwi.bvecs


def shells(bvals, bvecs=BVECS):
    bvals = np.asarray(bvals, dtype="float64")
    gradients = check_gradients(bvals, bvecs, b0_threshold=50, max_b=1500, sources=Sources())
    return [(shell.b, shell.n_volumes, shell.n_directions) for shell in find_shells(gradients)]


def test_shells_come_by_b_value_in_whatever_order_the_volumes_are():
    bvals = np.repeat([0.0, 1000.0, 2500.0], [4, 20, 12])
    expected = [(0, 4, 0), (1000, 20, 20), (2500, 12, 12)]
    assert shells(bvals) == expected
    turn = np.random.default_rng(1).permutation(36)
    assert shells(bvals[turn], BVECS[turn]) == expected


@pytest.mark.parametrize(("step", "count"), [(95.0, 2), (105.0, 3)])
def test_values_within_100_are_one_shell(step, count):
    bvals = np.repeat([0.0, 1000.0, 1000.0 + step], [4, 20, 12])
    assert len(shells(bvals)) == count


def test_opposite_and_repeated_directions_count_once():
    bvecs = BVECS.copy()
    bvecs[20:24], bvecs[24:28] = -bvecs[4:8], bvecs[4:8]
    assert shells(np.repeat([0.0, 1000.0], [4, 32]), bvecs)[1] == (1000, 32, 24)


def test_a_grid_of_b_values_has_many_shells():
    image, bval, bvec = get_fnames(name="small_101D")
    del image
    found = find_shells(read_gradients(bval, bvec, 102, TensorPlan()))
    assert found[0].b == 15
    assert sum(shell.n_volumes for shell in found) == 102
    assert len(found) > 8


def test_methods_of_several_shells_use_all_volumes():
    image, bval, bvec = get_fnames(name="small_101D")
    del image
    assert read_gradients(bval, bvec, 102, TensorPlan()).used.sum() == 19
    assert read_gradients(bval, bvec, 102, TensorPlan(fit="dki")).used.all()
