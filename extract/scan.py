"""The unit of work: one scan, whatever its modality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from neurotrial.extract.dataset import Modality, Scan
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

        return extract_dwi(scan, plan, simulated=simulated)
    from neurotrial.extract.bold_scan import extract_bold

    return extract_bold(scan, plan, study_folder, simulated=simulated)


def expected_features(modality: Modality, plan: ImagingPlan) -> list[dict[str, Any]]:
    """Return the feature rows that every scan of a modality has, without values, status and identity.

    Parameters
    ----------
    modality : {"dwi", "bold"}
        Kind of scan.
    plan : ImagingPlan
        Names method and threshold.

    Returns
    -------
    list of dict
        Hemisphere or side is ``?`` where it follows from the side of the lesion, see
        `neurotrial.extract.sides.feature_sides`.
    """
    if modality == "dwi":
        from neurotrial.extract.regions.grid import expected_region_rows

        return expected_region_rows()
    from neurotrial.extract.network import expected_network_rows

    return expected_network_rows(plan)
