"""Imaging features of simulated brains without their images: the same models, the same estimators, only the voxels that count.

A region's mean needs the voxels of the region, a node's series the mean over its sphere; noise and everything else are
drawn from the distributions that the images have. That makes the population of a trial cheap enough to simulate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.bids.patterns import MODALITIES
from neurotrial.extract.bids.scans import Scan
from neurotrial.extract.cleaning.node_cleaning import clean
from neurotrial.extract.collect import missing_features
from neurotrial.extract.diffusion.gradients import Gradients
from neurotrial.extract.diffusion.tensor import fit_scan
from neurotrial.extract.network.edge_kinds import edges
from neurotrial.extract.network.features import Labels, expected_network_rows, network_features
from neurotrial.extract.network.measures import Cuts, network_measures
from neurotrial.extract.regions.features import region_rows
from neurotrial.extract.regions.grid import MEANS, REGIONS
from neurotrial.extract.scan import expected_features
from neurotrial.extract.scan_result import ScanFault
from neurotrial.extract.sides import LETTERS
from neurotrial.runner import Outcome
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import simulate_node_series
from neurotrial.simulation.brains import VISITS, brain_correlation
from neurotrial.simulation.confounds import confounds_table
from neurotrial.simulation.diffusion import roi_voxels, simulate_dwi
from neurotrial.simulation.lesion import lesion_mask
from neurotrial.simulation.motion import CALM, RESTLESS, random_motion
from neurotrial.simulation.nodes import in_node_order, node_table
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scans import scan_rng
from neurotrial.simulation.tissue import Pathology
from neurotrial.simulation.trial import brains_scanned, scans_made

if TYPE_CHECKING:
    from neurotrial.extract.bids.patterns import Modality
    from neurotrial.extract.cleaning.cleaned import Cleaned
    from neurotrial.extract.diffusion.tensor import FloatArray
    from neurotrial.extract.network.measures import Measure
    from neurotrial.imaging_plan import ImagingPlan
    from neurotrial.simulation.anatomy import Head
    from neurotrial.simulation.motion import Motion
    from neurotrial.simulation.protocols import DwiProtocol, Preset
    from neurotrial.simulation.settings import TrialSettings

__all__ = ["measure_brains", "pathology", "stream"]

_BATCH = 100


def stream(seed: int, participant: str, visit: str, modality: Modality) -> np.random.Generator:
    """Return the random stream of one scan, which no other scan moves."""
    return scan_rng(seed, int(participant.removeprefix("sub-")), VISITS.index(visit), modality)


def pathology(rows: Any) -> Pathology:
    """Return what the stroke did to a brain, or to many where `rows` is a table."""
    return Pathology(
        rows["lesion_side"], rows["lesion_volume_ml"], rows["integrity_ipsi"], rows["integrity_contra"]
    )


def measure_brains(
    people: pd.DataFrame, brains: pd.DataFrame, settings: TrialSettings, plan: ImagingPlan
) -> pd.DataFrame:
    """Return the features that the extraction of the images would give, in distribution.

    Parameters
    ----------
    people, brains : DataFrame
        As a `neurotrial.simulation.trial.Trial` has them, or some of their participants.
    settings : TrialSettings
        Grid and seed.
    plan : ImagingPlan
        How images become measures.

    Returns
    -------
    DataFrame
        The contract `features` on the complete grid.
    """
    preset = PRESETS[settings.grid]
    made = brains_scanned(people, brains)
    parts = [
        _dwi_features(made[start : start + _BATCH], settings.seed, preset, plan)
        for start in range(0, len(made), _BATCH)
    ]
    parts += [_bold_features(row, settings.seed, preset, plan) for row in made.to_dict("records")]
    parts += _not_made(people, plan)
    return pd.concat(parts, ignore_index=True)


def _not_made(people: pd.DataFrame, plan: ImagingPlan) -> list[pd.DataFrame]:
    known = set(scans_made(people).itertuples(index=False, name=None))
    sides = people.set_index("participant_id")["lesion_side"]
    expected = {modality: _expected(modality, plan) for modality in MODALITIES}
    return [
        _drawn(
            missing_features(
                Scan(person, visit, None, modality, {}, str(sides[person])), expected[modality], None
            )
        )
        for person in people["participant_id"]
        for visit in VISITS
        for modality in MODALITIES
        if (person, visit) not in known
    ]


def _drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that are drawn here: of regions the means with and without the lesion, which need no neighbours."""
    means = (rows["statistic"] == "mean") & rows["lesion_policy"].isin(MEANS.policies)
    return rows[means | (rows["modality"] != "dwi")]


