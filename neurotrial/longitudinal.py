"""The checks that a longitudinal trial asks of its tables, by the study file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.errors import Problem
from neurotrial.formulas import formula_names
from neurotrial.outcomes import covariate_columns
from neurotrial.subgroup_plan import OWN_BASELINE
from neurotrial.table_checks import describe_rows, typed_column, unreadable_cells
from neurotrial.tables import SCALES, TABLES, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from neurotrial.study import Study

__all__ = ["baseline_problems", "longitudinal_problems", "type_study_columns"]

_TOTAL_TOLERANCE = 1e-9


def longitudinal_problems(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> list[Problem]:
    """Hold the tables against the study file and against each other.

    Parameters
    ----------
    study : Study
        The plan.
    tables : mapping of str to DataFrame
        Typed tables by name.
    labels : mapping of str to str
        What messages call each table's file.

    Returns
    -------
    list of Problem
        Arms, visits and participants that are not declared, arms that change, columns that the plan needs and the
        tables lack, scores outside their scale, visits outside their window, totals that do not add up.
    """
    checks: tuple[
        Callable[[Study, Mapping[str, pd.DataFrame], Mapping[str, str]], Iterator[Problem]], ...
    ] = (
        _declared_arms,
        _arm_changes,
        _known_participants,
        _declared_visits,
        _needed_columns,
        _moderators,
        _score_ranges,
        _windows,
        _totals,
    )
    return [problem for check in checks for problem in check(study, tables, labels)]


def type_study_columns(
    study: Study, participants: pd.DataFrame, label: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give the columns of `participants` that only the study file knows their types.

    Parameters
    ----------
    study : Study
        The plan: population flags are true/false, continuous characteristics and the numbers of subgroup analyses are
        numbers, covariates are numbers where every cell is one.
    participants : DataFrame
        The table, typed by its contract.
    label : str
        What messages call the file.

    Returns
    -------
    DataFrame
        The table with those columns typed.
    list of Problem
        Cells that cannot be read.
    """
    known = {column.name for column in TABLES["participants"].columns}
    wanted = {p.flag: Column(p.flag, "boolean", p.label) for p in study.populations if p.flag}
    wanted |= {
        c.name: Column(c.name, "number", c.label) for c in study.characteristics if c.kind == "continuous"
    }
    moved = {part.by for part in study.subgroups if part.takes_number}
    wanted = {name: Column(name, "number", "moderator") for name in moved} | wanted
    typed, problems = participants.copy(), list[Problem]()
    for name, column in wanted.items():
        if name in typed and name not in known:
            typed[name], unreadable = typed_column(participants[name], column)
            problems += unreadable_cells(participants, unreadable, column, label)
    categories = {part.by for part in study.subgroups} - moved
    for name in (name for name in covariate_columns(study) if name not in categories):
        if name in typed and name not in known and name not in wanted:
            numbers, unreadable = typed_column(participants[name], Column(name, "number", name))
            typed[name] = typed[name] if unreadable.any() else numbers
    return typed, problems


def baseline_problems(study: Study, outcomes: pd.DataFrame) -> list[Problem]:
    """List participants with a later value and no baseline, where the outcome does not declare that this may be."""
    problems = []
    for outcome in study.outcomes:
        rows = outcomes[
            (outcomes["outcome"] == outcome.name) & (outcomes["visit"] != study.baseline_visit.name)
        ]
        lacking = rows[rows["value"].notna() & rows["baseline"].isna()]
        if lacking.empty or outcome.missing_baseline == "exclude":
            continue
        described = [
            f"{row.participant_id}: {row.visit}={row.value:g}, baseline=n/a" for row in lacking.itertuples()
        ]
        remedy = (
            "fill in the baseline, or declare `missing_baseline: exclude` on the outcome: its baseline-adjusted "
            "analyses then leave these participants out and say how many"
        )
        rule = "every participant with a later value needs a baseline value"
        problems.append(Problem(f"outcome {outcome.name!r}: baseline", rule, remedy, tuple(described)))
    return problems


