import json

import numpy as np
import pandas as pd
import pytest

from neurotrial.loading import load_study
from neurotrial.method_names import METHODS, scale_of
from neurotrial.models import ancova, impute, maxt, rerandomise
from neurotrial.models.cells import study_cells
from neurotrial.models.randomised_table import allocation_of, allocation_seed, randomised_table
from neurotrial.models.study_fit import fit_study

MORE = """
  - name: every
    label: Every method
    estimand: motor_ue
    role: exploratory
    methods: [freedman_lane, responders, responders_imputed, impute_cr, impute_cir, impute_lmcf, selection_weights, rerandomisation]
    main_method: rerandomisation
    selection_predictors: [age]
    imputation_events: [withdrawal]
"""


@pytest.fixture(scope="module")
def fitted(simulated_tables, tmp_path_factory):
    """The template's study with an analysis that names the methods which it does not, simulated."""
    folder = tmp_path_factory.mktemp("every") / "study"
    import shutil

    shutil.copytree(simulated_tables, folder)
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(
        text.replace(
            "\n# p-values that are adjusted together", f"{MORE}\n# p-values that are adjusted together", 1
        ).replace("\nn_resamples: 10000", "\nn_resamples: 1999"),
        encoding="utf-8",
    )
    data = load_study(folder)
    return data, fit_study(data)


def rows_of(results, analysis, outcome):
    table = results.tables["estimates"]
    return table[
        (table["analysis"] == analysis) & (table["outcome"] == outcome) & (table["term"] == "arm")
    ].set_index("method")


def test_every_named_method_gives_its_rows(fitted):
    data, results = fitted
    table = results.tables["estimates"]
    for analysis in data.study.analyses:
        wanted = {row for name in analysis.methods for row in METHODS[name]} - {"paired_t"}
        own = table[(table["analysis"] == analysis.name) & (table["term"] == "arm")]
        assert set(own["method"]) == wanted
    failed = table[table["status"] == "failed"]
    assert failed.empty, failed[["key", "reason"]].to_string()
    units = dict(zip(table["method"], table["unit"], strict=True))
    assert units["brunner_munzel"] == "probability"
    assert units["proportional_odds_points"] == "points"
    assert all(scale_of(method).unit in {"", unit} for method, unit in units.items())


def test_rerandomisation_redraws_all_who_were_randomised(fitted):
    data, results = fitted
    cell = next(cell for cell in study_cells(data.study) if cell.name == "imaging/fa_cst")
    table = randomised_table(cell, data)
    assert len(table) == len(data.tables["participants"])
    alone = rerandomise(
        table, outcome="follow_up", baseline="baseline", arm="arm", reference="control",
        allocation=allocation_of(data), n_resamples=1999, seed=allocation_seed(data.study),
    )  # fmt: skip
    row = rows_of(results, "imaging", "fa_cst").loc["rerandomisation"]
    assert row["p_value"] == alone.p_value
    assert "labels redrawn within blocks" in row["reason"]
    assert (
        sum(json.loads(row["n_per_arm"]).values())
        == alone.n_per_arm["cells"] + alone.n_per_arm["control"]
        < len(table)
    )


def test_maxima_are_taken_over_the_same_labels(fitted):
    data, results = fitted
    adjusted = results.tables["adjusted"].query("procedure == 'maxt'").set_index("key")
    table = results.tables["estimates"].set_index("key")
    assert (adjusted["p_raw"] == table.loc[adjusted.index, "p_value"]).all()
    assert (adjusted["p_adjusted"] >= adjusted["p_raw"]).all()
    cells = [cell for cell in study_cells(data.study) if cell.analysis.name == "imaging"]
    wide = randomised_table(cells[0], data)
    for number, cell in enumerate(cells):
        own = randomised_table(cell, data)
        wide[f"y{number}"], wide[f"b{number}"] = own["follow_up"], own["baseline"]
    alone = maxt(
        wide, outcomes=[f"y{k}" for k in range(7)], baselines=[f"b{k}" for k in range(7)], arm="arm", reference="control",
        allocation=allocation_of(data), n_resamples=1999, seed=allocation_seed(data.study),
    )  # fmt: skip
    assert adjusted["p_adjusted"].tolist() == alone.table["p_adjusted"].tolist()


