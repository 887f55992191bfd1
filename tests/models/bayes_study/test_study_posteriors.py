"""The Bayesian fits of a study folder: rows, files, what is sampled again and what is not; the sampler is a stand-in."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import asdict

import numpy as np
import pytest
from bayes_fixture import independent_draws

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.errors import NeurotrialError
from neurotrial.loading import load_study
from neurotrial.models.bayes.fit import Posterior, converged
from neurotrial.models.bayes_evidence.findings import convergence_findings
from neurotrial.models.bayes_evidence.predictive import predictive_checks
from neurotrial.models.bayes_study import study_posteriors
from neurotrial.models.bayes_study.posterior_file import Stored
from neurotrial.models.study_fit import count_steps, fit_study
from neurotrial.results import read_results, write_results

ANCOVA, GROUP_TIME = "bayes_ancova", "bayes_group_time"
METHODS = [f"{kind}_{prior}" for kind in (ANCOVA, GROUP_TIME) for prior in PRIOR_SETS]
PRIMARY = "methods: [ancova, change_score, group_time, clda, follow_up, improvement_ratio, share_of_potential, within_arm, rerandomisation]"
KEY = "primary/fma_total/itt/{}/cells-control/day90"


@pytest.fixture
def study(tmp_path, write_study):
    """A study whose primary analysis is ANCOVA by both schools and the Bayesian group x time."""
    folder = tmp_path / "study"
    write_study(folder)
    change(folder, PRIMARY, "methods: [ancova, bayes_ancova, bayes_group_time]")
    change(folder, "    requested_method: ratio_baseline_welch\n    sensitivity: [leave_one_out]\n", "")
    change(folder, "n_resamples: 10000", "n_resamples: 999")
    cut(folder, "  - name: imaging\n    label: Imaging outcomes", "# p-values that are adjusted")
    cut(folder, "families:\n", "# Bayesian methods.")
    return folder


def cut(folder, start, end):
    """Leave out what the study file says from one place to another."""
    plan = folder / "study.yaml"
    head, middle, rest = plan.read_text("utf-8").partition(start)
    assert middle
    assert end in rest
    plan.write_text(f"{head}{end}{rest.partition(end)[2]}", "utf-8")


def change(folder, old, new):
    plan = folder / "study.yaml"
    text = plan.read_text("utf-8")
    assert old in text
    plan.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def sampled(monkeypatch):
    """What the stand-in of the sampler was asked; a method in `faulty` diverges, all stop where `stopped`."""

    class Sampled(list):
        faulty: tuple[str, ...] = ()
        stopped = False

    calls = Sampled()

    def sample(question, sampler):
        calls.append(question)
        if calls.stopped:
            message = "no place to start from"
            raise RuntimeError(message)
        model, rng = question.model, np.random.default_rng(question.seed)
        diverging = 2 if model.kind in calls.faulty else 0
        draws = independent_draws(model, rng, draws=300, diverging=diverging)
        found = converged(model, draws)
        fault = "; ".join(found.faults(question.plan.accept))
        return Posterior(draws, found, sampler, question.plan.sampling, 1, fault)

    def gathered(task, posterior):
        model, rng = task.question.model, np.random.default_rng(1)
        prior = predictive_checks(model, model.draw_prior(rng, 20), "prior", rng)
        checks = [asdict(check) for check in prior]
        if not posterior.fault:
            checks += [check | {"source": "posterior"} for check in checks]
        found = convergence_findings(posterior.convergence, task.question.plan.accept)
        return Stored(posterior, [asdict(one) for one in found], checks)

    monkeypatch.setattr(study_posteriors, "sample_posterior", sample)
    monkeypatch.setattr(study_posteriors, "gathered", gathered)
    return calls


def fitted(folder):
    results = fit_study(load_study(folder))
    write_results(folder, results)
    return read_results(folder)


def test_every_prior_of_every_model_is_a_row_with_its_evidence(study, sampled):
    results = fitted(study)
    assert len(sampled) == 6
    rows = results.tables["estimates"].set_index("key")
    own = rows.loc[[KEY.format(method) for method in METHODS]]
    assert (own["status"] == "ok").all()
    assert own["p_value"].isna().all()
    assert own["probability_benefit"].between(0, 1).all()
    assert own["probability_rope"].between(0, 1).all()
    assert own["probability_mcid"].isna().all()
    assert list(own["n_observations"]) == [54] * 3 + [108] * 3
    assert set(own["unit"]) == {"points"}
    frequentist = rows.loc[KEY.format("ancova_hc3")]
    assert np.isnan(frequentist["probability_benefit"])
    evidence = results.tables["diagnostics"]
    assert list(evidence["key"]) == [f"diagnostics/{KEY.format(method)}" for method in METHODS]
    assert list(evidence["prior"]) == [*PRIOR_SETS, *PRIOR_SETS]
    checks = results.tables["predictive"]
    assert set(checks.loc[checks["method"] == METHODS[0], "visit"]) == {"day90"}
    assert set(checks.loc[checks["method"] == METHODS[3], "visit"]) == {"baseline", "day90"}
    assert "posterior probability that Stem cells does better" in results.tables["statements"]["statement"][0]


@pytest.mark.usefixtures("sampled")
def test_the_probability_beyond_the_mcid_is_of_outcomes_that_have_one(study):
    change(study, "methods: [ancova, change_score, improvement_ratio]", "methods: [ancova, bayes_ancova]")
    rows = fitted(study).tables["estimates"].set_index("key")
    upper, lower = (
        rows.loc[f"secondary/{name}/itt/bayes_ancova_neutral/cells-control/day90"]
        for name in ("fma_ue", "fma_le")
    )
    assert 0 < upper["probability_mcid"] < upper["probability_benefit"]
    assert np.isnan(lower["probability_mcid"])


@pytest.mark.usefixtures("sampled")
def test_the_posteriors_are_files_of_the_results(study):
    results = fitted(study)
    names = set(results.tables["diagnostics"]["posterior"])
    assert {path.name for path in (study / "results" / "posteriors").iterdir()} == names
    assert {f"posteriors/{name}" for name in names} <= set(results.provenance["files"])
    assert {"pymc", "nutpie"} <= set(results.provenance["versions"])


def test_nothing_is_sampled_twice(study, sampled):
    first = fitted(study)
    again = fitted(study)
    assert len(sampled) == 6
    assert again.tables["estimates"].equals(first.tables["estimates"])
    assert again.tables["predictive"].equals(first.tables["predictive"])


def test_a_changed_prior_is_sampled_and_the_old_posterior_goes(study, sampled):
    before = set(fitted(study).tables["diagnostics"]["posterior"])
    change(study, "sceptical: {mean: 0, sd: 0.3}", "sceptical: {mean: 0, sd: 0.25}")
    after = set(fitted(study).tables["diagnostics"]["posterior"])
    assert len(sampled) == 6 + 2
    assert len(before & after) == 4
    assert {path.name for path in (study / "results" / "posteriors").iterdir()} == after


def test_an_interval_of_the_other_kind_needs_no_new_draws(study, sampled):
    fitted(study)
    change(study, "\n  interval: eti", "\n  interval: hdi")
    rows = fitted(study).tables["estimates"]
    assert len(sampled) == 6
    assert set(rows.loc[rows["method"].isin(METHODS), "interval_kind"]) == {"hdi"}


def test_a_damaged_posterior_is_sampled_again(study, sampled):
    fitted(study)
    damaged = next((study / "results" / "posteriors").iterdir())
    damaged.write_bytes(b"")
    fitted(study)
    assert len(sampled) == 7


def test_a_fit_that_misses_the_criteria_is_a_failed_row_with_its_evidence(study, sampled):
    sampled.faulty = (GROUP_TIME,)
    results = fitted(study)
    rows = results.tables["estimates"].set_index("key")
    failed = rows.loc[[KEY.format(method) for method in METHODS[3:]]]
    assert (failed["status"] == "failed").all()
    assert failed["reason"].str.contains("2 divergent transitions").all()
    assert failed[["estimate", "conf_low", "probability_benefit"]].isna().all(axis=None)
    evidence = results.tables["diagnostics"].set_index("method").loc[METHODS[3:]]
    assert (evidence["status"] == "failed").all()
    assert (evidence["divergences"] == 2).all()
    assert any("2 divergent transitions" in line for line in results.provenance["decisions"])
    assert "not known (neutral prior)" in results.tables["statements"]["statement"][0]


def test_a_sampler_that_stops_is_a_failed_row(study, sampled):
    sampled.stopped = True
    results = fitted(study)
    rows = results.tables["estimates"]
    failed = rows[rows["method"].isin(METHODS)]
    assert len(failed) == 6
    assert (failed["reason"] == "the sampler stopped: no place to start from").all()
    assert results.tables["diagnostics"].empty


def test_data_without_a_scale_are_failed_rows_with_the_column(study, sampled):
    data = load_study(study)
    data.outcomes.loc[data.outcomes["outcome"] == "fma_total", "baseline"] = 20.0
    rows = fit_study(data).tables["estimates"]
    failed = rows[rows["method"].isin(METHODS)]
    assert len(failed) == 6
    assert failed["reason"].str.contains("does not vary within the arms").all()
    assert not sampled


@pytest.mark.usefixtures("sampled")
def test_the_main_method_may_be_bayesian(study):
    change(study, "methods: [ancova, bayes_ancova, bayes_group_time]", "methods: [bayes_ancova]")
    change(study, "main_method: ancova_hc3", "main_method: bayes_ancova_neutral")
    statement = fitted(study).tables["statements"]["statement"][0]
    assert statement.startswith(
        "The posterior probability that Stem cells does better: by the Bayesian ANCOVA"
    )


@pytest.mark.usefixtures("sampled")
def test_progress_is_told_as_often_as_was_said(study):
    data, told = load_study(study), []
    for _ in range(2):
        told.clear()
        fit_study(data, told.append)
        assert len(told) == count_steps(data.study)
    assert told[0].startswith("0 of 6 posteriors to sample")
    data.outcomes["baseline"] = 20.0
    told.clear()
    fit_study(data, told.append)
    assert len(told) == count_steps(data.study)


@pytest.mark.usefixtures("sampled")
def test_a_process_that_ends_without_a_word_is_an_error_with_a_remedy(study):
    class Broken(Executor):
        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenExecutor("killed"))
            return future

    with pytest.raises(NeurotrialError, match="finished posteriors are kept: run again with fewer --jobs"):
        fit_study(load_study(study), executor=Broken())


@pytest.mark.usefixtures("sampled")
def test_families_bounded_scores_and_associations_have_their_rows(study):
    methods = "methods: [ancova, bayes_outcomes, bayes_bounded]"
    change(study, "methods: [ancova, change_score, improvement_ratio]", methods)
    part = "associations:\n  - {name: parts, label: Both limbs, x: fma_le, y: fma_ue, visit: day90, population: itt, bayes: true}\n\n"
    change(study, "# Bayesian methods.", part + "# Bayesian methods.")
    results = fitted(study)
    rows = results.tables["estimates"].set_index("key")
    stem = "secondary/{}/itt/bayes_{}_neutral/cells-control/day90"
    for outcome in ("fma_ue", "fma_le"):
        assert rows.loc[stem.format(outcome, "bounded"), "unit"] == "points"
        assert rows.loc[stem.format(outcome, "outcomes"), "n_participants"] == 54
    family = rows.loc[stem.format("family", "outcomes")]
    assert (family["unit"], family["status"]) == ("baseline SD", "ok")
    joint = results.tables["associations"].set_index("method")
    assert {"bayes_joint_correlation", "bayes_joint_slope"} <= set(joint.index)
    assert -1 < joint.loc["bayes_joint_correlation", "estimate"] < 1
    assert joint.loc["bayes_joint_slope", "unit"] == "points per unit of fma_le"
    evidence = results.tables["evidence"]
    fits = set(zip(evidence["analysis"], evidence["outcome"], evidence["method"], strict=True))
    assert ("secondary", "family", "bayes_outcomes_neutral") in fits
    assert ("parts", "fma_ue", "bayes_joint_change_neutral") in fits
    files = {path.name for path in (study / "results" / "posteriors").iterdir()}
    assert files == set(results.tables["diagnostics"]["posterior"])
    assert len(files) == 6 + 3 * (2 + 1) + 1


@pytest.mark.usefixtures("sampled")
def test_a_visit_is_enough_for_group_by_time_and_not_for_the_analysis_of_covariance(study):
    data = load_study(study)
    own = (data.outcomes["outcome"] == "fma_total") & (data.outcomes["visit"] == "day90")
    data.outcomes.loc[data.outcomes.index[own][:3], "value"] = np.nan
    rows = fit_study(data).tables["estimates"].set_index("key")
    ancova, repeated = (rows.loc[KEY.format(method)] for method in (METHODS[0], METHODS[3]))
    assert ancova["n_participants"] == 51
    assert (repeated["n_participants"], repeated["n_observations"]) == (54, 105)
