from __future__ import annotations

import numpy as np
import pytest

from neurotrial.extract.registration.lesion_fill import fill_lesion, match_intensity
from neurotrial.extract.registration.quality import dice, jacobian_determinant, registration_quality
from neurotrial.extract.registration.transform import Affine, Field, Transform, affine_transform


def test_a_lesion_is_filled_with_the_matched_template():
    rng = np.random.default_rng(0)
    template = rng.uniform(0.2, 1.0, size=(20, 20, 20))
    subject = 0.5 * template + 0.1
    lesion = np.zeros(template.shape, dtype=bool)
    lesion[8:12, 8:12, 8:12] = True
    torn = np.where(lesion, 0.0, subject)
    np.testing.assert_allclose(fill_lesion(torn, lesion, template), subject, atol=1e-6)
    assert match_intensity(template, torn, ~lesion) == pytest.approx((0.5, 0.1))


def test_a_flat_template_shifts_the_mean():
    flat = np.ones((4, 4, 4))
    assert match_intensity(flat, 3 * flat, flat > 0) == (1.0, 2.0)


def test_jacobian_of_an_affine_is_its_determinant_on_any_grid():
    matrix = np.eye(4)
    matrix[:3, :3] = [[1.1, 0.2, 0], [0, 0.9, 0.1], [0.05, 0, 1.2]]
    grid = np.array([[0, -2.0, 0, 5], [3.0, 0, 0, -4], [0, 0, 2.5, 1], [0, 0, 0, 1]])
    found = jacobian_determinant(affine_transform(matrix), (4, 5, 6), grid)
    np.testing.assert_allclose(found, np.linalg.det(matrix), rtol=1e-10)


def test_a_fold_is_counted():
    shape = (9, 9, 9)
    displacement = np.zeros((*shape, 3))
    displacement[..., 0] = -2.0 * np.arange(9.0)[:, None, None]
    transform = Transform((Field(displacement, np.eye(4)), Affine(np.eye(4))))
    image = np.random.default_rng(1).uniform(size=shape)
    quality = registration_quality(image, image, None, transform, np.eye(4))
    assert quality["folded"] == 1
    assert quality["jacobian_max"] == pytest.approx(-1)
    assert quality["dice"] == quality["correlation"] == pytest.approx(1)


def test_the_lesion_does_not_count_in_overlap_and_correlation():
    rng = np.random.default_rng(2)
    image = rng.uniform(size=(8, 8, 8))
    other = image.copy()
    lesion = np.zeros(image.shape, dtype=bool)
    lesion[:3] = True
    other[lesion] = rng.uniform(size=lesion.sum()) * 1e-3
    quality = registration_quality(image, other, lesion, affine_transform(np.eye(4)), np.eye(4))
    assert quality["correlation"] == pytest.approx(1)
    assert np.isnan(dice(np.zeros(3), np.zeros(3)))
