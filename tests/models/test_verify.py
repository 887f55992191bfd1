import pytest

from neurotrial.models.verify import verify

ROWS = {
    "lm:ols": 414,
    "lm:HC0": 126,
    "lm:HC1": 126,
    "lm:HC2": 126,
    "lm:HC3": 126,
    "emmeans:ols": 108,
    "t:welch": 126,
    "t:pooled": 126,
    "t:paired": 96,
    "wilcoxon:asymptotic": 6,
    "wilcoxon:asymptotic_cc": 12,
    "wilcoxon:exact": 16,
    "wilcoxon:exact_conditional": 6,
    "wilcoxon:median_of_differences": 2,
    "holm": 12,
    "hommel": 12,
    "bh": 12,
    "by": 12,
    "raw": 12,
    "statistic": 6,
    "relabelings": 2,
    "emmeans:kr_linear": 21,
}


@pytest.fixture(scope="module")
def table():
    return verify()


def test_every_kept_row_is_compared(table):
    assert table["method"].value_counts().to_dict() == ROWS
    assert len(table) == 1505
    assert table["ours"].notna().all()


def test_every_number_agrees_with_r(table):
    wrong = table[~table["ok"]]
    assert wrong.empty, wrong.to_string()


def test_ok_is_the_rule_of_the_readme(table):
    within = (table["ours"] - table["reference"]).abs() <= table["tolerance"] * table["reference"].abs()
    assert (within == table["ok"]).all()
    assert table["tolerance"].max() < 1e-6
