"""The part `bayes` of a study file: what contradicts itself is refused, with line and key."""

from __future__ import annotations

from importlib.resources import files

import pytest

from neurotrial.bayes_plan import BayesPlan, HistoricalControls, NuisancePriors, PublishedArm
from neurotrial.errors import InputError
from neurotrial.study import Study
from neurotrial.study_file import read_study

TEMPLATE = (files("neurotrial.reports") / "templates" / "study.yaml").read_text(encoding="utf-8")
EXAMPLE = "#~~ "
"""Stands in front of the lines of the template's example of published arms."""

PLAN = """version: 1
study: {title: A trial}
arms:
  - {name: control, label: Control, reference: true}
  - {name: cells, label: Stem cells}
allocation: {ratio: {cells: 2, control: 1}}
visits:
  - {name: baseline, label: Baseline, day: 0, baseline: true}
  - {name: day90, label: 90 days, day: 90}
populations:
  - {name: itt, label: Intention to treat}
outcomes:
  - {name: score, label: Score, unit: points, range: [0, 100], direction: higher_is_better, source: {table: motor, where: {scale: s}}}
  - {name: open, label: Open, unit: z, direction: higher_is_better, source: {table: features, where: {feature: f}}}
estimands:
  - {name: motor, label: Motor, population: itt, treatment: As randomised, outcomes: [score], visit: day90, variable: Score, summary: Means, intercurrent_events: []}
analyses:
  - {name: primary, label: Primary, estimand: motor, role: primary, methods: [bayes_ancova], main_method: bayes_ancova_neutral}
conf_level: 0.95
seed: 1
n_resamples: 999
report: {formats: [html]}
bayes:
  effect:
    sceptical: {mean: 0, sd: 0.3}
    neutral: {mean: 0, sd: 2}
    enthusiastic: {mean: 0.5, sd: 0.3}
  others: {slope: {mean: 0.5, sd: 1}, pooling_sd: 0.3, tail_shape: 2, tail_rate: 0.1}
  residuals: gaussian
  bounded: beta_binomial
  rope: 0.1
  historical:
    - outcome: score
      method: map
      tau_scale: 0.5
      robust_weight: 0.8
      arms:
        - {source: Trial A, n: 40, mean_change: 9, sd_change: 14}
        - {source: Trial B, n: 25, mean_change: 6, sd_change: 12}
"""


