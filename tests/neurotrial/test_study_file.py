from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from neurotrial.bayes_plan import BayesPlan
from neurotrial.errors import InputError
from neurotrial.study import Study
from neurotrial.study_file import read_study

TEMPLATE = (files("neurotrial.reports") / "templates" / "study.yaml").read_text(encoding="utf-8")


def read(tmp_path: Path, text: str | bytes) -> Study:
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_study(path)


def faults(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in TEMPLATE
    return TEMPLATE.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_the_template_is_a_consistent_plan(tmp_path: Path) -> None:
    study = read(tmp_path, TEMPLATE)
    assert study.reference_arm.name == "control"
    assert study.baseline_visit.name == "baseline"
    assert not study.study.simulated
    assert [family.name for family in study.families] == ["imaging", "imaging_group_time", "imaging_maxt"]


def test_bayesian_methods_need_declared_priors(tmp_path: Path) -> None:
    head, _, tail = TEMPLATE.partition("\nbayes:\n")
    text = f"{head}\nconf_level{tail.partition('conf_level')[2]}"
    message = faults(tmp_path, text)
    assert "analyses[0].methods: bayes_ancova needs priors, and none are declared" in message
    assert "analyses[2].methods" in message


def test_priors_that_are_not_given_are_the_template_s(tmp_path: Path) -> None:
    given = read(tmp_path, TEMPLATE).bayes
    assert given == BayesPlan()


def test_an_unknown_key_is_named_with_its_line_and_a_suggestion(tmp_path: Path) -> None:
    text = changed("    direction: higher_is_better", "    direktion: higher_is_better")
    message = faults(tmp_path, text)
    assert f"study.yaml:{line_of(text, 'direktion')}: outcomes[0].direktion" in message
    assert "did you mean 'direction'?" in message
    assert "outcomes[0].direction: is missing" in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1", "version: 2", "version: 2 is not accepted"),
        ("conf_level: 0.95", "conf_level: 95", "less than 1"),
        ("n_resamples: 10000", "n_resamples: 10", "greater than or equal to 999"),
        ("seed: 20220101", "seed: '1'", "valid integer"),
        ("{name: control, label", "{name: Control arm, label", "is not a name"),
        ("simulated: false", "simulated: 'no'", "valid boolean"),
        ("version: 1", "version: 1\nversion: 1", "is given twice"),
        ("version: 1", "version: &v 1", "anchors, aliases and tags"),
        ("version: 1", "version: !!python/name:os.system 1", "anchors, aliases and tags"),
        ("version: 1", "version: [1", "not valid YAML"),
        ("label: Control, reference: true", "label: Control", "exactly one must have `reference: true`, 0 have"),
        ("window: [-14, 0], baseline: true", "window: [-14, 0]", "exactly one must have `baseline: true`, 0 have"),
        ("role: primary", "role: secondary", "exactly one must have `role: primary`, 0 have"),
        ("ratio: {cells: 2, control: 1}", "ratio: {cells: 2}", "must name every arm once"),
        ("block_sizes: [6]", "block_sizes: [5]", "5 is no multiple of the ratio's sum 3"),
        ("scheme: permuted_blocks", "scheme: complete", "go with `scheme: permuted_blocks`"),
        ("day: 90, window: [76, 120]", "day: -1", "in the order of their days"),
        ("window: [76, 120]", "window: [120, 76]", "must run from low to high"),
        ("window: [76, 120]", "window: [100, 120]", "does not hold day 90"),
        ("range: [0, 66]", "range: [66, 0]", "must run from low to high"),
        ("mcid: {value: 10", "mcid: {value: 70", "larger than the whole range"),
        ("where: {scale: fma_ue}", "where: {side: left}", "must name `scale`"),
        ("where: {feature: fa, region: cst", "where: {region: cst", "must name at least `feature`"),
        ("population: itt", "population: ittt", "did you mean 'itt'?"),
        ("outcomes: [fma_ue, fma_le]", "outcomes: [fma_eu, fma_le]", "did you mean 'fma_ue'?"),
        ("visit: day90\n    variable: Fugl-Meyer motor", "visit: baseline\n    variable: Fugl-Meyer motor", "is the baseline visit"),
        ("estimand: motor\n", "estimand: moter\n", "did you mean 'motor'?"),
        ("population: per_protocol", "population: protocol", "is not a declared population"),
        ("main_method: ancova_hc3", "main_method: ancova_hc4", "did you mean 'ancova_hc3'?"),
        ("requested_method: ratio_baseline_welch", "requested_method: paired_t", "is not a declared estimate"),
        ("methods: [ancova, group_time, within_arm,", "methods: [share_of_potential, ancova,", "needs the range of"),
        ("neutral: {mean: 0, sd: 2}", "neutral: {mean: 0, sd: .inf}", "bayes.effect.neutral.sd: inf is not accepted"),
        ("neutral: {mean: 0, sd: 2}", "neutral: {mean: 0, sd: 0}", "bayes.effect.neutral.sd: 0 is not accepted"),
        ("neutral: {mean: 0, sd: 2}", "neutral: {mean: 0, sd: -1}", "bayes.effect.neutral.sd: -1 is not accepted"),
        ("neutral: {mean: 0, sd: 2}", "neutral: {mean: 0.1, sd: 2}", "bayes.effect.neutral.mean: 0.1 favours one side"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0.2, sd: 0.3}", "0.2 favours the arm"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: 2}", "2 is no narrower than the neutral prior, 2"),
        ("enthusiastic: {mean: 0.5", "enthusiastic: {mean: -0.5", "-0.5 does not favour the arm"),
        ("residual_sd: 1.5", "residual_sd: 0", "bayes.others.residual_sd: 0 is not accepted"),
        ("correlation_eta: 1,", "correlation_eta: .nan,", "bayes.others.correlation_eta: nan is not accepted"),
        ("\n  interval: eti", "\n  interval: wald", "bayes.interval: 'wald' is not accepted"),
        ("chains: 4", "chains: 1", "bayes.sampling.chains: 1 is not accepted"),
        ("procedure: holm, method: ancova_hc3", "procedure: holm, method: bayes_ancova_neutral", "has no p-value to adjust"),
        ("log(lesion_volume_ml)", "open(lesion_volume_ml)", "calls 'open'"),
        ("analyses: [imaging]", "analyses: [images]", "is not a declared analysis"),
        ("procedure: holm, method: ancova_hc3", "procedure: holm, method: paired_t", "is not a declared estimate of analysis"),
        ("by: lesion_side", "by: arm", "subgroups[0].by: 'arm' is not known before randomisation"),
        ("by: lesion_side", "by: days_randomisation_to_treatment", "is not known before randomisation"),
        ("by: lesion_side, kind: categorical", "by: lesion_side, kind: categories", "subgroups[0].kind: 'categories' is not accepted"),
        ("by: lesion_side, kind: categorical", "by: lesion_side, kind: categorical, per: 10", "subgroups[0].per: goes with `kind: continuous`"),
        ("by: lesion_side, kind: categorical", "by: age, kind: categorical, cut: [70, 60]", "subgroups[0].cut: [70.0, 60.0] do not ascend"),
        ("by: lesion_side, kind: categorical", "by: age, kind: categorical, cut: [.nan]", "subgroups[0].cut[0]"),
        ("by: lesion_side, kind: categorical", "by: lesion_side, kind: categorical, fewest: 1", "greater than or equal to 2"),
        ("by: lesion_side, kind: categorical", "by: lesion_side, kind: categorical, covariates: [log(lesion_side)]", "which the model has already"),
        ("by: lesion_side, kind: categorical", "by: lesion_side, kind: categorical, covariates: [open(age)]", "calls 'open'"),
        ("kind: continuous, per: 10, at", "kind: continuous, per: 10, cut: [30], at", "subgroups[1].cut: goes with `kind: categorical`"),
        ("kind: continuous, per: 10, at", "kind: continuous, per: 0, at", "greater than 0"),
        ("kind: continuous, per: 10, at", "kind: continuous, per: 10, spline_df: 2, at", "is the step of a straight line"),
        ("at: [10, 20, 30]", "at: [10, 10]", "subgroups[1].at: [10.0, 10.0] holds a value twice"),
        ("name: stroke_to_baseline", "name: lesion_side", "subgroups[1].name: 'lesion_side' is declared twice"),
        ("fma_total, visit: day90, population: itt, by", "fma, visit: day90, population: itt, by", "subgroups[0].outcome: 'fma' is not a declared outcome"),
        ("fma_total, visit: day90, population: itt, by", "fma_total, visit: baseline, population: itt, by", "subgroups[0].visit: is the baseline visit"),
        ("fma_total, visit: day90, population: itt, by", "fma_total, visit: day90, population: all, by", "subgroups[0].population: 'all' is not"),
        ("{name: cells, label", "{name: control, label", "'control' is declared twice"),
        ("{name: cells, label", "{name: all, label", "'all' means every arm together"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    message = faults(tmp_path, changed(old, new))
    assert words in message
    assert "study.yaml" in message
    assert "remedy:" in message


def test_every_fault_is_listed(tmp_path: Path) -> None:
    text = changed("population: itt", "population: nobody").replace("block_sizes: [6]", "block_sizes: [4]")
    message = faults(tmp_path, text)
    assert message.startswith("2 problems")
    assert "nobody" in message
    assert "multiple of the ratio's sum" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a mapping"),
        (b"- a\n- b\n", "must be a mapping"),
        ("version: é".encode("latin-1"), "not UTF-8"),
        (b"x: " + b"a" * 1_000_001, "larger than 1 MB"),
        (b"x: " + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in faults(tmp_path, content)


def test_the_hash_covers_what_changes_numbers_and_nothing_else(tmp_path: Path) -> None:
    original = read(tmp_path, TEMPLATE).spec_hash
    assert read(tmp_path, changed("title: Motor", "title: On motor")).spec_hash == original
    assert read(tmp_path, changed("formats: [html, docx, pdf]", "formats: [docx]")).spec_hash == original
    assert read(tmp_path, "# a comment\n" + TEMPLATE).spec_hash == original
    assert read(tmp_path, changed("seed: 20220101", "seed: 7")).spec_hash != original
    assert read(tmp_path, changed("conf_level: 0.95", "conf_level: 0.9")).spec_hash != original


def test_a_plan_survives_the_round_trip_through_json(tmp_path: Path) -> None:
    study = read(tmp_path, TEMPLATE)
    assert Study.model_validate(study.model_dump(mode="json")) == study
