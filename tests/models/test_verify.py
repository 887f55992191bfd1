import pytest

from neurotrial.models.verify import verify

ROWS = {
    "two_visit": 8172,
    "four_visit": 4331,
    "random_slopes": 774,
    "clustered_cr2": 284,
    "multiplicity": 176,
    "rbmi": 1104,
    "bounded": 155,
}
METHODS = {
    "closed_form": 42,
    "emmeans:kr_linear": 1350,
    "emmeans:kr_full": 1350,
    "lm:ols": 426,
    "t:pooled": 126,
    "mmrm:satterthwaite": 1616,
    "mmrm:CR2": 172,
    "mmrm:anova_III:kr_linear": 84,
    "pbkrtest:kr_expected": 366,
    "clubSandwich:CR2_satterthwaite": 101,
    "wilcoxon:exact_conditional": 6,
    "relabelings": 8,
    "rbmi:JR": 170,
    "mice:pool.scalar": 32,
    "clm:ml": 45,
    "survreg:ml": 20,
}


@pytest.fixture(scope="module")
def table():
    return verify()


def test_every_kept_row_is_compared(table):
    assert table["case"].value_counts().to_dict() == ROWS
    counts = table["method"].value_counts()
    assert {method: int(counts[method]) for method in METHODS} == METHODS
    assert table["ours"].notna().all()


def test_every_number_agrees_with_r(table):
    wrong = table[~table["ok"]]
    assert wrong.empty, wrong.to_string()


def test_ok_is_the_rule_of_the_readme(table):
    within = (table["ours"] - table["reference"]).abs() <= table["tolerance"] * table["reference"].abs()
    assert (within == table["ok"]).all()
    # the widest stand where the reference itself is not tight, see the README
    loose = table["method"].str.contains("gls|lmerTest")
    assert table.loc[~loose, "tolerance"].max() < 1e-4
    assert table.loc[loose, "tolerance"].max() < 2e-4
