"""The table contracts between the layers: name, type, unit, range and meaning of every column, in one place.

`neurotrial.tabular` reads and writes the tables, `neurotrial.table_checks` holds data against what stands here,
and `bids_dictionary` makes the JSON dictionaries of the TSV copies from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["PARTICIPANT_PATTERN", "SCALES", "TABLES", "Column", "Table", "bids_dictionary"]

DType = Literal["string", "integer", "number", "boolean"]

PARTICIPANT_PATTERN = r"^sub-[A-Za-z0-9]+$"
SCALES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"fma_total": (0, 100), "fma_ue": (0, 66), "fma_le": (0, 34)}
)
"""Lowest and highest score of each Fugl-Meyer motor scale."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name, dtype, description : str
        ``dtype`` is one of string, integer, number, boolean.
    unit : str
        Unit of the values; empty where there is none.
    minimum, maximum : float or None
        Closed range of the values.
    levels : tuple of str
        The values allowed; empty where any is.
    pattern : str
        Regular expression that the whole value matches; empty where there is none.
    required : bool
        Whether the column must exist.
    nullable : bool
        Whether single values may be missing.
    """

    name: str
    dtype: DType
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    pattern: str = ""
    required: bool = True
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns and the key that makes a row unique.

    ``open`` tables may hold further columns; those that ``may_be_empty`` say by a header alone that nothing happened.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    open: bool = False
    may_be_empty: bool = False

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)


def text(name: str, description: str, **more: Any) -> Column:
    """Return a column of words."""
    return Column(name, "string", description, **more)


def number(name: str, description: str, unit: str = "", **more: Any) -> Column:
    """Return a column of numbers that may be missing."""
    return Column(name, "number", description, unit, **{"nullable": True, **more})


def count(name: str, description: str, **more: Any) -> Column:
    """Return a column of whole numbers from 0 that may be missing."""
    return Column(name, "integer", description, **{"nullable": True, "minimum": 0, **more})


def flag(name: str, description: str, **more: Any) -> Column:
    """Return a column of true and false."""
    return Column(name, "boolean", description, **more)


def share(name: str, description: str, **more: Any) -> Column:
    """Return a column of shares between 0 and 1 that may be missing."""
    return number(name, description, minimum=0, maximum=1, **more)


_OPTIONAL: Mapping[str, Any] = MappingProxyType({"required": False, "nullable": True})
_PARTICIPANT = text(
    "participant_id", "participant, `sub-` and letters or digits", pattern=PARTICIPANT_PATTERN
)
_VISIT = text("visit", "visit, a name declared in the study file")
_RUN = count("run", "run number within the visit", **_OPTIONAL)
_SCAN = (_PARTICIPANT, _VISIT, _RUN)
_MODALITY = text("modality", "kind of scan", levels=("dwi", "bold"))
_DAY = number("day", "day since randomisation", "days", nullable=False)
_HEMISPHERES = ("left", "right", "both", "none")
_STATISTICS = (
    "mean",
    "weighted_mean",
    "median",
    "trimmed_mean",
    "sd",
    "ratio",
    "log_ratio",
    "asymmetry",
    "auc",
)
_POLICIES = ("include", "exclude", "only", "perilesional", "not_applicable")
_SIDES = ("ipsilesional", "contralesional", "inter", "bilateral", "none")
_FEATURE_STATES = ("ok", "flagged", "missing_input", "low_coverage", "failed", "not_applicable")

_PARTICIPANTS = Table(
    "participants",
    "one row for each randomised participant; never a direct identifier",
    ("participant_id",),
    (
        _PARTICIPANT,
        text("arm", "arm as randomised, a name declared in the study file"),
        count("randomisation_order", "order of randomisation, from 1", minimum=1, **_OPTIONAL),
        text("block", "randomisation block", **_OPTIONAL),
        text("stratum", "randomisation stratum", **_OPTIONAL),
        text("treatment_received", "arm as treated; missing where nothing was received", **_OPTIONAL),
        number("days_stroke_to_baseline", "days from stroke to the baseline visit", "days", minimum=0, required=False),
        number("days_randomisation_to_treatment", "days from randomisation to treatment", "days", required=False),
        number("age", "age at randomisation", "years", minimum=0, maximum=120, required=False),
        text("sex", "sex", levels=("female", "male", "other"), **_OPTIONAL),
        text("lesion_side", "side of the lesion; none for people without one", levels=("left", "right", "both", "none"), **_OPTIONAL),
        number("lesion_volume_ml", "lesion volume at baseline", "ml", minimum=0, required=False),
        count("nihss", "National Institutes of Health Stroke Scale at baseline", maximum=42, required=False),
        text("site", "site", **_OPTIONAL),
        text("scanner", "scanner", **_OPTIONAL),
        flag("itt", "in the intention-to-treat population", required=False),
        flag("treated", "received the allocated treatment", required=False),
        flag("imaging", "in the imaging population", required=False),
        flag("per_protocol", "in the per-protocol population", required=False),
    ),
    open=True,
)  # fmt: skip

_EVENTS = Table(
    "events",
    "intercurrent and other events",
    (),
    (
        _PARTICIPANT,
        _DAY,
        text(
            "type",
            "kind of event: withdrawal, death, recurrent_stroke, not_treated, no_mri, other_therapy, ...",
        ),
        text(
            "strategy",
            "how the estimand deals with it",
            levels=("treatment_policy", "hypothetical", "while_on_treatment", "composite"),
            **_OPTIONAL,
        ),
        text("reason", "why, in words", **_OPTIONAL),
    ),
    may_be_empty=True,
)

_HARMS = Table(
    "harms",
    "adverse events, one row each",
    (),
    (
        _PARTICIPANT,
        _DAY,
        text("term", "term of the event"),
        count("grade", "severity grade", minimum=1, maximum=5),
        flag("serious", "whether it was serious"),
        flag("related", "whether it was judged related to treatment", nullable=True),
    ),
    may_be_empty=True,
)

_MOTOR = Table(
    "motor",
    "Fugl-Meyer motor scores",
    ("participant_id", "visit", "scale"),
    (
        _PARTICIPANT,
        _VISIT,
        number(
            "days_since_randomisation", "day of the assessment since randomisation", "days", required=False
        ),
        text("scale", "scale: total 0-100, upper extremity 0-66, lower extremity 0-34", levels=tuple(SCALES)),
        number("score", "score", "points", minimum=0, maximum=100),
    ),
)

_FEATURES = Table(
    "features",
    "imaging measures on the complete grid: a missing value has its status and reason, never 0, never a missing row",
    (
        "participant_id", "visit", "run", "modality", "feature", "definition", "region", "hemisphere", "side", "statistic",
        "method", "lesion_policy", "threshold",
    ),
    (
        *_SCAN,
        _MODALITY,
        text("feature", "measure: fa, md, ad, rd, strength, density, global_efficiency, ..."),
        text("definition", "which of the definitions of a measure: all_pairs, homotopic, weighted, binary_absolute, ...", **_OPTIONAL),
        text("region", "region or network: cst, plic, motor12, m1_m1, ..."),
        text("hemisphere", "hemisphere", levels=_HEMISPHERES),
        text("side", "side relative to the lesion", levels=_SIDES),
        text("statistic", "how values were summarised", levels=_STATISTICS),
        text("method", "atlas, tract method or sphere radius", **_OPTIONAL),
        text("lesion_policy", "what was done with lesioned voxels; perilesional: a ring about the lesion", levels=_POLICIES),
        number("threshold", "threshold of the measure, where it has one", required=False),
        number("value", "the measure; diffusivities in um2/ms, volumes in ml"),
        text("unit", "unit of the value", **_OPTIONAL),
        count("n", "voxels, streamlines or edges behind the value", required=False),
        share("coverage", "share of the region that was measured", required=False),
        share("lesion_fraction", "share of the region that is lesioned", required=False),
        text("status", "state of the value", levels=_FEATURE_STATES),
        text("reason", "why it is flagged or missing", **_OPTIONAL),
    ),
)  # fmt: skip

_PROFILES = Table(
    "profiles",
    "measures along a tract, by level sets of its mask or by its streamlines",
    ("participant_id", "visit", "run", "tract", "hemisphere", "feature", "method", "lesion_policy", "node"),
    (
        *_SCAN,
        text("tract", "tract"),
        text("hemisphere", "hemisphere", levels=_HEMISPHERES),
        text("side", "side relative to the lesion", levels=_SIDES),
        text("feature", "measure"),
        text("method", "how the nodes were found"),
        text("lesion_policy", "what was done with lesioned voxels", levels=_POLICIES),
        count("node", "node, 0 = cortex to 99 = pons", maximum=99, nullable=False),
        number("value", "the measure; diffusivities in um2/ms"),
        number("n", "voxels or streamlines that the node rests on, in shares", minimum=0),
        share("lesion_fraction", "share of the node that is lesioned"),
    ),
)

_EDGES = Table(
    "edges",
    "functional connections between two nodes",
    ("participant_id", "visit", "run", "node_set", "node_i", "node_j", "kind", "strategy"),
    (
        *_SCAN,
        text("node_set", "nodes as in `method` of features: spheres, spheres8mm, a set's name", **_OPTIONAL),
        text("node_i", "first node"),
        text("node_j", "second node"),
        text(
            "class",
            "class of the edge",
            levels=("interhemispheric", "ipsilesional", "contralesional", "homotopic"),
        ),
        text("kind", "measure of dependence, e.g. pearson"),
        text("strategy", "cleaning strategy"),
        number("r", "correlation", minimum=-1, maximum=1),
        number("z", "Fisher z of the correlation"),
        count("n_volumes", "volumes kept"),
        number("effective_df", "effective degrees of freedom", minimum=0),
        number("lag_s", "haemodynamic lag between the nodes", "s"),
    ),
)

_NODES = Table(
    "nodes",
    "nodes of the motor network",
    ("participant_id", "visit", "run", "node_set", "node"),
    (
        *_SCAN,
        text("node_set", "nodes as in `method` of features: spheres, spheres8mm, a set's name", **_OPTIONAL),
        text("node", "node"),
        text(
            "pair",
            "homotopic pair that the node belongs to, e.g. m1; missing for a node without a counterpart",
            nullable=True,
        ),
        text("hemisphere", "hemisphere of the node; none in the midline", levels=("left", "right", "none")),
        text("side", "side relative to the lesion", levels=("ipsilesional", "contralesional", "none")),
        text(
            "network_side",
            "side that the node counts in where a definition crosses the cerebellum: the opposite of its own",
            levels=("ipsilesional", "contralesional", "none"),
            **_OPTIONAL,
        ),
        *(number(axis, f"{axis} coordinate of the centre", "mm") for axis in "xyz"),
        number(
            "radius_mm",
            "radius of the sphere; missing for a node that is a region of an atlas",
            "mm",
            minimum=0,
        ),
        share("coverage", "share of the node inside the brain mask"),
        share("lesion_fraction", "share of the node that is lesioned"),
        number("tsnr", "temporal signal-to-noise ratio", minimum=0),
    ),
)

_LESIONS = Table(
    "lesions",
    "lesion masks, summarised",
    ("participant_id", "visit", "run"),
    (
        *_SCAN,
        number("volume_ml", "volume", "ml", minimum=0),
        text("side", "side", levels=("left", "right", "both", "none")),
        share("share_left", "share of the lesion in the left hemisphere"),
        number("load_raw", "overlap with the tract", "ml", minimum=0),
        number("load_weighted", "overlap weighted by the tract's narrowness", "ml", minimum=0),
        share("load_max", "largest share of a cross-section that is lesioned"),
        number(
            "distance_mm",
            "shortest way from the lesion to the tract of its side, 0 where they touch",
            "mm",
            minimum=0,
            required=False,
        ),
        number(
            "used_ml",
            "volume of the mask that features rest on, see `imaging: visits: lesion`",
            "ml",
            minimum=0,
            required=False,
        ),
    ),
)

_QUALITY = Table(
    "quality",
    "quality measures of scans; a flag never excludes",
    ("participant_id", "visit", "run", "modality", "measure"),
    (
        *_SCAN,
        _MODALITY,
        text("measure", "quality measure"),
        number("value", "its value"),
        text("unit", "its unit", **_OPTIONAL),
        number("threshold", "threshold beyond which it is flagged"),
        flag("flagged", "whether it is flagged"),
    ),
)

_SCANS = Table(
    "scans",
    "how each scan was acquired and prepared: what harmonisation between sites and scanners needs",
    ("participant_id", "visit", "run", "modality"),
    (
        *_SCAN,
        _MODALITY,
        text("site", "site, as in participants", **_OPTIONAL),
        text("scanner", "scanner, by the sidecar of the image or by participants", **_OPTIONAL),
        text("software", "software of the scanner", **_OPTIONAL),
        text("head_coil", "receive coil", **_OPTIONAL),
        text("protocol_hash", "digest of what makes the protocol: volumes, b-values or repetition time, voxel size", nullable=True),
        text("producer", "who prepared the images", nullable=True),
        text("preprocessing", "full; minimal where susceptibility and eddy currents are not corrected; maps where only scalar maps came", levels=("full", "minimal", "maps")),
        text("space", "space that the image says it stands in", **_OPTIONAL),
        number("voxel_mm3", "volume of a voxel", "mm3", minimum=0),
        count("n_volumes", "volumes", required=False),
    ),
)  # fmt: skip

_REPEATABILITY = Table(
    "repeatability",
    "how well a measure repeats itself: people scanned twice in one session",
    ("modality", "feature", "definition", "region", "side", "statistic", "method", "lesion_policy", "threshold"),
    (
        _MODALITY,
        text("feature", "measure"),
        text("definition", "which of the definitions of a measure", **_OPTIONAL),
        text("region", "region or network"),
        text("side", "side relative to the lesion", levels=_SIDES),
        text("statistic", "how values were summarised", levels=_STATISTICS),
        text("method", "atlas, tract method or sphere radius", **_OPTIONAL),
        text("lesion_policy", "what was done with lesioned voxels", levels=_POLICIES),
        number("threshold", "threshold of the measure, where it has one", required=False),
        count("n_pairs", "pairs of scans", minimum=1, nullable=False),
        number("mean", "mean of all values"),
        number("within_sd", "SD within participants", minimum=0),
        number("smallest_detectable_change", "1.96 times the root of 2 times the SD within participants", minimum=0),
        number("icc", "share of the variance that lies between participants, two-way, absolute agreement, single scan"),
        text("unit", "unit of the values", **_OPTIONAL),
    ),
)  # fmt: skip

_MOTION_LINK = Table(
    "motion_link",
    "how far motion shows in connections (QC-FC): correlation over scans of mean framewise displacement with each connection",
    ("visit", "node_set", "kind", "strategy", "edges"),
    (
        text("visit", "visit, a name declared in the study file"),
        text("node_set", "nodes as in `method` of features", **_OPTIONAL),
        text("kind", "measure of dependence, e.g. pearson"),
        text("strategy", "cleaning strategy"),
        text("edges", "which connections", levels=("all", "between", "within")),
        count("n_scans", "scans, one of each participant", minimum=1, nullable=False),
        count("n_edges", "connections", minimum=1, nullable=False),
        share("median_abs_r", "median over connections of the absolute correlation"),
        share("share_significant", "share of connections with p < 0.05; chance gives 0.05"),
        number("distance_rho", "Spearman's correlation over connections of distance and correlation", minimum=-1, maximum=1),
    ),
)  # fmt: skip

_DECISIONS = Table(
    "decisions",
    "the only thing that excludes a scan; made without sight of the arm",
    ("participant_id", "visit", "run", "modality"),
    (
        *_SCAN,
        _MODALITY,
        flag("include", "whether the scan is used"),
        text("by", "rule or rater; `undecided` where nobody has decided yet, which includes the scan"),
        text("reason", "reason", nullable=True),
        text("date", "date of the decision, YYYY-MM-DD", pattern=r"^\d{4}-\d{2}-\d{2}$", nullable=True),
    ),
    may_be_empty=True,
)

_STATUS = Table(
    "status",
    "what the extraction did with each scan",
    ("participant_id", "visit", "run", "modality", "step"),
    (
        *_SCAN,
        _MODALITY,
        text("step", "step"),
        text("state", "how it ended", levels=("ok", "failed", "skipped")),
        text("reason", "why", nullable=True),
        text("picture", "picture of the scan for quality control, relative to the study folder", **_OPTIONAL),
    ),
)

_OUTCOMES = Table(
    "outcomes",
    "analysis-ready long table, made from the tables above by the study file; covariates and population flags follow",
    ("participant_id", "visit", "outcome"),
    (
        _PARTICIPANT,
        text("arm", "arm as randomised"),
        _VISIT,
        text("outcome", "outcome, a name declared in the study file"),
        number("value", "value at the visit"),
        number("baseline", "value at the baseline visit"),
    ),
    open=True,
)

TABLES: Mapping[str, Table] = MappingProxyType({
    table.name: table
    for table in (
        _PARTICIPANTS, _EVENTS, _HARMS, _MOTOR, _FEATURES, _PROFILES, _EDGES, _NODES, _LESIONS, _QUALITY, _SCANS,
        _REPEATABILITY, _MOTION_LINK, _DECISIONS, _STATUS, _OUTCOMES,
    )
})  # fmt: skip
"""Every table contract by name."""


def bids_dictionary(table: Table) -> dict[str, Any]:
    """Return the BIDS JSON dictionary (sidecar of the TSV copy) of a table.

    Parameters
    ----------
    table : Table
        A contract.

    Returns
    -------
    dict
        Column name to ``Description`` and, where they apply, ``Units``, ``Levels``, ``Minimum``, ``Maximum``.
    """
    return {column.name: _bids_entry(column) for column in table.columns}


def _bids_entry(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"Description": column.description}
    if column.unit:
        entry["Units"] = column.unit
    if column.levels:
        entry["Levels"] = {level: level.replace("_", " ") for level in column.levels}
    bounds = {"Minimum": column.minimum, "Maximum": column.maximum}
    return entry | {name: bound for name, bound in bounds.items() if bound is not None}
