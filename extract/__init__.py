"""Images to tidy tables: what measures the scans of a trial, loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurotrial.extract.diffusion.tensor import TensorFit, fit_tensor

__all__ = ["TensorFit", "fit_tensor"]

_HOMES = {
    "diffusion.tensor": ("TensorFit", "fit_tensor"),
}
"""Where the public names are defined; no module may have the name of a function, which it would hide."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
