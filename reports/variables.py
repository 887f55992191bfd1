"""The values that a document's title block takes from the study file through ``{{< var ... >}}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.figures.style import data_label
from neurotrial.reports.markdown_text import escape
from neurotrial.study import Study

if TYPE_CHECKING:
    from neurotrial.results import Results
    from neurotrial.study import StudyInfo

__all__ = ["report_variables"]


def report_variables(results: Results) -> dict[str, dict[str, str]]:
    """Return what goes into ``_variables.yml`` before the documents are rendered.

    Parameters
    ----------
    results : Results
        Results of a fit.

    Returns
    -------
    dict of str to dict of str to str
        ``study`` with ``title``, ``registration`` and ``subtitle``, as Markdown; none of them is empty. The subtitle
        says so if the arms are dummies or the data are simulated.
    """
    info = Study.model_validate(results.study).study
    registration = escape(info.registration) if info.registration else "not stated"
    label = data_label(info)
    notice = f" {escape(label)}: no number says anything about {_silent(info)}." if label else ""
    subtitle = f"Report of a randomised trial. Registration: {registration.rstrip('.')}.{notice}"
    return {"study": {"title": escape(info.title), "registration": registration, "subtitle": subtitle}}


def _silent(info: StudyInfo) -> str:
    return "patients" if info.simulated else "a difference between the arms"
