"""What `fit_tensor` refuses, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract import fit_tensor
from neurotrial.simulation.protocols import PRESETS

PROTOCOL = PRESETS["full"].dwi
BVALS, BVECS = PROTOCOL.bvals, PROTOCOL.bvecs
SIGNAL = np.full((2, 3, 36), 100.0)
PLANE = np.column_stack([BVECS[:, :2], np.zeros(36)])
PLANE[4:] /= np.linalg.norm(PLANE[4:], axis=1, keepdims=True)
CONE = np.column_stack([PLANE[:, :2], np.where(BVALS > 0, 0.7, 0)])
CONE[4:] /= np.linalg.norm(CONE[4:], axis=1, keepdims=True)


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("arguments", "where", "rule"),
    [
        ({"signal": np.array(3.0)}, "signal", "must have volumes along its last axis"),
        ({"signal": SIGNAL.astype(complex)}, "signal", "must hold real numbers, not complex128"),
        ({"signal": SIGNAL.astype(str)}, "signal", "must hold real numbers"),
        ({"signal": SIGNAL[..., :-1]}, "bvals", "must have one value for each of the 35 volumes of `signal`"),
        ({"bvals": BVALS[:-1]}, "bvals", r"of the 36 volumes of `signal`, its shape is \(35,\)"),
        ({"bvals": BVALS[None]}, "bvals", "must have one value for each"),
        ({"bvecs": BVECS[:-1]}, "bvecs", r"must have shape \(36, 3\) or \(3, 36\), it is \(35, 3\)"),
        ({"bvecs": BVECS[:, :2]}, "bvecs", "it is"),
        ({"mask": np.ones((3, 2), bool)}, "mask", r"the shape of a volume, \(2, 3\), it is \(3, 2\)"),
        ({"method": "lasso"}, "method", "is 'lasso', which is none of wls|is 'lasso', which is none of ols"),
        ({"min_signal": 0.0}, "min_signal", "must be positive, it is 0.0"),
        ({"threads": 0}, "threads", "must be 1 or more, it is 0"),
        ({"bvals": changed(BVALS, 9, np.nan)}, "bvals", "holds values that are no b-values"),
        ({"bvals": changed(BVALS, 9, -1.0)}, "bvals", "holds values that are no b-values"),
        ({"bvals": BVALS + 60}, "bvals", "no volume has b of at most 50"),
        ({"bvecs": changed(BVECS, 9, np.nan)}, "bvecs", "the direction of volume 9 has no unit length"),
        ({"bvecs": changed(BVECS, 9, 0.0)}, "bvecs", "the direction of volume 9 has no unit length"),
        ({"bvecs": BVECS * 1.06}, "bvecs", "the direction of volume 4 has no unit length"),
        ({"max_b": 900.0}, "bvecs", "has 0 directions up to b = 900, a tensor needs 6"),
        ({"bvecs": changed(BVECS, np.s_[9:], BVECS[8])}, "bvecs", "has 5 directions up to b = 1500"),
        ({"bvecs": PLANE}, "bvecs", "its directions lie in a plane or on a cone and determine no tensor"),
        ({"bvecs": CONE}, "bvecs", "its directions lie in a plane or on a cone and determine no tensor"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, where, rule):
    with pytest.raises(InputError, match=rule) as caught:
        fit_tensor(**({"signal": SIGNAL, "bvals": BVALS, "bvecs": BVECS} | arguments))
    problem = caught.value.problems[0]
    assert problem.where == where
    assert problem.remedy


def test_all_problems_are_told_at_once():
    with pytest.raises(InputError) as caught:
        fit_tensor(SIGNAL, BVALS[1:], BVECS[1:], np.ones(3), "lasso", min_signal=-1.0)
    places = [problem.where for problem in caught.value.problems]
    assert places == ["bvals", "bvecs", "mask", "method", "min_signal"]


def test_lists_and_masks_of_numbers_are_fine():
    signal = 100 * np.exp(-BVALS / 1000)
    fit = fit_tensor([signal.tolist()] * 2, BVALS.tolist(), BVECS.T.tolist(), [1, 0])
    assert fit.md == pytest.approx([1.0, np.nan], abs=1e-12, nan_ok=True)
    assert fit.extra == {}
    assert fit.method == "wls"
