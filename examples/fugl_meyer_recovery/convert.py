"""Turn the published table of Fugl-Meyer scores into a study folder.

Usage: python convert.py Clinical_Scales_all.csv STUDY_FOLDER

The table ends its lines with a bare carriage return, writes missing values as NULL, and holds half points.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.reports.scaffold import write_scaffold

ARMS = {
    "rgs3w": "rgs",
    "rgs12w": "rgs",
    "c3w": "control",
    "c12w": "control",
    "cIOT": "control",
    "cNSG": "control",
}
VISITS = ("baseline", "w12")
COLUMNS = ("patientID", "treatment", "study", "new_days_after_stroke", "eval_time", "fuglmeyer")


def read_scales(path: Path) -> pd.DataFrame:
    """Read the published table: any line end, NULL as missing."""
    if not path.is_file():
        raise refuse(str(path), "the file does not exist", "download it, see README.md")
    table = pd.read_csv(path, na_values="NULL", keep_default_na=False, dtype={"patientID": "str"})
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise refuse(
            f"{path.name}: {', '.join(missing)}",
            "the column is missing",
            f"the table needs {', '.join(COLUMNS)}",
        )
    rows = table[(table["study"] == "acute") & table["eval_time"].isin(VISITS)]
    unknown = rows[~rows["treatment"].isin(ARMS)]
    if not unknown.empty:
        shown = [f"line {line + 2}: {name}" for line, name in unknown["treatment"].items()]
        raise refuse(
            f"{path.name}: treatment", "a treatment group is not known", f"known: {', '.join(ARMS)}", shown
        )
    return rows.assign(
        participant_id="sub-" + rows["patientID"].str.zfill(3), arm=rows["treatment"].map(ARMS)
    )


def participants(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each patient, with the days from stroke to baseline."""
    first = rows[rows["eval_time"] == "baseline"]
    days = first.set_index("participant_id")["new_days_after_stroke"]
    people = rows.drop_duplicates("participant_id")[["participant_id", "arm"]]
    return people.assign(days_stroke_to_baseline=people["participant_id"].map(days))


def motor(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the upper extremity scores at baseline and 12 weeks."""
    scores = rows.rename(columns={"eval_time": "visit", "fuglmeyer": "score"}).assign(scale="fma_ue")
    return scores[["participant_id", "visit", "scale", "score"]]


def main(source: Path, folder: Path) -> None:
    """Write the study folder; the scaffold's study.yaml gives way to the one beside this script."""
    rows = read_scales(source)
    write_scaffold(folder)
    shutil.copyfile(Path(__file__).with_name("study.yaml"), folder / "study.yaml")
    for name, table in (("participants", participants(rows)), ("motor", motor(rows))):
        table.to_csv(folder / "tables" / f"{name}.tsv", sep="\t", index=False, na_rep="n/a")
    print(f"{len(participants(rows))} patients in {folder}; next: neurotrial run {folder}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except InputError as error:
        sys.exit(str(error))
