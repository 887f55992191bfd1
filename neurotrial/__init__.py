"""neurotrial: statistics and reports of longitudinal neuroimaging trials.

The sub-packages follow the data: `neurotrial.extract` (images to tables), `neurotrial.models` (tables to
results), `neurotrial.reports` (results to documents). The core modules hold what they share: the study file,
the table contracts and the results store.
"""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("neurotrial")
