"""How images became measures, made from the imaging part of the study file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.markdown_text import Markdown, escape, labelled, listing, paragraphs
from neurotrial.reports.number_format import plain

if TYPE_CHECKING:
    from neurotrial.imaging_plan import (
        CleaningPlan,
        ImagingPlan,
        NetworkPlan,
        QualityLimits,
        RegionPlan,
        TensorPlan,
        VisitPlan,
    )
    from neurotrial.reports.cited import CitedResults

__all__ = ["imaging_methods_text"]

_FITS = {
    "wls": "weighted least squares on the log signal",
    "ols": "ordinary least squares on the log signal",
    "iwls": "iteratively reweighted least squares on the log signal",
    "nlls": "non-linear least squares",
    "restore": "RESTORE",
    "dki": "the tensor of the kurtosis model",
    "free_water": "a tensor beside freely diffusing water",
}
_ALL_SHELLS = ("dki", "free_water")
_LESIONS = {
    "union": "the union of the masks of all visits",
    "baseline": "that of the baseline visit at every visit",
    "own": "each visit's own",
}
_MOTION_24 = "24 motion regressors (the six parameters, their derivatives, and the squares of both) [@satterthwaite2013]"
_TISSUE = "the mean signals of white matter and cerebrospinal fluid with their derivatives and squares"
_GLOBAL = "the global signal with its derivative and squares"
_COMPONENTS = "the six motion parameters, their derivatives, and five components each of white matter and cerebrospinal fluid [@behzadi2007]"
_REGRESSORS = {
    "none": "nothing else",
    "6p": "the six motion parameters",
    "24p": _MOTION_24,
    "24p_gsr": f"{_MOTION_24} and {_GLOBAL}",
    "32p": f"{_MOTION_24} and {_TISSUE}",
    "36p": f"{_MOTION_24}, {_TISSUE}, and {_GLOBAL}",
    "acompcor": _COMPONENTS,
    "acompcor_gsr": f"{_COMPONENTS}, and {_GLOBAL}",
}
_KINDS = {
    "pearson": "Pearson correlations without shrinkage",
    "ledoit_wolf": "correlations shrunk by Ledoit and Wolf",
    "partial": "partial correlations",
}
_TRUSTED = {
    "table": "where it disagrees with the lesion mask, the table of participants holds",
    "mask": "where it disagrees with the lesion mask, the mask holds",
}


def imaging_methods_text(data: CitedResults) -> Markdown | None:
    """Return how images became measures.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown or None
        One paragraph each for sessions and sides, diffusion, function, and quality; None for a study file without an
        imaging part, whose measures come as tables.
    """
    imaging = data.study.imaging
    if imaging is None:
        return None
    regions = escape(" ".join([*_regions(imaging.regions), *_visits(imaging.visits)]))
    return paragraphs(
        escape(" ".join(_frame(data, imaging))),
        labelled("sec-diffusion", f"**Diffusion.** {_tensor(imaging.tensor)} {regions}"),
        labelled(
            "sec-network-methods",
            f"**Motor network.** {' '.join(_cleaning(imaging.cleaning))} {' '.join(_network(imaging))}",
        ),
        labelled("sec-quality-methods", f"**Quality.** {escape(_quality(imaging.quality))}"),
    )


def _frame(data: CitedResults, imaging: ImagingPlan) -> Iterator[str]:
    sessions = listing(f"{label} ({data.visit_label(visit)})" for label, visit in imaging.sessions.items())
    yield f"Measures were made from preprocessed images in the layout of derivatives of the BIDS, sessions {sessions}."
    yield "Left and right were mapped to ipsilesional and contralesional by each participant's side of the lesion;"
    yield (
        _TRUSTED.get(imaging.trust or "", "a scan whose lesion mask lies on the other side was not measured")
        + "."
    )
    yield "Participants without a single side have no ipsilesional and no contralesional measures."


def _tensor(plan: TensorPlan) -> str:
    volumes = "all volumes" if plan.fit in _ALL_SHELLS else f"volumes up to b = {plain(plan.max_b)} s/mm²"
    words = (
        f"The diffusion tensor was fitted by {_FITS[plan.fit]}, with {volumes}; "
        f"those up to {plain(plan.b0_threshold)} s/mm² counted as unweighted, and samples that are not positive had no weight."
    )
    return f"{escape(words)} Its numbers are those of dipy [@garyfallidis2014]."


def _regions(plan: RegionPlan) -> Iterator[str]:
    if plan.atlas is None:
        yield "The CST and the PLIC are masks that came with each scan."
    else:
        yield f"The CST and the PLIC are those of the atlas {plan.atlas},"
        yield "brought to each scan by the transform that came with it, else by registering a template to the participant's mean FA"
        yield "with the lesion filled from the template."
    yield "Fractional anisotropy and mean, axial and radial diffusivity (µm²/ms) were summarised over each region and hemisphere, with"
    yield "lesioned voxels, without them, in them alone, and in a ring of"
    yield f"{plain(plan.perilesional_mm)} mm about the lesion; a region of which less than {plain(100 * plan.min_coverage)} % was measured has no value."


def _visits(plan: VisitPlan) -> Iterator[str]:
    yield f"The lesion mask is {_LESIONS[plan.lesion]}."
    if plan.alignment == "rigid":
        yield "The visits of a participant were registered rigidly, and masks met half way."
    if plan.common_coverage:
        yield "Regions were cut to voxels that the brain masks of all visits cover."


def _cleaning(plan: CleaningPlan) -> Iterator[str]:
    detrended = "detrended, " if plan.detrend else ""
    yield f"Node time series were {detrended}cleaned of {_REGRESSORS[plan.strategy]} and kept in the band of"
    yield escape(f"{plain(plan.high_pass)} to {plain(plan.low_pass)} Hz;")
    limits = f"volumes with a framewise displacement above {plain(plan.fd_threshold)} mm"
    if plan.dvars_threshold is not None:
        limits += f", or a standardised DVARS above {plain(plan.dvars_threshold)},"
    yield f"{escape(limits)} [@power2012] were interpolated for the filter and then left out;"
    yield f"scans that keep less than {plain(plan.min_minutes)} minutes were not measured."
    if plan.sensitivity:
        yield f"The same was measured after cleaning by {listing(escape(name) for name in plan.sensitivity)} for sensitivity analyses."


def _network(imaging: ImagingPlan) -> Iterator[str]:
    plan: NetworkPlan = imaging.network
    shape = "regions" if plan.nodes.endswith((".nii", ".nii.gz")) else "spheres with the centres and radii"
    yield escape(f"Nodes are {shape} of {plan.nodes}; a node of which less than")
    yield escape(
        f"{plain(100 * plan.min_coverage)} % lies inside the brain mask was lost, and the network shrank by it."
    )
    if plan.lesion == "exclude":
        yield "Lesioned voxels were left out of the nodes."
    yield f"Connections are {_KINDS[plan.kind]}, averaged as Fisher z: over all pairs of an ipsilesional and a contralesional"
    yield "node (interhemispheric strength), and over the pairs within each hemisphere."
    yield "Global efficiency [@latora2001] is weighted and not thresholded: the length of a connection is the reciprocal of"
    yield escape("its correlation, and negative correlations count as no connection.")
    yield escape(
        f"Density is the share of connections with r ≥ {plain(plan.density_threshold)}, from the first"
    )
    yield f"{imaging.cleaning.common_volumes} retained volumes of each scan, so that it does not depend on how many were left out; scans that retain fewer have none."


def _quality(limits: QualityLimits) -> str:
    return (
        f"Scans were flagged for a mean framewise displacement above {plain(limits.fd_mean)} mm, more than "
        f"{plain(100 * limits.share_censored)} % of volumes left out, a temporal signal-to-noise ratio below {plain(limits.tsnr)} "
        f"(BOLD), a signal-to-noise ratio of the unweighted volumes below {plain(limits.snr)} (DWI), more than "
        f"{plain(100 * limits.share_outliers)} % of volumes with residuals that stand out, or a region of which the visits cover less "
        f"than {plain(100 * limits.coverage)} %. A flag excludes nothing: "
        "scans are excluded only by a recorded decision with rater or rule, reason and date, made without sight of the arm."
    )
