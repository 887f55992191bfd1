"""The header of an atlas: two affines that contradict each other, and the documented repair of known files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurotrial.errors import Problem
from neurotrial.extract.images import forms_apart

if TYPE_CHECKING:
    from neurotrial.extract.atlases.registry import Copy

__all__ = ["Form", "affine_problems", "mended", "with_form"]

Form = Literal["sform", "qform"]

_APART_MM = 0.1
"""Quaternions are stored in single precision: corners of one grid may differ by hundredths of a mm."""


def affine_problems(image: Any, where: str, remedy: str) -> list[Problem]:
    """Return the problem of an image whose sform and qform place a corner of its grid more than 0.1 mm apart, or none."""
    distance = forms_apart(image)
    if distance <= _APART_MM:
        return []
    rule = f"sform and qform contradict each other by up to {distance:.1f} mm"
    return [Problem(where, rule, remedy)]


def with_form(image: Any, form: Form) -> Any:
    """Return an image that stands where its sform or its qform says."""
    import nibabel as nib

    affine = image.get_sform() if form == "sform" else image.get_qform()
    return nib.Nifti1Image(image.dataobj, affine)


def mended(image: Any, copy: Copy) -> Any:
    """Return an image with the x row of the affine that the registry documents for this very file."""
    import nibabel as nib

    affine = np.array(image.affine, dtype=float)
    affine[0] = copy.x_row
    return nib.Nifti1Image(image.dataobj, affine)
