import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import clda, mmrm
from neurotrial.reports.figures.mixed_models import plot_contrasts, plot_covariance, plot_means

ROLES = {"subject": "who", "visit": "visit"}


@pytest.fixture(scope="module")
def long():
    rng = np.random.default_rng(3)
    n, visits = 24, ("baseline", "day30", "day90")
    who, visit = np.divmod(np.arange(n * 3), 3)
    arm = np.where(np.arange(n) < 15, "cells", "control")
    frame = pd.DataFrame({
        "who": who,
        "visit": pd.Categorical.from_codes(visit, dtype=pd.CategoricalDtype(visits)),
        "arm": pd.Categorical(arm[who], ["control", "cells"]),
    })  # fmt: skip
    person = rng.normal(0, 2, n)[who]
    return frame.assign(y=20 + visit * (1 + (frame["arm"] == "cells")) + person + rng.normal(0, 1, n * 3))


@pytest.fixture(scope="module")
def fit(long):
    return mmrm("y ~ arm * visit", long, **ROLES)


def test_means_show_every_patient_and_the_interval_of_the_table(fit):
    axes = plot_means(fit, "arm").axes[0]
    thin = [line for line in axes.lines if line.get_alpha() is not None]
    assert len(thin) == 24
    rows = fit.effects("arm").query("term == 'lsmean'")
    heights = sorted(round(float(v), 9) for bar in axes.containers for v in bar.lines[0].get_ydata())
    assert heights == sorted(rows["estimate"].round(9))
    ends = sorted(
        round(float(end), 9)
        for bar in axes.containers
        for segment in bar.lines[2][0].get_segments()
        for end in segment[:, 1]
    )
    assert ends == sorted([*rows["conf_low"].round(9), *rows["conf_high"].round(9)])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["baseline", "day30", "day90"]
    assert not [
        line for line in plot_means(fit, "arm", patients=False).axes[0].lines if line.get_alpha() is not None
    ]


def test_means_of_a_common_baseline_need_no_name_of_the_arm(long):
    figure = plot_means(clda("y ~ 1", long, arm="arm", **ROLES), label="score, points")
    assert figure.axes[0].get_ylabel() == "score, points"


def test_contrasts_stand_in_the_order_of_the_table(fit):
    table = fit.effects("arm")
    axes = plot_contrasts(table, label="points").axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names[0] == "cells - control at baseline"
    assert names[-1] == "cells - control @ day90 - baseline"
    drawn = axes.containers[0].lines[0].get_xdata()
    np.testing.assert_allclose(np.asarray(drawn, dtype=float), table.query("term != 'lsmean'")["estimate"])
    assert axes.get_xlabel() == "points (95 % CI)"
    with pytest.raises(InputError, match="holds no contrast"):
        plot_contrasts(table.query("term == 'lsmean'"))


def test_covariance_shows_correlations_and_standard_deviations(fit, long):
    texts = {text.get_text() for text in plot_covariance(fit).axes[0].texts}
    assert f"{fit.correlation.iloc[1, 0]:.2f}" in texts
    assert f"SD\n{np.sqrt(fit.covariance.iloc[2, 2]):.3g}" in texts
    by_arm = mmrm("y ~ arm * visit", long, by_arm="arm", **ROLES)
    assert [axes.get_title() for axes in plot_covariance(by_arm).axes[:2]] == ["control", "cells"]
