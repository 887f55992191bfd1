"""The imaging part of the study file: where the images are and how they become measures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from neurotrial.study_part import Name, Part, Text

__all__ = ["CleaningPlan", "ImagingPlan", "NetworkPlan", "QualityLimits", "TensorPlan"]

SessionLabel = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]


class TensorPlan(Part):
    """Diffusion tensor: estimator and the volumes that it uses.

    Attributes
    ----------
    fit : {"wls", "ols"}
        Weighted or ordinary least squares on the log signal.
    b0_threshold : float
        Largest b-value, in s/mm2, that counts as unweighted.
    max_b : float
        Largest b-value, in s/mm2, that enters the fit.
    """

    fit: Literal["wls", "ols"] = "wls"
    b0_threshold: Annotated[float, Field(ge=0, le=200)] = 50.0
    max_b: Annotated[float, Field(ge=300, le=3000)] = 1500.0


class CleaningPlan(Part):
    """Cleaning of the node time series.

    Attributes
    ----------
    strategy : {"6p", "24p"}
        Motion regressors: the six parameters; or with their derivatives and the squares of both.
    high_pass, low_pass : float
        Band that is kept, in Hz.
    fd_threshold : float
        Framewise displacement, in mm, above which a volume is left out.
    common_volumes : int
        Volumes, the first of those retained, from which density is made, the same for every scan; density of a scan
        that retains fewer is missing.
    """

    strategy: Literal["6p", "24p"] = "24p"
    high_pass: Annotated[float, Field(gt=0, lt=1)] = 0.01
    low_pass: Annotated[float, Field(gt=0, lt=1)] = 0.1
    fd_threshold: Annotated[float, Field(gt=0, le=5)] = 0.5
    common_volumes: Annotated[int, Field(ge=20)] = 100


class NetworkPlan(Part):
    """Motor network: its nodes and the threshold of the density.

    Attributes
    ----------
    nodes : str
        Table of the nodes, inside the study folder: node, pair, hemisphere, x, y, z, radius_mm.
    density_threshold : float
        Correlation from which an edge counts.
    min_coverage : float
        Share of a node's voxels inside the brain mask below which the node is lost.
    """

    nodes: Text = "nodes.tsv"
    density_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.3
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.5


class QualityLimits(Part):
    """Limits beyond which a quality measure is flagged; a flag excludes nothing.

    Attributes
    ----------
    fd_mean : float
        Largest mean framewise displacement, in mm.
    share_censored : float
        Largest share of volumes left out for motion.
    tsnr, snr : float
        Smallest temporal signal-to-noise ratio of a BOLD scan, smallest signal-to-noise ratio of unweighted DWI volumes.
    """

    fd_mean: Annotated[float, Field(gt=0)] = 0.5
    share_censored: Annotated[float, Field(gt=0, le=1)] = 0.3
    tsnr: Annotated[float, Field(ge=0)] = 30.0
    snr: Annotated[float, Field(ge=0)] = 10.0


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
    accept_raw: bool = False
    producers: Text | None = None
    tensor: TensorPlan = Field(default_factory=TensorPlan)
    cleaning: CleaningPlan = Field(default_factory=CleaningPlan)
    network: NetworkPlan = Field(default_factory=NetworkPlan)
    quality: QualityLimits = Field(default_factory=QualityLimits)
