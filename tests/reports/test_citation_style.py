"""The numeric citation style, on each type of source."""

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from neurotrial.reports.pandoc import pandoc_path

STYLE = Path(__file__).parents[2] / "reports" / "neurotrial.csl"
NAMESPACE = {"csl": "http://purl.org/net/xbiblio/csl"}

BIBLIOGRAPHY = """
@article{many, author = {One, Ann B. and Two, Carl and Three, D. and Four, E. and Five, F. and Six, G. and Seven, H.},
  title = {A trial of cells}, journal = {Journal of Trials}, year = {2024}, volume = {12}, number = {3},
  pages = {101--110}, doi = {10.1000/trial}}
@article{electronic, author = {van Dijk, Jan}, options = {useprefix=true}, title = {Electronic only}, journal = {BMJ}, year = {2025},
  volume = {389}, pages = {e081123}}
@book{book, author = {Senn, Stephen}, title = {Statistical Issues}, edition = {2}, publisher = {Wiley},
  address = {Chichester}, year = {2007}}
@software{program, author = {{The developers}}, title = {{statsmodels}}, version = {0.14.4}, year = {2024},
  doi = {10.1000/program}}
@online{site, author = {{Council}}, title = {A guideline}, year = {2019}, url = {https://example.org/e9},
  urldate = {2026-01-15}}
@incollection{chapter, author = {Part, P.}, title = {A chapter}, booktitle = {The whole}, editor = {Edit, E.},
  publisher = {Press}, year = {2011}, pages = {1--9}}
"""

TEXT = "A [@many]. B [@electronic; @book; @program]. C [@site, p. 4]. D [@chapter; @many]."


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("citations")
    (folder / "a.bib").write_text(BIBLIOGRAPHY, "utf-8")
    command = [
        pandoc_path(),
        "--citeproc",
        f"--csl={STYLE}",
        "--bibliography=a.bib",
        "--to=plain",
        "--wrap=none",
    ]
    done = subprocess.run(
        [*command, "--fail-if-warnings"], input=TEXT, cwd=folder, capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if line]


def test_citations_are_bracketed_numbers_in_order(printed):
    assert printed[0] == "A [1]. B [2–4]. C [5 (p. 4)]. D [1,6]."


def test_each_type_of_source_is_printed_whole(printed):
    assert [line.split(maxsplit=1)[1] for line in printed[1:]] == [
        "One AB, Two C, Three D, Four E, Five F, Six G, et al. A trial of cells. Journal of Trials. 2024;12(3):101–110. https://doi.org/10.1000/trial",
        "van Dijk J. Electronic only. BMJ. 2025;389:e081123.",
        "Senn S. Statistical issues. 2nd edn. Chichester: Wiley; 2007.",
        "The developers. statsmodels. Version 0.14.4. 2024. https://doi.org/10.1000/program",
        "Council. A guideline. 2019. https://example.org/e9 (accessed 15 January 2026)",
        "Part P. A chapter. In: Edit E, editor. The whole. Press; 2011: 1–9.",
    ]


def test_the_style_is_csl_1_0_and_ours():
    root = ET.parse(STYLE).getroot()  # noqa: S314  our own file
    assert root.tag == "{http://purl.org/net/xbiblio/csl}style"
    assert (root.get("class"), root.get("version")) == ("in-text", "1.0")
    macros = {macro.get("name") for macro in root.findall("csl:macro", NAMESPACE)}
    called = {text.get("macro") for text in root.iter("{http://purl.org/net/xbiblio/csl}text")} - {None}
    assert called == macros
    assert root.findtext("csl:info/csl:rights", namespaces=NAMESPACE) == "BSD-3-Clause"
    category = root.find("csl:info/csl:category", NAMESPACE)
    assert category.get("citation-format") == "numeric"
