"""One sentence on whether several estimators of the same effect agree, true for whatever they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.method_names import scale_of
from neurotrial.models.bayes.sentences import is_bayesian, posterior_sentence
from neurotrial.models.between import monte_carlo_error

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "agreement"]

Direction = Literal["higher_is_better", "lower_is_better"]

_FAMILIES = {
    "ancova": "baseline-adjusted difference",
    "change": "change score",
    "mmrm_group_time": "group x time",
    "clda": "common baseline mean",
    "follow_up": "follow-up value",
    "ratio_baseline": "improvement ratio",
    "ratio_potential": "share of potential",
    "rerandomisation": "re-randomisation test",
    "freedman_lane": "Freedman-Lane test",
    "mm_regression": "MM regression",
    "m_regression": "M regression",
    "median_regression": "median regression",
    "mann_whitney": "Mann-Whitney test",
    "brunner_munzel": "Brunner-Munzel test",
    "proportional_odds": "proportional odds",
    "fractional_logit": "fractional logit",
    "beta_binomial": "beta-binomial",
    "censored_gaussian": "censored Gaussian",
    "responders_imputed": "responders after imputation",
    "responders": "responders",
    "impute_mar": "imputation under MAR",
    "impute_j2r": "jump to reference",
    "impute_cr": "copy reference",
    "impute_cir": "copy increments in reference",
    "impute_lmcf": "last mean carried forward",
    "ipw": "weighting for selection",
}
_TESTS = {
    "ols": "least squares",
    "welch": "Welch",
    "pooled": "pooled t",
    "mann_whitney": "Mann-Whitney",
    "permutation": "permutation",
    "cm": "jackknife",
    "bayes": "Rubin",
    "stacked": "stacked errors",
    "points": "points",
    "difference": "difference",
    "ratio": "ratio",
}
_SLUG = re.compile(rf"({'|'.join(_FAMILIES)})_(.+?)(_floor)?")
_ZERO = 1e-9
_TENFOLD = 10
_ERRORS = 3


@dataclass(frozen=True, slots=True)
class _Row:
    """What the sentence needs of an estimate: `side` is 1 in favour of the arm, -1 of the reference, 0 of neither."""

    method: str
    family: str
    label: str
    side: int
    p_value: float
    n: int
    rejects: bool
    p_std_error: float


def agreement(
    rows: pd.DataFrame, wide: pd.DataFrame, *, main: str, direction: Direction, conf_level: float = 0.95
) -> str:
    """Say in a sentence whether estimators agree on an effect.

    The sentence names the side that each estimate favours and which reject the null hypothesis of no difference at the level. Where the
    improvement ratio and the baseline-adjusted difference disagree, it gives the baseline means, on which the ratio
    depends. They disagree if they favour different sides, if one rejects and the other does not, or if their p-values
    are tenfold apart with the smaller at most twice the level.

    Parameters
    ----------
    rows : DataFrame
        Columns of `neurotrial.models.tidy`; only rows with the term ``arm`` are read.
    wide : DataFrame
        One row per participant: ``arm``, ``baseline``, ``follow_up``.
    main : str
        Method that is named first and that stands for the baseline-adjusted difference if it is one.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    conf_level : float
        In (0, 1); a test rejects if p is at most 1 minus this.

    Returns
    -------
    str
        One sentence for each contrast of arms, and one on the posteriors where there are any.
    """
    between = rows[rows["term"] == "arm"]
    contrasts = list(dict.fromkeys(between["contrast"]))
    sentences = []
    for contrast in contrasts:
        own = between[between["contrast"] == contrast]
        tests = own[[not is_bayesian(method) and scale_of(method).tested for method in own["method"]]]
        sign = 1 if direction == "higher_is_better" else -1
        tested = "" if tests.empty else _sentence(tests, wide, main, sign, conf_level)
        said = " ".join(filter(None, (tested, posterior_sentence(own, _arms(contrast, wide)[0]))))
        sentences.append(f"{contrast}: {said}" if len(contrasts) > 1 else said)
    return " ".join(sentences) or "No estimate between arms was asked for."


def format_p(p_value: float, level: float) -> str:
    """Print a p-value to two or three decimals, to more only where rounding would put it on or across the level."""
    if p_value < 0.001 < level:  # noqa: PLR2004  three decimals end here
        return "p < 0.001"
    if p_value > 0.99:  # noqa: PLR2004  two decimals end here
        return "p > 0.99"
    digits = 3 if p_value < 0.1 else 2  # noqa: PLR2004  the house style of p-values
    while p_value != level and (p_value < level) != (round(p_value, digits) < level):
        digits += 1
    while p_value > level and round(p_value, digits) == level:
        digits += 1
    return f"p = {p_value:.{digits}f}"


def _sentence(own: pd.DataFrame, wide: pd.DataFrame, main: str, sign: int, conf_level: float) -> str:
    level = round(1 - conf_level, 12)
    usable = (own["status"] == "ok") & own["p_value"].notna()
    failed = [_label(method) for method in own.loc[~usable, "method"]]
    if not usable.any():
        reasons = dict.fromkeys(reason for reason in own["reason"] if reason)
        return f"No estimate between arms could be computed: {', '.join(reasons) or 'no reason is known'}."
    rows = _rows(own[usable], sign, level)
    first = [row for row in rows if row.method == main]
    rows = [*first, *(row for row in rows if row.method != main)]
    arms = _arms(str(own["contrast"].iloc[0]), wide)
    clauses = [
        _direction_clause(rows, arms),
        _verdict_clause(rows, level),
        _precision_clause(rows, level),
        _conflict_clause(rows, wide, arms, level),
        f"not estimated: {_listed(failed)}" if failed else "",
    ]
    text = "; ".join(filter(None, clauses))
    return f"{text[0].upper()}{text[1:]}."


def _rows(own: pd.DataFrame, sign: int, level: float) -> list[_Row]:
    columns = ("method", "estimate", "std_error", "p_value", "n_participants", "reason")
    values = zip(*(own[name].tolist() for name in columns), strict=True)
    return [
        _Row(
            method=method,
            family=_family(method),
            label=_label(method),
            side=_side(method, estimate, std_error, sign),
            p_value=p_value,
            n=int(n),
            rejects=p_value <= level,
            p_std_error=monte_carlo_error(reason),
        )
        for method, estimate, std_error, p_value, n, reason in values
    ]


def _side(method: str, estimate: float, std_error: float, sign: int) -> int:
    scale = scale_of(method)
    difference = estimate - scale.null
    if abs(difference) <= _ZERO * np.nan_to_num(std_error):
        return 0
    return int((1 if scale.improvement else sign) * np.sign(difference))


def _family(method: str) -> str:
    match = _SLUG.fullmatch(method)
    return match[1] if match else method


def _test(method: str) -> str:
    match = _SLUG.fullmatch(method)
    if match is None:
        return ""
    return _TESTS.get(match[2], match[2].upper()) + (", floored," if match[3] else "")


def _label(method: str, more: str = "") -> str:
    """Name an estimator, e.g. ``improvement ratio (Welch)``; `more` goes into the brackets too."""
    family = _family(method)
    inside = ", ".join(filter(None, (_test(method).rstrip(","), more)))
    return f"{_FAMILIES.get(family, family)} ({inside})" if inside else _FAMILIES.get(family, family)


def _with_p(row: _Row, level: float) -> str:
    return _label(row.method, format_p(row.p_value, level))


def _arms(contrast: str, wide: pd.DataFrame) -> tuple[str, str]:
    names = [str(name) for name in wide["arm"].dropna().unique()]
    found = [(arm, other) for arm in names for other in names if contrast == f"{arm} - {other}"]
    return found[0] if found else ("the arm", "the reference")


def _listed(names: Iterable[str]) -> str:
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


def _direction_clause(rows: Sequence[_Row], arms: tuple[str, str]) -> str:
    sides = dict.fromkeys(row.side for row in rows)
    winner = {1: arms[0], -1: arms[1], 0: "neither arm"}
    if len(sides) == 1:
        whom = winner[rows[0].side]
        families = dict.fromkeys(row.family for row in rows)
        if len(families) == 1:
            return f"the {_FAMILIES.get(rows[0].family, rows[0].family)} favours {whom}"
        return f"all estimators favour {whom}"
    parts = [_favouring([row for row in rows if row.side == side], rows, winner[side]) for side in sides]
    return f"the estimators point in different directions: {', '.join(parts)}"


def _favouring(own: Sequence[_Row], rows: Sequence[_Row], whom: str) -> str:
    split = {row.family for row in rows if row not in own}
    names = dict.fromkeys(
        row.label if row.family in split else _FAMILIES.get(row.family, row.family) for row in own
    )
    verb = "favours" if len(names) == 1 else "favour"
    return f"{_listed(f'the {name}' for name in names)} {verb} {whom}"


def _verdict_clause(rows: Sequence[_Row], level: float) -> str:
    place = f"at the {100 * level:g} % level"
    rejecting = [row for row in rows if row.rejects]
    other = [row for row in rows if not row.rejects]
    if not other:
        most = max(row.p_value for row in rows)
        subject = "all tests reject" if len(rows) > 1 else "the test rejects"
        return f"{place} {subject} the null hypothesis ({_largest(rows)}{format_p(most, level)})"
    least = min(other, key=lambda row: row.p_value)
    if not rejecting:
        subject = "no test rejects" if len(rows) > 1 else "the test does not reject"
        where = f", {least.label}" if len(rows) > 1 else ""
        return f"{place} {subject} the null hypothesis ({_smallest(rows)}{format_p(least.p_value, level)}{where})"
    named = _listed(f"the {_with_p(row, level)}" for row in rejecting)
    verb = "rejects" if len(rejecting) == 1 else "reject"
    rest = "the others do" if len(other) > 1 else f"the {least.label} does"
    return f"{place} {named} {verb} the null hypothesis, {rest} not ({_smallest(other)}{format_p(least.p_value, level)})"


def _precision_clause(rows: Sequence[_Row], level: float) -> str:
    """Name the drawn p-values that more relabellings could carry across the level."""
    close = [row for row in rows if abs(row.p_value - level) <= _ERRORS * row.p_std_error]
    if not close:
        return ""
    verb = "is" if len(close) == 1 else "are"
    named = _listed(f"the {row.label}" for row in close)
    return f"the p-value of {named} {verb} too close to the level for the number of relabellings drawn"


def _largest(rows: Sequence[_Row]) -> str:
    return "largest " if len(rows) > 1 else ""


def _smallest(rows: Sequence[_Row]) -> str:
    return "smallest " if len(rows) > 1 else ""


def _conflict_clause(rows: Sequence[_Row], wide: pd.DataFrame, arms: tuple[str, str], level: float) -> str:
    ratios = [row for row in rows if row.family == "ratio_baseline"]
    adjusted = [row for row in rows if row.family == "ancova"]
    if not adjusted or not ratios:
        return ""
    # the main method stands first; without it the robust standard error speaks
    chosen = adjusted[0] if adjusted[0] is rows[0] else min(adjusted, key=lambda row: row.method)
    about = [name for name, found in _disagreements(ratios, chosen, level).items() if found]
    if not about:
        return ""
    tests = ", ".join(f"{_test(row.method)} {format_p(row.p_value, level)}" for row in ratios)
    return (
        f"the improvement ratio ({tests}) and the {_with_p(chosen, level)} disagree in "
        f"{_listed(about)}{_populations(ratios, chosen)}: {_baseline_means(wide, arms)}"
    )


def _disagreements(ratios: Sequence[_Row], adjusted: _Row, level: float) -> Mapping[str, bool]:
    def apart(row: _Row) -> bool:
        low, high = sorted((row.p_value, adjusted.p_value))
        return low <= 2 * level and high >= _TENFOLD * low

    verdict = any(row.rejects != adjusted.rejects for row in ratios)
    return {
        "direction": any(row.side != adjusted.side for row in ratios),
        "verdict": verdict,
        "strength of evidence": not verdict and any(apart(row) for row in ratios),
    }


def _populations(ratios: Sequence[_Row], adjusted: _Row) -> str:
    if {row.n for row in ratios} == {adjusted.n}:
        return ""
    return f", in {ratios[0].n} and {adjusted.n} participants"


def _baseline_means(wide: pd.DataFrame, arms: tuple[str, str]) -> str:
    whole = wide.dropna(subset=["baseline", "follow_up"])
    means = [float(whole.loc[whole["arm"].astype(str) == arm, "baseline"].mean()) for arm in arms]
    largest = max(abs(mean) for mean in means)
    digits = max(0, 2 - int(np.floor(np.log10(largest)))) if largest > 0 else 1
    printed = [f"{mean:.{digits}f}" for mean in means]
    how = "differ" if printed[0] != printed[1] else "agree"
    named = f"{arms[0]} {printed[0]}, {arms[1]} {printed[1]}"
    return f"the baseline means {how} ({named}), and the ratio depends on baseline"
