"""Quality measures as readers know them: label, how a value is printed, and what each kind of scan shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from neurotrial.reports.number_format import MISSING, number

__all__ = ["SHOWN", "QualityName", "quality_name"]


@dataclass(frozen=True, slots=True)
class QualityName:
    """How a measure is printed: its label, its unit, its decimals, and whether a share is printed as a percentage."""

    label: str
    unit: str = ""
    digits: int = 2
    percentage: bool = False

    @property
    def heading(self) -> str:
        """Label and unit."""
        unit = "%" if self.percentage else self.unit
        return f"{self.label}, {unit}" if unit else self.label

    def scaled(self, value: float) -> float:
        """Return a value in the unit that is printed."""
        return 100 * value if self.percentage else value

    def shown(self, value: float | None) -> str:
        """Return a value for a column or a sentence that names the unit."""
        return MISSING if value is None else number(self.scaled(value), self.digits)


_NAMES: Mapping[str, QualityName] = MappingProxyType(
    {
        "n_volumes": QualityName("Volumes", digits=0),
        "n_b0": QualityName("Unweighted volumes", digits=0),
        "snr": QualityName("SNR", digits=1),
        "bad_samples": QualityName("Invalid samples", digits=2, percentage=True),
        "minimal_preprocessing": QualityName("Minimal preprocessing", digits=0),
        "empty_volumes": QualityName("Empty volumes", digits=0),
        "outlier_volumes": QualityName("Outlier volumes", digits=0, percentage=True),
        "min_region_coverage": QualityName("Lowest region coverage", digits=0, percentage=True),
        "registration_dice": QualityName("Registration, Dice", digits=2),
        "registration_correlation": QualityName("Registration, r", digits=2),
        "registration_jacobian_min": QualityName("Smallest Jacobian", digits=2),
        "registration_jacobian_max": QualityName("Largest Jacobian", digits=2),
        "registration_folded": QualityName("Folded voxels", digits=2, percentage=True),
        "fa_median": QualityName("Median FA", digits=3),
        "fd_mean": QualityName("Mean FD", "mm", 2),
        "fd_max": QualityName("Largest FD", "mm", 2),
        "share_censored": QualityName("Censored", digits=0, percentage=True),
        "volumes_kept": QualityName("Volumes kept", digits=0),
        "minutes_kept": QualityName("Kept", "min", 1),
        "tsnr": QualityName("tSNR", digits=1),
        "effective_df": QualityName("Effective df", digits=0),
        "min_node_coverage": QualityName("Lowest node coverage", digits=0, percentage=True),
        "min_node_tsnr": QualityName("Lowest node tSNR", digits=1),
        "nodes_lost": QualityName("Nodes lost", digits=0),
        "lesioned_nodes": QualityName("Lesioned nodes", digits=0),
        "dvars_mean": QualityName("Mean DVARS", "%", 2),
        "largest_lag": QualityName("Largest lag", "s", 1),
    }
)

SHOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dwi": (
            "n_volumes",
            "n_b0",
            "snr",
            "bad_samples",
            "outlier_volumes",
            "fd_mean",
            "fa_median",
            "min_region_coverage",
            "registration_dice",
        ),
        "bold": (
            "fd_mean",
            "share_censored",
            "minutes_kept",
            "tsnr",
            "min_node_coverage",
            "nodes_lost",
            "lesioned_nodes",
            "largest_lag",
        ),
    }
)
"""The main measures of each kind of scan, in the order of the columns."""


def quality_name(measure: str, unit: str = "") -> QualityName:
    """Return how a measure is printed; one that is not known by its own name and unit."""
    return _NAMES.get(measure, QualityName(measure.replace("_", " "), unit))
