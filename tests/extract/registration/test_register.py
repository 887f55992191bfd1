from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract.atlases.projection import project_regions
from neurotrial.extract.registration import stages
from neurotrial.extract.registration.quality import dice
from neurotrial.extract.registration.registering import register
from neurotrial.extract.scan_result import ScanFault

SIDES = {"left": "right", "right": "left"}


@pytest.fixture(scope="module", autouse=True)
def few_iterations():
    """The quick tests ask for symmetry, not for accuracy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "AFFINE_ITERATIONS", (40, 5))
        yield


@pytest.fixture(scope="module")
def phantom(phantom_of):
    """7 mm voxels: a registration takes about a second."""
    return phantom_of(7.0)


@pytest.fixture(scope="module")
def registered(phantom):
    return register(phantom.template, phantom.person, lesion=phantom.lesion)


def check_mirror(phantom, mirror, registered):
    """Regions of the mirrored twin are the mirrored regions, and their anisotropy is the same."""
    person = mirror(phantom.person)
    twin = register(mirror(phantom.template), person, lesion=phantom.lesion[::-1])
    own, other = (project_regions(phantom.atlas, item.transform, person) for item in (registered, twin))
    values = person.get_fdata()
    for (region, side), weights in own.items():
        partner = other[region, SIDES[side]]
        assert dice(weights[::-1] >= 0.5, partner >= 0.5) >= 0.95
        means = [np.average(values, weights=item) for item in (weights[::-1], partner)]
        assert abs(means[0] - means[1]) <= 0.005


def test_mirrored_images_give_mirrored_regions(phantom, mirror, registered):
    check_mirror(phantom, mirror, registered)


def test_quality_is_good_and_space_does_not_fold(registered):
    # tissue of two analytic heads, one resampled; .95 and .93 at 7 mm
    assert registered.quality["dice"] > 0.9
    assert registered.quality["correlation"] > 0.9
    assert registered.quality["folded"] == 0
    assert 0.5 < registered.quality["jacobian_min"] < 1 < registered.quality["jacobian_max"] < 2


def test_same_images_in_another_orientation_give_the_same_transform(phantom, registered):
    turned = phantom.person.as_reoriented(np.array([[0, -1], [1, -1], [2, 1]]))
    lesion = nib.Nifti1Image(phantom.lesion.astype(np.uint8), phantom.person.affine)
    again = register(phantom.template, turned, lesion=lesion)
    points = np.random.default_rng(0).uniform(-50, 50, size=(100, 3))
    # the same arrays after reorientation, and the same search: equal up to the rounding of the turned affine
    np.testing.assert_allclose(
        again.transform.map_points(points), registered.transform.map_points(points), atol=1e-6
    )


def test_apply_stands_on_the_grid_of_the_static_image(phantom, registered):
    warped = registered.apply(phantom.template)
    assert warped.shape == phantom.person.shape
    assert warped.dtype == np.float32
    labels = nib.Nifti1Image((phantom.template.get_fdata() > 0.1).astype(np.int16), phantom.template.affine)
    assert set(np.unique(registered.apply(labels, interpolation="nearest"))) == {0, 1}


def test_stages_are_told_and_affine_alone_is_a_matrix(phantom):
    told: list[str] = []
    found = register(phantom.template, phantom.person, deformable=False, on_stage=told.append)
    assert told == ["affine"]
    assert found.transform.matrix.shape == (4, 4)


def test_nonsense_is_refused(phantom):
    person, template = phantom.person, phantom.template
    far = nib.Nifti1Image(template.get_fdata(), template.affine + np.array([[0, 0, 0, 900]] + [[0] * 4] * 3))
    zero = nib.Nifti1Image(np.zeros((5, 5, 5)), np.eye(4))
    series = nib.Nifti1Image(np.ones((5, 5, 5, 2)), np.eye(4))
    brain = person.get_fdata() > 0
    for kwargs, rule in (
        ({"moving": far, "static": person}, "does not overlap"),
        ({"moving": template, "static": zero}, "empty image"),
        ({"moving": series, "static": person}, "must have 3 dimensions, it is 5 x 5 x 5 x 2"),
        ({"moving": template, "static": person, "lesion": phantom.lesion[:-1]}, "stands on another grid"),
        ({"moving": template, "static": person, "lesion": zero}, "stands on another grid"),
        ({"moving": template, "static": person, "lesion": brain}, "more than half"),
    ):
        with pytest.raises(ScanFault, match=rule):
            register(**kwargs)
    with pytest.raises(InputError, match="two_pass"):
        register(template, person, lesion_fill="often")


@pytest.mark.slow
def test_mirrored_images_give_mirrored_regions_at_full_size(phantom_of, mirror, monkeypatch):
    monkeypatch.setattr(stages, "AFFINE_ITERATIONS", (200, 50))
    phantom = phantom_of(2.5)
    found = register(phantom.template, phantom.person, lesion=phantom.lesion)
    carried = project_regions(phantom.atlas, found.transform, phantom.person)
    assert dice(carried["plic", "left"] >= 0.5, phantom.truth["plic", "left"] >= 0.5) >= 0.8
    check_mirror(phantom, mirror, found)


@pytest.mark.slow
def test_registration_is_deterministic(phantom, registered):
    again = register(phantom.template, phantom.person, lesion=phantom.lesion)
    np.testing.assert_array_equal(again.apply(phantom.template), registered.apply(phantom.template))
