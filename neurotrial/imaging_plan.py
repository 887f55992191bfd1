"""The imaging part of the study file: where the images are and how they become measures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from neurotrial.study_part import Name, Part, Text

__all__ = [
    "CleaningPlan",
    "EdgeKind",
    "ImagingPlan",
    "NetworkPlan",
    "NetworkSweep",
    "QualityLimits",
    "RawPlan",
    "RegionPlan",
    "SecondaryMethod",
    "Strategy",
    "TensorPlan",
    "VisitPlan",
]

SecondaryMethod = Literal["streamlines", "tract_table"]
Strategy = Literal["none", "6p", "24p", "24p_gsr", "32p", "36p", "acompcor", "acompcor_gsr"]
EdgeKind = Literal["pearson", "ledoit_wolf", "partial"]
SessionLabel = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]


class TensorPlan(Part):
    """Diffusion tensor: estimator and the volumes that it uses.

    Attributes
    ----------
    fit : {"wls", "ols", "iwls", "nlls", "restore", "dki", "free_water"}
        Weighted, ordinary or iteratively reweighted least squares on the log signal; non-linear, robust, with kurtosis,
        with free water. See `neurotrial.extract.diffusion.tensor.fit_tensor`.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted.
    max_b : float
        Largest b-value, in s/mm2, that enters the fit; ``dki`` and ``free_water`` use all volumes.
    """

    fit: Literal["wls", "ols", "iwls", "nlls", "restore", "dki", "free_water"] = "wls"
    b0_threshold: Annotated[float, Field(ge=0, le=200)] = 50.0
    max_b: Annotated[float, Field(ge=300, le=3000)] = 1500.0


class RawPlan(Part):
    """What is done to raw diffusion images, where `imaging: accept_raw` lets them in; they are flagged `minimal`.

    Attributes
    ----------
    denoise : bool
        Patch2Self.
    motion : bool
        Affine motion correction, with gradients that turn with the head.
    """

    denoise: bool = False
    motion: bool = True


class RegionPlan(Part):
    """Regions of a diffusion scan: where they come from and what is measured in them.

    Attributes
    ----------
    atlas : str or None
        Name of a registered atlas, or a file in the study folder or with an absolute path; None takes the region masks
        that come with each scan.
    cst : str or None
        Region of the atlas that is the corticospinal tract; None takes ``cst_path`` where the atlas has it, else ``cst``. What
        the JHU labels call corticospinal tract ends in the brain stem.
    labels : str or None
        Table of the labels of an atlas that is not registered: value, structure, hemisphere.
    repair : bool
        Whether the documented repair of a known fault of the atlas's header is made; otherwise such an atlas is refused.
    template : str or None
        Image in the space of the atlas that scans without a transform are registered to: fractional anisotropy or white
        matter; None takes the white matter of the ICBM 2009a template.
    perilesional_mm : float
        Width of the ring about the lesion, in mm.
    erosion : int
        Layers of voxels taken off each region.
    min_coverage : float
        Share of a region inside the brain mask below which it has no value.
    secondary : list of {"streamlines", "tract_table"}
        Further methods for the corticospinal tract: its streamlines, or the table along tracts that pyAFQ or TractSeg wrote.
    """

    atlas: Text | None = None
    cst: Text | None = None
    labels: Text | None = None
    repair: bool = False
    template: Text | None = None
    perilesional_mm: Annotated[float, Field(gt=0, le=30)] = 6.0
    erosion: Annotated[int, Field(ge=0, le=5)] = 0
    min_coverage: Annotated[float, Field(gt=0, le=1)] = 0.5
    secondary: list[SecondaryMethod] = Field(default_factory=list)


class VisitPlan(Part):
    """What the visits of a participant share, so that change is change of tissue.

    Attributes
    ----------
    lesion : {"union", "baseline", "own"}
        Lesion mask that holds for every visit of a participant: the union over visits; that of the baseline visit,
        carried over; or each visit's own.
    alignment : {"same_space", "rigid"}
        ``same_space``: the scans of a participant stand in one space, as their headers say. ``rigid``: the visits are
        registered to each other, and masks meet half way.
    common_coverage : bool
        Whether regions are cut to what the brain masks of all visits cover.
    """

    lesion: Literal["union", "baseline", "own"] = "union"
    alignment: Literal["same_space", "rigid"] = "same_space"
    common_coverage: bool = True


class CleaningPlan(Part):
    """Cleaning of the node time series.

    Attributes
    ----------
    strategy : str
        Regressors: ``6p``, the six motion parameters; ``24p``, with their derivatives and the squares of both; ``32p``, with
        white matter and cerebrospinal fluid treated alike; ``36p``, with the global signal too; ``acompcor``, components of white
        matter and cerebrospinal fluid; ``24p_gsr`` and ``acompcor_gsr``, with the global signal; ``none``. See
        `neurotrial.extract.cleaning.strategies`.
    high_pass, low_pass : float
        Band that is kept, in Hz.
    detrend : bool
        Whether a linear trend is taken out.
    fd_threshold : float
        Framewise displacement, in mm, above which a volume is left out.
    dvars_threshold : float or None
        Standardised DVARS (``std_dvars`` of the confounds), above which a volume is left out; None judges by displacement alone.
    min_minutes : float
        Time of retained volumes below which a scan is refused.
    common_volumes : int
        Volumes, the first of those retained, from which density is made, the same for every scan; density of a scan
        that retains fewer is missing.
    lesion_dilation_mm : float
        Width by which the lesion grows before it is taken out of the masks of white matter and cerebrospinal fluid.
    sensitivity : list of str
        Further strategies, measured in the same pass over the file.
    """

    strategy: Strategy = "24p"
    high_pass: Annotated[float, Field(gt=0, lt=1)] = 0.01
    low_pass: Annotated[float, Field(gt=0, lt=1)] = 0.1
    detrend: bool = True
    fd_threshold: Annotated[float, Field(gt=0, le=5)] = 0.5
    dvars_threshold: Annotated[float, Field(gt=0, le=100)] | None = None
    min_minutes: Annotated[float, Field(ge=0, le=60)] = 2.0
    common_volumes: Annotated[int, Field(ge=20)] = 100
    lesion_dilation_mm: Annotated[float, Field(ge=0, le=30)] = 4.0
    sensitivity: list[Strategy] = Field(default_factory=list)


class NetworkSweep(Part):
    """What else is measured in the same pass over a file: every combination of these with the plan's own choice.

    Attributes
    ----------
    radii_mm : list of float
        One radius for all spheres.
    nodes : list of str
        Further sets of nodes, named as `NetworkPlan.nodes`.
    kinds : list of str
        Further measures of dependence.
    lesion : list of {"include", "exclude"}
        What is done with lesioned voxels of a node.
    """

    radii_mm: list[Annotated[float, Field(gt=0, le=30)]] = Field(default_factory=list)
    nodes: list[Text] = Field(default_factory=list)
    kinds: list[EdgeKind] = Field(default_factory=list)
    lesion: list[Literal["include", "exclude"]] = Field(default_factory=list)


class NetworkPlan(Part):
    """Motor network: its nodes, connections and thresholds.

    Attributes
    ----------
    nodes : str
        Table of the nodes inside the study folder (node, pair, hemisphere, x, y, z, radius_mm), the name of a published set,
        or a label image.
    labels : str or None
        Table of the labels of a label image: value, structure, hemisphere.
    kind : {"pearson", "ledoit_wolf", "partial"}
        Measure of dependence; shrinkage depends on how many volumes are left, so it is a sensitivity analysis.
    density_threshold : float
        Correlation from which an edge counts in the density that is reported first.
    thresholds : list of float
        Correlations at which the network is cut.
    densities : list of float
        Shares of edges at which the network is cut.
    significance : float or None
        False discovery rate of a density of significant edges, a flagged secondary measure; None makes none.
    min_coverage : float
        Share of a node's voxels inside the brain mask below which the node is lost.
    max_lesion_fraction : float
        Share of a node's voxels in the lesion above which the node is lost.
    lesion : {"include", "exclude"}
        What is done with lesioned voxels of a node.
    """

    nodes: Text = "nodes.tsv"
    labels: Text | None = None
    kind: EdgeKind = "pearson"
    density_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.3
    thresholds: list[Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=lambda: [0.1, 0.2, 0.3])
    densities: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=lambda: [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    )
    significance: Annotated[float, Field(gt=0, lt=1)] | None = None
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_lesion_fraction: Annotated[float, Field(ge=0, le=1)] = 1.0
    lesion: Literal["include", "exclude"] = "include"
    sensitivity: NetworkSweep = Field(default_factory=NetworkSweep)

    @property
    def cuts(self) -> tuple[float, ...]:
        """Correlations at which the network is cut, ascending, the first reported one among them."""
        return tuple(sorted({*self.thresholds, self.density_threshold}))


class QualityLimits(Part):
    """Limits beyond which a quality measure is flagged; a flag excludes nothing.

    Attributes
    ----------
    fd_mean : float
        Largest mean framewise displacement, in mm.
    share_censored : float
        Largest share of volumes left out for motion.
    minutes : float
        Shortest time of retained volumes, in min.
    effective_df : float
        Smallest effective degrees of freedom of a BOLD scan; from some 20 on the bias of a correlation is below 0.01.
    lag_s : float
        Largest haemodynamic lag of a node behind the healthy hemisphere, in s.
    tsnr, snr : float
        Smallest temporal signal-to-noise ratio of a BOLD scan, smallest signal-to-noise ratio of unweighted DWI volumes.
    bad_samples : float
        Largest share of diffusion samples inside the brain mask that are not positive.
    share_outliers : float
        Largest share of diffusion volumes whose residuals stand out.
    coverage : float
        Smallest share of a region, by its weight, that all visits cover.
    registration_dice : float
        Smallest overlap of the tissue masks of template and scan after registration.
    """

    fd_mean: Annotated[float, Field(gt=0)] = 0.5
    share_censored: Annotated[float, Field(gt=0, le=1)] = 0.3
    minutes: Annotated[float, Field(ge=0)] = 4.0
    effective_df: Annotated[float, Field(ge=0)] = 20.0
    lag_s: Annotated[float, Field(gt=0)] = 1.0
    tsnr: Annotated[float, Field(ge=0)] = 30.0
    snr: Annotated[float, Field(ge=0)] = 10.0
    bad_samples: Annotated[float, Field(ge=0, le=1)] = 0.02
    share_outliers: Annotated[float, Field(gt=0, le=1)] = 0.1
    coverage: Annotated[float, Field(ge=0, le=1)] = 0.9
    registration_dice: Annotated[float, Field(ge=0, le=1)] = 0.7


class ImagingPlan(Part):
    """How images become measures.

    Attributes
    ----------
    dataset : str
        Folder of the BIDS dataset: relative to the study folder, or absolute.
    derivatives : list of str
        Folders of preprocessed images and masks, relative to the dataset and inside it.
    sessions : dict of str to str
        BIDS session label to visit name.
    trust : {"table", "mask"} or None
        Which lesion side holds where `participants` and lesion mask disagree; None makes that a fault of the scan.
    accept_raw : bool
        Whether diffusion images that nobody preprocessed are measured; without topup and eddy their numbers are worse.
    producers : str or None
        File of further patterns of names, in the study folder, of the shape of ``extract/bids/producers.toml``.
    """

    dataset: Text = "bids"
    derivatives: Annotated[list[Text], Field(min_length=1)]
    sessions: Annotated[dict[SessionLabel, Name], Field(min_length=1)]
    trust: Literal["table", "mask"] | None = None
    raw: RawPlan = Field(default_factory=RawPlan)
    accept_raw: bool = False
    producers: Text | None = None
    tensor: TensorPlan = Field(default_factory=TensorPlan)
    regions: RegionPlan = Field(default_factory=RegionPlan)
    visits: VisitPlan = Field(default_factory=VisitPlan)
    cleaning: CleaningPlan = Field(default_factory=CleaningPlan)
    network: NetworkPlan = Field(default_factory=NetworkPlan)
    quality: QualityLimits = Field(default_factory=QualityLimits)
