"""One scan, whatever its modality: what is measured in it, and what should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from neurotrial.extract.bids.patterns import Modality
    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.scan_result import ScanResult
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["expected_features", "extract_scan"]


def extract_scan(scan: Scan, plan: ImagingPlan, study_folder: Path, *, simulated: bool) -> ScanResult:
    """Measure one scan.

    Parameters
    ----------
    scan : Scan
        A scan with files.
    plan : ImagingPlan
        How images become measures.
    study_folder : Path
        Where the table of nodes stands.
    simulated : bool
        Whether the picture says that its data are simulated.

    Returns
    -------
    ScanResult
        Tables and picture.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule.
    """
    if scan.modality == "dwi":
        from neurotrial.extract.dwi_scan import extract_dwi

        return extract_dwi(scan, plan, study_folder, simulated=simulated)
    from neurotrial.extract.bold_scan import extract_bold

    return extract_bold(scan, plan, study_folder, simulated=simulated)


def expected_features(modality: Modality, plan: ImagingPlan, folder: Path) -> list[dict[str, Any]]:
    """Return the feature rows that every scan of a modality has, without values, status and identity.

    Parameters
    ----------
    modality : {"dwi", "bold"}
        Kind of scan.
    plan : ImagingPlan
        Names methods and thresholds.
    folder : Path
        The study folder, where the table of nodes stands.

    Returns
    -------
    list of dict
        Hemisphere or side is ``?`` where it follows from the side of the lesion, see
        `neurotrial.extract.sides.feature_sides`.
    """
    if modality == "dwi":
        from neurotrial.extract.regions.grid import RegionGrid, expected_region_rows
        from neurotrial.extract.secondary_methods import expected_secondary_rows
        from neurotrial.extract.visits.region_source import region_method

        own = plan.regions
        rows = expected_region_rows(
            RegionGrid(), method=region_method(own), erosion=own.erosion, ring_mm=own.perilesional_mm
        )
        return rows + expected_secondary_rows(own.secondary)
    from neurotrial.extract.network.planned import expected_rows, planned_networks
    from neurotrial.extract.nodes.variants import planned_variants

    return expected_rows(planned_networks(plan, planned_variants(plan.network, folder)))