def read(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def faults(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return caught.value.problems


def changed(old, new):
    assert PLAN.count(old) == 1
    return PLAN.replace(old, new)


def test_what_is_declared_is_read(tmp_path):
    bayes = read(tmp_path, PLAN).bayes
    (controls,) = bayes.historical
    assert (controls.outcome, controls.method, controls.power) == ("score", "map", None)
    assert [(arm.source, arm.n) for arm in controls.arms] == [("Trial A", 40), ("Trial B", 25)]
    assert bayes.model_copy(update={"historical": []}) == BayesPlan()


@pytest.mark.parametrize(
    ("old", "new", "key", "rule"),
    [
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: 0}", "effect.sceptical.sd", "0 is not accepted"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: -1}", "effect.sceptical.sd", "-1 is not accepted"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: .inf}", "effect.sceptical.sd", "inf is not accepted"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: .nan}", "effect.sceptical.sd", "nan is not accepted"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: .inf, sd: 0.3}", "effect.sceptical.mean", "inf is not accepted"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0}", "effect.sceptical.sd", "is missing"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0.1, sd: 0.3}", "effect.sceptical.mean", "0.1 favours the arm"),
        ("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: 0.6}", "effect.sceptical.sd", "an effect above 1.09 a probability of 0.035"),
        ("neutral: {mean: 0, sd: 2}", "neutral: {mean: 0, sd: 1000}", "effect.neutral.sd", "1000 is not accepted"),
        ("enthusiastic: {mean: 0.5,", "enthusiastic: {mean: 0,", "effect.enthusiastic.mean", "0 does not favour the arm"),
        ("enthusiastic: {mean: 0.5, sd: 0.3}", "enthusiastic: {mean: 0.5, sd: 2}", "effect.enthusiastic.sd", "no narrower than the neutral prior, 2"),
        ("slope: {mean: 0.5, sd: 1}", "slope: {mean: 0.5, sd: .inf}", "others.slope.sd", "inf is not accepted"),
        ("pooling_sd: 0.3", "pooling_sd: 0", "others.pooling_sd", "0 is not accepted"),
        ("tail_shape: 2", "tail_shape: -2", "others.tail_shape", "-2 is not accepted"),
        ("tail_rate: 0.1", "tail_rate: .inf", "others.tail_rate", "inf is not accepted"),
        ("tail_rate: 0.1", "tail_rates: 0.1", "others.tail_rates", "is not a key of the study file"),
        ("residuals: gaussian", "residuals: cauchy", "residuals", "'cauchy' is not accepted"),
        ("bounded: beta_binomial", "bounded: beta", "bounded", "'beta' is not accepted"),
        ("rope: 0.1", "rope: 0", "rope", "0 is not accepted"),
        ("rope: 0.1", "rope: 0.5", "rope", "0.5 calls the effect that the enthusiastic prior expects, 0.5, as good as none"),
        ("- outcome: score", "- outcome: scores", "historical[0].outcome", "'scores' is not a declared outcome"),
        ("method: map", "method: commensurate", "historical[0].method", "'commensurate' is not accepted"),
        ("method: map", "method: power", "historical[0].power", "goes with `method: power`, and only with it"),
        ("tau_scale: 0.5", "power: 0.5", "historical[0].power", "goes with `method: power`, and only with it"),
        ("tau_scale: 0.5", "power: 0", "historical[0].power", "0 is not accepted"),
        ("tau_scale: 0.5", "power: 1.1", "historical[0].power", "1.1 is not accepted"),
        ("tau_scale: 0.5", "tau_scale: 0", "historical[0].tau_scale", "0 is not accepted"),
        ("robust_weight: 0.8", "robust_weight: 0", "historical[0].robust_weight", "0 is not accepted"),
        ("robust_weight: 0.8", "robust_weight: 1.2", "historical[0].robust_weight", "1.2 is not accepted"),
        ("n: 40,", "n: 1,", "historical[0].arms[0].n", "1 is not accepted"),
        ("n: 40, ", "", "historical[0].arms[0].n", "is missing"),
        ("mean_change: 9", "mean_change: .nan", "historical[0].arms[0].mean_change", "nan is not accepted"),
        ("mean_change: 9", "mean_change: -101", "historical[0].arms[0].mean_change", "-101 is larger than the whole range of 'score', 100"),
        ("sd_change: 14", "sd_change: 0", "historical[0].arms[0].sd_change", "0 is not accepted"),
        ("sd_change: 14", "sd_change: 196", "historical[0].arms[0].sd_change", "196 is larger than the whole range of 'score', 100"),
        ("Trial B", "Trial A", "historical[0].arms[1].source", "'Trial A' is given twice"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_key(tmp_path, old, new, key, rule):
    text = changed(old, new)
    (problem,) = faults(tmp_path, text)
    name, line, where = problem.where.split(":")
    assert (name, where.strip()) == ("study.yaml", f"bayes.{key}")
    # where a key is missing the line is that of the part, one above or the same
    assert text.splitlines()[int(line) - 1].strip() in text[text.index("bayes:") :]
    assert abs(int(line) - (PLAN[: PLAN.index(old)].count("\n") + 1)) <= (4 if "power" in key else 0)
    assert rule in problem.rule
    assert problem.remedy


def test_a_sceptic_who_believes_more_than_an_enthusiast_is_refused(tmp_path):
    """A higher mean, or more probability of a benefit, cannot be without a sceptical mean above 0 or an enthusiastic one below."""
    text = changed("sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0.6, sd: 0.3}")
    assert "study.yaml:25: bayes.effect.sceptical.mean" in {found.where for found in faults(tmp_path, text)}
    both = text.replace("enthusiastic: {mean: 0.5,", "enthusiastic: {mean: -0.1,")
    keys = [found.where.split(": ")[1] for found in faults(tmp_path, both)]
    assert {"bayes.effect.sceptical.mean", "bayes.effect.enthusiastic.mean"} <= set(keys)


def test_an_outcome_has_published_arms_once_and_at_least_one(tmp_path):
    part = PLAN[PLAN.index("    - outcome: score") :]
    (problem,) = faults(tmp_path, PLAN + part)
    assert "bayes.historical[1].outcome" in problem.where
    assert problem.rule == "'score' has published arms already"
    (problem,) = faults(tmp_path, PLAN[: PLAN.index("      arms:")] + "      arms: []\n")
    assert "bayes.historical[0].arms" in problem.where


def test_published_arms_of_an_outcome_without_range_have_any_size(tmp_path):
    text = changed("- outcome: score", "- outcome: open").replace("mean_change: 9", "mean_change: 900")
    assert read(tmp_path, text).bayes.historical[0].arms[0].mean_change == 900


def test_a_power_prior_is_declared_with_its_discount(tmp_path):
    text = changed("method: map", "method: power").replace("tau_scale: 0.5", "power: 0.5")
    assert read(tmp_path, text).bayes.historical[0].power == 0.5


def test_every_number_of_the_part_is_in_the_hash(tmp_path):
    study = read(tmp_path, PLAN)
    assert Study.model_validate(study.model_dump(mode="json")) == study
    for old, new in (("n: 40", "n: 41"), ("rope: 0.1", "rope: 0.2"), ("tail_rate: 0.1", "tail_rate: 0.2")):
        assert read(tmp_path, changed(old, new)).spec_hash != study.spec_hash


def test_the_example_of_the_template_is_a_plan_and_marked_as_invented(tmp_path):
    text = TEMPLATE.replace(f"\n{EXAMPLE}", "\n")
    assert text != TEMPLATE
    (controls,) = read(tmp_path, text).bayes.historical
    assert all("invented" in arm.source for arm in controls.arms)


def test_every_key_of_the_part_is_in_the_template():
    part = TEMPLATE[TEMPLATE.index("# Bayesian methods.") : TEMPLATE.index("conf_level: 0.95")]
    fields = (BayesPlan, NuisancePriors, HistoricalControls, PublishedArm)
    assert [key for model in fields for key in model.model_fields if f"{key}" not in part] == []
