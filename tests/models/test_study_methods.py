import json

import numpy as np
import pandas as pd
import pytest

from neurotrial.loading import load_study
from neurotrial.method_names import METHODS, scale_of
from neurotrial.models import ancova, change_association, impute, maxt, power, rerandomise
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
    flow = results.tables["flow"].set_index("key")["n"]
    assert flow["flow/analysed:imaging_missing/fa_plic/all"] == row["n_participants"]
    assert flow["flow/analysed:imaging/fa_plic/all"] < row["n_participants"]


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


def test_associations_are_those_of_the_function(fitted):
    data, results = fitted
    part = data.study.associations[0]
    outcomes = data.outcomes.query("visit == @part.visit").set_index("participant_id")
    first, second = (outcomes[outcomes["outcome"] == name] for name in (part.x, part.y))
    wide = pd.DataFrame({
        "arm": second["arm"], "y": second["value"], "y0": second["baseline"],
        "x": first["value"], "x0": first["baseline"],
    })  # fmt: skip
    alone = change_association(
        wide, x="x", x_baseline="x0", y="y", y_baseline="y0", arm="arm", reference="control", n_resamples=99
    ).tidy()  # fmt: skip
    rows = results.tables["associations"].query("association == @part.name").set_index("method")
    for row in alone.to_dict("records"):
        named = rows.loc[row["method"]]
        assert named["estimate"] == pytest.approx(row["estimate"], rel=1e-12)
        assert named["conf_high"] == pytest.approx(row["conf_high"], rel=1e-12)
        assert part.x in named["contrast"]
    assert rows.loc["change_slope", "unit"] == f"points per unit of {part.x}"
    assert rows.loc["mediation_indirect", "interval_kind"] == "percentile"
    assert np.isnan(rows.loc["mediation_indirect", "p_value"])


def test_power_is_that_of_the_function(fitted):
    data, results = fitted
    plan = data.study.power[0]
    seed = np.random.SeedSequence([data.study.seed, *plan.name.encode()])
    other = next(name for name in plan.n_per_arm if name != "control")
    alone = power(
        n_per_arm=(plan.n_per_arm[other], plan.n_per_arm["control"]), effect=plan.effect, sd=plan.sd,
        correlation=plan.correlation, dropout=plan.dropout, methods=plan.methods, seed=seed,
    ).tidy()  # fmt: skip
    rows = results.tables["planning"].query("plan == @plan.name and quantity == 'power'")
    assert rows["estimate"].tolist() == alone["estimate"].tolist()
    assert set(results.tables["planning"]["quantity"]) >= {"power", "detectable_effect"}


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
        (
            "y: fma_total, visit: day90, pop",
            "y: strength_inter, visit: day90, pop",
            "relates a change to itself",
        ),
        ("y: fma_total, visit: day90, pop", "y: fma_total, visit: baseline, pop", "is the baseline visit"),
        ("x: strength_inter, y:", "x: strength, y:", "'strength' is not a declared outcome"),
        (
            "n_per_arm: {cells: 40, control: 20}",
            "n_per_arm: {cells: 60}",
            "for two arms, one of them the reference",
        ),
        ("n_per_arm: {cells: 40, control: 20}", "n_per_arm: {cels: 40, control: 20}", "'cels'"),
        ("    dropout: 0.1\n", "    dropout: 1.5\n", "less than 1"),
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