def _dwi_features(rows: pd.DataFrame, seed: int, preset: Preset, plan: ImagingPlan) -> pd.DataFrame:
    """Measure the regions of a batch of diffusion scans."""
    head = Anatomy().on(preset.dwi.grid)
    voxels = roi_voxels(head)
    first = rows.iloc[0]
    rng = stream(seed, first["participant_id"], first["visit"], "dwi")
    state = pathology({name: rows[name].to_numpy() for name in rows})
    signal = simulate_dwi(head, state, preset.dwi, rng, voxels)
    maps = fit_scan(signal, _gradients(preset.dwi, plan), plan.tensor.fit).scalars
    lesions = lesion_mask(head, state.side, state.volume_ml, voxels)
    regions = _regions(head, voxels)
    brain = np.ones(len(voxels), dtype=bool)
    parts = []
    for place, row in enumerate(rows.to_dict("records")):
        own = {name: values[place] for name, values in maps.items()}
        found = pd.DataFrame(list(region_rows(own, regions, brain, lesions[place], row["lesion_side"])))
        parts.append(found.assign(**_scan(row, "dwi").identity))
    return pd.concat(parts, ignore_index=True)


def _regions(head: Head, voxels: Any) -> dict[tuple[str, str], Any]:
    return {
        (region, hemisphere): head.regions[region.upper(), letter][voxels]
        for region in REGIONS
        for hemisphere, letter in LETTERS.items()
    }


def _gradients(protocol: DwiProtocol, plan: ImagingPlan) -> Gradients:
    b0 = protocol.bvals <= plan.tensor.b0_threshold
    return Gradients(protocol.bvals, protocol.bvecs, b0, b0 | (protocol.bvals <= plan.tensor.max_b))


def _bold_features(row: dict[Any, Any], seed: int, preset: Preset, plan: ImagingPlan) -> pd.DataFrame:
    """Measure the network of one BOLD scan."""
    rng = stream(seed, row["participant_id"], row["visit"], "bold")
    motion = random_motion(preset.bold, rng, RESTLESS if row["restless"] else CALM)
    correlation = in_node_order(brain_correlation(row), row["lesion_side"])
    head = Anatomy().on(preset.bold.grid)
    series: FloatArray = simulate_node_series(head, correlation, motion, preset.bold, rng)
    scan = _scan(row, "bold")
    try:
        cleaned = _cleaned(series, motion, preset.bold.t_r, plan)
    except ScanFault as fault:
        return missing_features(
            scan, _expected("bold", plan), Outcome(scan.name, "failed", str(fault), "simulated")
        )
    common = plan.cleaning.common_volumes
    table = network_features(
        edges(cleaned), node_table(), row["lesion_side"], measures=_measures(plan), labels=_labels(plan),
        common_edges=edges(cleaned.series[:common]) if cleaned.n_volumes >= common else None,
        common_reason=f"{cleaned.n_volumes} volumes are left, the common number is {common}",
    )  # fmt: skip
    return table.assign(**scan.identity, coverage=1.0)


def _cleaned(series: FloatArray, motion: Motion, t_r: float, plan: ImagingPlan) -> Cleaned:
    own = plan.cleaning
    return clean(
        series, confounds_table(motion), strategy=own.strategy, tr=t_r, high_pass=own.high_pass, low_pass=own.low_pass,
        detrend=own.detrend, fd_threshold=own.fd_threshold, min_minutes=own.min_minutes,
    )  # fmt: skip


def _measures(plan: ImagingPlan) -> list[Measure]:
    """Return the measures that outcomes are made of; all others would take most of the time."""
    return network_measures(node_table(), Cuts(), primary=plan.network.density_threshold)


def _labels(plan: ImagingPlan) -> Labels:
    return Labels(f"spheres_{plan.network.kind}_{plan.cleaning.strategy}", plan.network.lesion)


def _expected(modality: Modality, plan: ImagingPlan) -> pd.DataFrame:
    """Return the rows that are drawn here of every scan: of the network its main measures."""
    if modality == "bold":
        return pd.DataFrame(expected_network_rows(_measures(plan), _labels(plan)))
    return pd.DataFrame(expected_features(modality, plan, Path()))


def _scan(row: dict[Any, Any], modality: Modality) -> Scan:
    return Scan(row["participant_id"], row["visit"], None, modality, {}, row["lesion_side"])
