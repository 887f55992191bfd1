"""Other choices of how an imaging outcome was measured: statistic, lesioned voxels, threshold, scans with motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from neurotrial.models.sensitivity_variations.outcome_variants import (
    alternatives,
    fitting_rows,
    measured_otherwise,
)
from neurotrial.models.sensitivity_variations.variation import Variation, compared_again

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from neurotrial.loading import StudyData
    from neurotrial.models.cells import Cell

__all__ = ["imaging_variations", "is_imaging"]

_LEVELS = ("mean", "weighted_mean", "median", "trimmed_mean")
"""Statistics of the level of a measure in a region."""
_RATIOS = ("ratio", "log_ratio", "asymmetry")
_FLIPPED = "asymmetry"
"""Contralesional less ipsilesional: larger where the ipsilesional value is smaller."""
_POLICIES = ("include", "exclude")
"""Lesion policies under which a region is still that region."""
_DONE = {
    "include": "included",
    "exclude": "excluded",
    "only": "alone",
    "perilesional": "left out for a ring about them",
}
_MOTION = ("fd_mean", "fd_max", "share_censored", "dvars_mean", "outlier_volumes")
"""Quality measures that motion drives."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """An imaging outcome as it was measured: the rows that the study file names, and their modality."""

    cell: Cell
    data: StudyData
    where: Mapping[str, Any]
    rows: pd.DataFrame

    @property
    def features(self) -> pd.DataFrame:
        return self.data.tables["features"]

    def own(self, column: str) -> Any:
        """Return the value of a column, the first where rows differ; None where all are missing."""
        found = self.rows[column].dropna().unique()
        return found[0] if len(found) else None

    def otherwise(self, name: str, group: str, words: str, change: Mapping[str, Any]) -> Variation:
        """Return the main comparison of other rows."""
        where = {key: value for key, value in {**self.where, **change}.items() if value is not None}
        ratio = change.get("statistic") in _RATIOS
        compute = partial(_compared, self.cell, self.data, where, bounded=not ratio)
        unit = ""
        if ratio:
            units = fitting_rows(self.features, where)["unit"].dropna()
            unit = str(units.iloc[0]) if len(units) else str(change["statistic"])
        flipped = change.get("statistic") == _FLIPPED
        return Variation(name, group, words, self.cell.population, compute, unit=unit, flipped=flipped)

    def without(self, name: str, group: str, words: str, reason: str) -> Variation:
        """Return a variation that does not exist here."""
        return Variation(name, group, words, self.cell.population, reason=reason)


def is_imaging(cell: Cell) -> bool:
    """Tell whether the outcome of a cell comes from images."""
    return cell.outcome.source.table == "features"


def imaging_variations(cell: Cell, data: StudyData) -> Iterator[Variation]:
    """Yield the main comparison with the outcome measured otherwise, and without scans flagged for motion."""
    where = cell.outcome.source.where
    measured = _Measured(cell, data, where, fitting_rows(data.tables["features"], where))
    yield from _statistics(measured)
    yield from _lesions(measured)
    yield from _thresholds(measured)
    yield _motion(measured)


def _compared(cell: Cell, data: StudyData, where: Mapping[str, Any], *, bounded: bool) -> pd.DataFrame:
    return compared_again(*measured_otherwise(cell, data, where, bounded=bounded))


def _statistics(measured: _Measured) -> Iterator[Variation]:
    own, words = measured.own("statistic"), "statistic of the region"
    others = alternatives(measured.features, measured.where, "statistic")
    family = _LEVELS if own in _LEVELS else _RATIOS
    for name in others:
        said = f"{name.replace('_', ' ')} in place of {str(own).replace('_', ' ')}"
        if name in family:
            yield measured.otherwise(f"statistic_{name}", "statistic", said, {"statistic": name})
        else:
            reason = "another quantity than the level of the measure"
            yield measured.without(f"statistic_{name}", "statistic", said, reason)
    ratios = _ratios(measured) if measured.own("side") == "ipsilesional" and own in _LEVELS else []
    for name in ratios:
        said = f"{name.replace('_', ' ')} of both sides in place of the ipsilesional {str(own).replace('_', ' ')}"
        change = {"statistic": name, "side": "inter", "hemisphere": None}
        yield measured.otherwise(f"statistic_{name}", "statistic", said, change)
    if not others and not ratios:
        yield measured.without(
            "statistic", "statistic", words, "the table features holds no other statistic of it"
        )


def _ratios(measured: _Measured) -> list[str]:
    """Return the comparisons of both sides that the table has of the same measure."""
    where = {name: value for name, value in measured.where.items() if name not in {"side", "hemisphere"}}
    found = alternatives(measured.features, {**where, "side": "inter"}, "statistic")
    return [name for name in _RATIOS if name in found]


def _lesions(measured: _Measured) -> Iterator[Variation]:
    own = str(measured.own("lesion_policy"))
    others = alternatives(measured.features, measured.where, "lesion_policy")
    for name in others:
        said = f"lesioned voxels {_DONE.get(name, name)} in place of {_DONE.get(own, own)}"
        if name in _POLICIES and own in _POLICIES:
            yield measured.otherwise(f"lesion_{name}", "lesion", said, {"lesion_policy": name})
        else:
            reason = "another tissue, not another measure of the same"
            yield measured.without(f"lesion_{name}", "lesion", said, reason)
    if not others:
        yield measured.without(
            "lesion", "lesion", "lesion policy", "the table features holds no other lesion policy of it"
        )


def _thresholds(measured: _Measured) -> Iterator[Variation]:
    own = measured.own("threshold") if "threshold" in measured.features else None
    if own is None:
        yield measured.without("threshold", "threshold", "threshold", "the measure has no threshold")
        return
    others = alternatives(measured.features, measured.where, "threshold")
    for value in others:
        words = f"threshold {value:g} in place of {own:g}"
        yield measured.otherwise(f"threshold_{value:g}", "threshold", words, {"threshold": float(value)})
    if not others:
        yield measured.without(
            "threshold", "threshold", "threshold", "the table features holds no other threshold of it"
        )


def _motion(measured: _Measured) -> Variation:
    words, name = "without participants whose scans are flagged for motion", "motion"
    quality = measured.data.tables.get("quality")
    if quality is None:
        return measured.without(name, "motion", words, "there is no table quality")
    visits = (measured.data.study.baseline_visit.name, measured.cell.visit)
    own = quality[
        (quality["modality"] == measured.own("modality"))
        & quality["visit"].isin(visits)
        & quality["measure"].isin(_MOTION)
    ]
    if own.empty:
        return measured.without(name, "motion", words, "the table quality has no measure of motion")
    flagged = set(own.loc[own["flagged"].fillna(value=False).astype(bool), "participant_id"])
    if not flagged:
        return measured.without(name, "motion", words, "no scan is flagged for motion")
    long = measured.data.outcomes
    kept = replace(measured.data, outcomes=long[~long["participant_id"].isin(flagged)])
    said = f"{words} ({len(flagged)})"
    return Variation(
        name, "motion", said, measured.cell.population, partial(compared_again, measured.cell, kept)
    )
