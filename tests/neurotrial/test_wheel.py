"""The wheel holds what the tree holds, and works where there is no checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "neurotrial": "neurotrial",
    "extract": "neurotrial/extract",
    "models": "neurotrial/models",
    "reports": "neurotrial/reports",
}


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    # setuptools leaves build/ and the egg-info in the tree it builds from, so it gets a copy
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, symlinks=True)
    built = run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), cwd=source)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


def tree() -> set[str]:
    return {
        f"{installed}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, installed in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        if folder != "neurotrial"
        or path.relative_to(ROOT / folder).parts[0] not in {"extract", "models", "reports"}
    }


def test_wheel_holds_the_modules_and_data_files_of_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == tree()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    result = run(
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
        cwd=target,
    )
    assert result.returncode == 0, result.stderr
    return target


def test_installed_wheel_goes_from_init_to_report_outside_the_checkout(
    installed: Path, simulated_tables: Path, tmp_path: Path
) -> None:
    def neurotrial(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("-m", "neurotrial", *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    where = run(
        "-c", "import neurotrial.models as m; print(m.__file__)", cwd=tmp_path, PYTHONPATH=str(installed)
    )
    assert Path(where.stdout.strip()).is_relative_to(installed)

    assert neurotrial("init", "study").returncode == 0
    lacking = neurotrial("check", "study")
    assert lacking.returncode == 2
    assert "tables/participants.tsv" in lacking.stderr

    plan = tmp_path / "study" / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    # one model of one outcome shows that it can be compiled outside the checkout; each more takes long
    fewer = text.replace(
        "rerandomisation, bayes_ancova, bayes_group_time]\n    main_method",
        "rerandomisation, bayes_ancova]\n    main_method",
    )
    fewer = fewer.replace(
        "rerandomisation, bayes_ancova, bayes_group_time]\n    requested", "rerandomisation]\n    requested"
    )
    assert text.count("bayes_") - fewer.count("bayes_") == 3
    plan.write_text(fewer, encoding="utf-8")
    for table in (simulated_tables / "tables").iterdir():
        (tmp_path / "study" / "tables" / table.name).write_bytes(table.read_bytes())
    for command in (["check", "study"], ["fit", "study"], ["report", "study"]):
        result = neurotrial(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    assert {path.name for path in (tmp_path / "study" / "output").iterdir()} == {
        "manuscript.html",
        "manuscript.docx",
        "manuscript.pdf",
        "checklists.html",
        "checklists.docx",
        "checklists.pdf",
        "quality.html",
        "quality.docx",
        "quality.pdf",
        "secondary.html",
        "secondary.docx",
        "secondary.pdf",
        "supplement.html",
        "supplement.docx",
        "supplement.pdf",
    }
