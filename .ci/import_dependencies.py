"""Import every declared dependency in this environment: an installed package that cannot be imported is broken."""

from __future__ import annotations

import importlib
import re
import sys
from importlib import metadata

from packaging.requirements import Requirement

STUBS = ("pandas-stubs", "types-pyyaml")
"""Distributions for the type checker only, which hold nothing to import."""


def normal(name: str) -> str:
    """Return the normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def modules(distribution: str) -> list[str]:
    """Return the importable top-level modules of a distribution."""
    provided = metadata.packages_distributions()
    names = [name for name, owners in provided.items() if distribution in map(normal, owners)]
    public = [name for name in names if not name.startswith("_") and name.isidentifier()]
    if not public:
        sys.exit(f"{distribution} is a dependency, but holds nothing to import: is it installed?")
    return public


def main() -> None:
    """Import the modules of every requirement that applies here, extras included, and say how many."""
    extras = metadata.metadata("neurotrial").get_all("Provides-Extra") or []
    wanted = [Requirement(text) for text in metadata.requires("neurotrial") or []]
    names = {
        normal(requirement.name)
        for requirement in wanted
        if requirement.marker is None
        or any(requirement.marker.evaluate({"extra": extra}) for extra in ["", *extras])
    }
    names -= {"neurotrial", *STUBS}
    imported = [importlib.import_module(module) for name in sorted(names) for module in modules(name)]
    print(f"imported {len(imported)} modules of {len(names)} dependencies")


if __name__ == "__main__":
    main()