def _outside(frame: pd.DataFrame, column: str, known: list[str], label: str, what: str) -> Iterator[Problem]:
    wrong = frame.index[frame[column].notna() & ~frame[column].isin(known)]
    if len(wrong):
        remedy = f"correct the spelling, or declare it in study.yaml; declared: {', '.join(known)}"
        rows = describe_rows(frame, wrong, dict.fromkeys(("participant_id", "visit", column)))
        yield Problem(f"{label}: {column}", f"{what} is not declared in study.yaml", remedy, rows)


def _declared_arms(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    arms = [arm.name for arm in study.arms]
    participants, label = tables["participants"], labels["participants"]
    for column in ("arm", "treatment_received"):
        if column in participants:
            yield from _outside(participants, column, arms, label, "an arm")
    absent = [arm for arm in arms if arm not in set(participants["arm"])] if "arm" in participants else []
    for arm in absent:
        yield Problem(
            f"{label}: arm",
            f"no participant is in the declared arm {arm!r}",
            "add them, or correct study.yaml",
        )


def _arm_changes(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    """Compare the arm, which may stand in other tables too, with the one of participants."""
    del study
    first = tables["participants"].drop_duplicates("participant_id").set_index("participant_id")["arm"]
    for name, frame in tables.items():
        if "arm" not in frame or "participant_id" not in frame:
            continue
        other = frame["arm"].notna() & (
            frame["arm"] != frame["participant_id"].map(first).fillna(frame["arm"])
        )
        if other.any():
            shown = frame.index[frame["participant_id"].isin(frame.loc[other, "participant_id"])]
            rows = describe_rows(frame, shown, ("participant_id", "visit", "arm"))
            rule = "the arm changes within a participant"
            yield Problem(f"{labels[name]}: arm", rule, "give every row the arm as randomised", rows)


def _known_participants(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    del study
    known = set(tables["participants"]["participant_id"])
    for name, frame in tables.items():
        if "participant_id" in frame:
            unknown = frame.index[frame["participant_id"].notna() & ~frame["participant_id"].isin(known)]
            if len(unknown):
                rows = describe_rows(frame, unknown, ("participant_id", "visit"))
                rule = f"a participant is not in {labels['participants']}"
                yield Problem(
                    f"{labels[name]}: participant_id",
                    rule,
                    "add the participant there, or correct the id",
                    rows,
                )


def _declared_visits(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    for name, frame in tables.items():
        if "visit" in frame:
            yield from _outside(
                frame, "visit", [visit.name for visit in study.visits], labels[name], "a visit"
            )


def _needed_columns(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    participants, label = tables["participants"], labels["participants"]
    needed = {p.flag: f"population {p.name!r}" for p in study.populations if p.flag}
    needed |= dict.fromkeys(study.allocation.strata, "allocation strata")
    needed |= {c.name: f"characteristic {c.name!r}" for c in study.characteristics}
    for analysis in study.analyses:
        needed |= {
            n: f"analysis {analysis.name!r}"
            for term in (*analysis.covariates, *analysis.selection_predictors)
            for n in formula_names(term)
        }
    for part in study.associations:
        names = (n for term in part.covariates for n in formula_names(term))
        needed |= dict.fromkeys(names, f"association {part.name!r}")
    for decision in study.multiverse.decisions if study.multiverse else []:
        terms = (
            [term for option in decision.options.values() for term in option]
            if decision.kind == "covariates"
            else []
        )
        names = (n for term in terms for n in formula_names(term))
        needed |= dict.fromkeys(names, f"decision {decision.name!r} of the multiverse")
    for plan in study.subgroups:
        names = (n for term in plan.covariates for n in formula_names(term))
        needed |= dict.fromkeys(names, f"subgroup {plan.name!r}")
        needed |= {plan.by: f"subgroup {plan.name!r}"} if plan.by != OWN_BASELINE else {}
    for name, user in needed.items():
        if name not in participants:
            rule = f"the column is missing; {user} of study.yaml names it"
            yield Problem(f"{label}: {name}", rule, "add the column, or correct study.yaml")
    for population in study.populations:
        if population.flag in participants and participants[population.flag].isna().any():
            lacking = participants.index[participants[population.flag].isna()]
            rows = describe_rows(participants, lacking, ("participant_id", str(population.flag)))
            yield Problem(
                f"{label}: {population.flag}",
                "every participant is in the population or not",
                "write true or false",
                rows,
            )


def _moderators(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield columns of words that a subgroup analysis takes as numbers."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    participants = tables["participants"]
    for part in study.subgroups:
        if not part.takes_number or part.by not in participants:
            continue
        values = participants[part.by]
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            rule = f"holds no numbers; subgroup {part.name!r} of study.yaml takes it as one"
            remedy = "use `kind: categorical` without `cut`, or name another column"
            yield Problem(f"{labels['participants']}: {part.by}", rule, remedy)


def _score_ranges(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    motor = tables.get("motor")
    if motor is None or not {"scale", "score"} <= set(motor.columns):
        return
    ranges = dict(SCALES) | {
        str(o.source.where["scale"]): (o.range[0], o.range[1])
        for o in study.outcomes
        if o.source.table == "motor" and o.range
    }
    for scale, (low, high) in ranges.items():
        wrong = motor.index[
            (motor["scale"] == scale) & motor["score"].between(0, 100) & ~motor["score"].between(low, high)
        ]
        if len(wrong):
            rows = describe_rows(motor, wrong, ("participant_id", "visit", "scale", "score"))
            rule = f"{scale} must lie in [{low:g}, {high:g}] points"
            yield Problem(
                f"{labels['motor']}: score",
                rule,
                "correct the score or the scale; write n/a where it is missing",
                rows,
            )


def _windows(
    study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[Problem]:
    motor = tables.get("motor")
    if motor is None or "days_since_randomisation" not in motor:
        return
    action = {"keep": "is kept", "exclude": "is left out"}[study.visit_rules.outside_window]
    for visit in study.visits:
        days = motor["days_since_randomisation"]
        outside = (motor["visit"] == visit.name) & days.notna()
        if visit.window:
            outside &= ~days.between(visit.window[0], visit.window[1])
            if outside.any():
                rows = describe_rows(
                    motor, motor.index[outside], ("participant_id", "visit", "days_since_randomisation")
                )
                rule = f"outside the window {visit.window[0]:g} to {visit.window[1]:g} days; it {action}"
                remedy = "check the day; `visit_rules: outside_window` in study.yaml says what happens"
                yield Problem(f"{labels['motor']}: {visit.name}", rule, remedy, rows, severity="warning")


def _totals(study: Study, tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> Iterator[Problem]:
    del study
    motor = tables.get("motor")
    if motor is None or not set(SCALES) <= set(motor["scale"]):
        return
    wide = motor.drop_duplicates(["participant_id", "visit", "scale"]).pivot_table(
        index=["participant_id", "visit"], columns="scale", values="score", dropna=False
    )
    gap = (wide["fma_ue"] + wide["fma_le"] - wide["fma_total"]).abs()
    wrong = wide[gap > _TOTAL_TOLERANCE]
    if not wrong.empty:
        rows = tuple(
            f"{participant}, {visit}: {row.fma_ue:g} + {row.fma_le:g} is not {row.fma_total:g}"
            for (participant, visit), row in zip(wrong.index, wrong.itertuples(), strict=True)
        )
        rule = "fma_ue and fma_le must add up to fma_total"
        yield Problem(f"{labels['motor']}: score", rule, "correct the three scores", rows, severity="warning")