def test_imputation_takes_all_of_the_population(fitted):
    data, results = fitted
    row = rows_of(results, "imaging_missing", "fa_plic").loc["impute_j2r_cm"]
    long = data.outcomes.query("outcome == 'fa_plic' and itt").assign(
        visit=lambda t: pd.Categorical(t["visit"], ["baseline", "day90"], ordered=True)
    )
    alone = impute(
        long, outcome="value", subject="participant_id", visit="visit", arm="arm", strategy="J2R", reference="control"
    ).tidy().iloc[0]  # fmt: skip
    assert row["estimate"] == alone["estimate"]
    assert row["n_participants"] == data.tables["participants"]["itt"].sum()


def test_sensitivity_tables_say_what_the_functions_say(fitted):
    data, results = fitted
    influence = results.tables["influence"]
    whole = rows_of(results, "primary", "fma_total").loc["ancova_hc3"]
    row = influence.iloc[10]
    wide = data.outcomes.query("outcome == 'fma_total' and visit == 'day90'")
    rest = wide[wide["participant_id"] != row["participant_id"]]
    alone = ancova(rest, outcome="value", baseline="baseline", arm="arm", reference="control").tidy()
    assert row["estimate"] == pytest.approx(
        alone.loc[alone["method"] == "ancova_hc3", "estimate"].iloc[0], rel=1e-10
    )
    assert row["change"] == pytest.approx(row["estimate"] - whole["estimate"], rel=1e-9)
    tipping = results.tables["tipping"]
    assert tipping.groupby("outcome").size().to_dict() == dict.fromkeys(
        data.study.estimands[-1].outcomes, 441
    )
    middle = tipping.query("outcome == 'fa_cst' and abs(delta) < 1e-12 and abs(delta_reference) < 1e-12")
    assert middle["estimate"].item() == pytest.approx(
        rows_of(results, "imaging_missing", "fa_cst").loc["impute_mar_cm", "estimate"]
    )
    missing = results.tables["missingness"].query(
        "population == 'itt' and outcome == 'fa_cst' and visit == 'day90'"
    )
    lost = data.outcomes.query("outcome == 'fa_cst' and visit == 'day90' and itt")["value"].isna().sum()
    assert missing["n_missing"].sum() == lost > 0
    statements = results.tables["statements"].set_index("key")["statement"]
    assert statements["imaging_missing/fa_cst/itt/tipping_point"].startswith("Without delta")
    assert "leaving one participant out" in statements["primary/fma_total/itt/leave_one_out"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    selection_predictors: [age, nihss]\n", "", "what being observed may depend on"),
        ("methods: [responders]\n", "methods: [responders, proportional_odds]\n", None),
        ("    sensitivity: [tipping_point]\n", "    sensitivity: [leave_one_out]\n", "is more than one fit"),
        (
            "procedure: maxt, method: rerandomisation",
            "procedure: maxt, method: ancova_hc3",
            "goes with `method: rerandomisation`",
        ),
        (
            "procedure: maxt, method: rerandomisation",
            "procedure: graphical, method: rerandomisation",
            "goes with `procedure: graphical`",
        ),
        (
            "estimand: motor_ue\n",
            "estimand: motor\n",
            "needs the minimal clinically important difference of 'fma_total'",
        ),
        ("main_method: mm_regression", "main_method: hedges_g", None),
    ],
)
def test_plans_that_cannot_be_are_refused(simulated_tables, tmp_path, old, new, words):
    import shutil

    from neurotrial.errors import InputError

    folder = tmp_path / "study"
    shutil.copytree(simulated_tables, folder)
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    assert old in text
    plan.write_text(text.replace(old, new), encoding="utf-8")
    if words is None:
        assert load_study(folder).study
        return
    with pytest.raises(InputError) as error:
        load_study(folder)
    assert words in str(error.value)


def test_a_graph_adjusts_the_outcomes(simulated_tables, tmp_path):
    import shutil

    folder = tmp_path / "study"
    shutil.copytree(simulated_tables, folder)
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    graph = (
        "  - name: motor_graph\n    label: Motor parts\n    analyses: [secondary]\n    procedure: graphical\n"
        "    graph:\n      weights: {fma_ue: 1, fma_le: 0}\n      transitions: {fma_ue: {fma_le: 1}}\n"
    )
    plan.write_text(text.replace("\nfamilies:\n", f"\nfamilies:\n{graph}"), encoding="utf-8")
    results = fit_study(load_study(folder))
    rows = results.tables["adjusted"].query("family == 'motor_graph'")
    p = rows["p_raw"].to_numpy()
    assert rows["p_adjusted"].tolist() == [p[0], max(p)]
    assert np.isfinite(p).all()
