"""The reference document of Word files: a manuscript's page, fonts, spacing, line and page numbers."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

from neurotrial.reports.rendering.pandoc import pandoc_path
from neurotrial.reports.rendering.word_zip import repack

__all__ = ["write_reference_docx"]

FONT = "Times New Roman"
BODY = ("Normal", "Body Text", "First Paragraph", "Bibliography", "Abstract", "Footnote Text", "Block Text")
HEADINGS = (
    "Title",
    "Subtitle",
    "Author",
    "Date",
    "Abstract Title",
    "TOC Heading",
    *(f"Heading {n}" for n in range(1, 7)),
)
CAPTIONS = ("Table Caption", "Image Caption", "Captioned Figure")
BORDERS = ("top", "left", "bottom", "right")


def write_reference_docx(path: Path) -> None:
    """Write the Word template of manuscripts.

    Times New Roman 12 points, double spacing, margins of 1 inch, continuous line numbers, page numbers at the foot;
    tables single-spaced in 9 points. It may be named as ``reference-doc`` and changed in Word.

    Parameters
    ----------
    path : Path
        The .docx file to write.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from docx import Document

    base = subprocess.run(  # noqa: S603  the packaged pandoc, without user input
        [pandoc_path(), "--print-default-data-file", "reference.docx"], check=True, capture_output=True
    ).stdout
    document = Document(io.BytesIO(base))
    _body(document)
    _headings(document)
    _captions(document)
    _own_styles(document)
    _table_style(document)
    _page(document)
    document.core_properties.author = ""
    document.core_properties.title = ""
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(repack(buffer.getvalue()))


def _style(document: Any, name: str, base: str = "") -> Any:
    """Return a paragraph style, made from another one if the document has none of this name."""
    from docx.enum.style import WD_STYLE_TYPE

    styles = document.styles
    if name not in styles:
        styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = styles[base]
    return styles[name]


def _font(style: Any, size: float, *, bold: bool | None = None) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.name = FONT
    style.font.size = Pt(size)
    style.font.color.rgb = RGBColor(0, 0, 0)
    style.font.bold = style.font.cs_bold = bold
    _complex_size(style)
    fonts = style.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:cs"), FONT)
    for tracking in style.element.rPr.findall(qn("w:spacing")):
        style.element.rPr.remove(tracking)


def _complex_size(style: Any) -> None:
    """Let letters of scripts that are written from right to left have the size of the others."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = style.element.rPr
    for old in properties.findall(qn("w:szCs")):
        properties.remove(old)
    size = OxmlElement("w:szCs")
    size.set(qn("w:val"), properties.find(qn("w:sz")).get(qn("w:val")))
    properties.find(qn("w:sz")).addnext(size)


def _spacing(style: Any, line: float, before: float = 0, after: float = 0) -> None:
    from docx.shared import Pt

    form = style.paragraph_format
    form.line_spacing = line
    form.space_before, form.space_after = Pt(before), Pt(after)


def _body(document: Any) -> None:
    from docx.shared import Inches

    for name in BODY:
        style = _style(document, name, "Normal")
        _font(style, 12)
        _spacing(style, 2.0)
    for name in ("Footnote Text", "Source Code"):
        _spacing(_style(document, name, "Normal"), 1.0, before=2, after=2)
    _number_no_lines(document.styles["Footnote Text"].element)
    hanging = document.styles["Bibliography"].paragraph_format
    hanging.left_indent, hanging.first_line_indent = Inches(0.4), Inches(-0.4)
    # code takes the size of the text around it, which is smaller in tables
    document.styles["Verbatim Char"].font.size = None
    compact = _style(document, "Compact", "Body Text")
    _font(compact, 12)
    _spacing(compact, 2.0)


def _headings(document: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    sizes = {"Title": 16, "Subtitle": 13, "Heading 1": 14}
    for name in HEADINGS:
        style = _style(document, name, "Normal")
        _font(
            style,
            sizes.get(name, 12),
            bold=name == "Title" or name.startswith(("Heading", "Abstract", "TOC")),
        )
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
        style.paragraph_format.keep_with_next = name not in {"Author", "Date"}
        _spacing(style, 1.5, before=12 if name.startswith("Heading") else 0, after=6)


def _captions(document: Any) -> None:
    for name in CAPTIONS:
        style = _style(document, name, "Normal")
        _font(style, 11)
        style.font.italic = False
        _spacing(
            style,
            1.15,
            before=12 if name != "Image Caption" else 4,
            after=12 if name == "Image Caption" else 4,
        )
        style.paragraph_format.keep_with_next = name != "Image Caption"
        style.paragraph_format.keep_together = True
    # more than single spacing cuts the top off a picture that is a line of its own in LibreOffice
    document.styles["Captioned Figure"].paragraph_format.line_spacing = 1.0


def _own_styles(document: Any) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Inches

    for name, size, after in (
        ("Affiliation", 11, 2),
        ("Table Text", 9, 0),
        ("Table Note", 9, 2),
        ("Callout", 11, 4),
        ("Callout Title", 11, 2),
        ("Equation", 12, 6),
    ):
        style = _style(document, name, "Normal")
        _font(style, size)
        _spacing(style, 1.0, before={"Table Text": 1, "Callout Title": 12}.get(name, 4), after=after or 1)
    for name in ("Callout", "Callout Title"):
        document.styles[name].paragraph_format.left_indent = Inches(0.15)
        _left_rule(document.styles[name])
    document.styles["Callout Title"].paragraph_format.keep_with_next = True
    tabs = document.styles["Equation"].paragraph_format.tab_stops
    tabs.add_tab_stop(Inches(3.25), WD_TAB_ALIGNMENT.CENTER)
    tabs.add_tab_stop(Inches(6.5), WD_TAB_ALIGNMENT.RIGHT)


def _number_no_lines(paragraph: Any) -> None:
    """Leave a paragraph (or the paragraphs of a style) out of the line numbers."""
    from docx.oxml import OxmlElement

    later = (
        "w:pBdr",
        "w:shd",
        "w:tabs",
        "w:suppressAutoHyphens",
        "w:spacing",
        "w:ind",
        "w:jc",
        "w:outlineLvl",
    )
    paragraph.get_or_add_pPr().insert_element_before(OxmlElement("w:suppressLineNumbers"), *later)


def _left_rule(style: Any) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    borders = parse_xml(
        f'<w:pBdr {nsdecls("w")}><w:left w:val="single" w:sz="18" w:space="8" w:color="808080"/></w:pBdr>'
    )
    style.element.get_or_add_pPr().insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:outlineLvl"
    )


def _table_style(document: Any) -> None:
    """Rules above and below the table; the one below the header is drawn on its last row, see `word_tables`."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls, qn

    if "Normal Table" not in document.styles:
        # pandoc's tables rest on it, and its template lacks it
        document.styles.element.append(
            parse_xml(
                f'<w:style {nsdecls("w")} w:type="table" w:default="1" w:styleId="TableNormal">'
                '<w:name w:val="Normal Table"/><w:uiPriority w:val="99"/><w:semiHidden/><w:unhideWhenUsed/>'
                '<w:tblPr><w:tblInd w:w="0" w:type="dxa"/></w:tblPr></w:style>'
            )
        )
    element = document.styles["Table"].element
    for child in list(element):
        if child.tag in {qn("w:tblPr"), qn("w:tblStylePr")}:
            element.remove(child)
    element.append(
        parse_xml(
            f"<w:tblPr {nsdecls('w')}><w:tblBorders>"
            '<w:top w:val="single" w:sz="8" w:space="0" w:color="000000"/>'
            '<w:bottom w:val="single" w:sz="8" w:space="0" w:color="000000"/>'
            '</w:tblBorders><w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>'
            "</w:tblCellMar></w:tblPr>"
        )
    )


def _page(document: Any) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Inches

    section = document.sections[0]
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Inches(1))
    section.page_width, section.page_height = Inches(8.5), Inches(11)
    numbers = parse_xml(f'<w:lnNumType {nsdecls("w")} w:countBy="1" w:restart="continuous"/>')
    later = ("w:pgNumType", "w:cols", "w:formProt", "w:vAlign", "w:noEndnote", "w:titlePg", "w:docGrid")
    following = [child for child in section._sectPr if child.tag in _qualified(later)]  # noqa: SLF001  no public way
    if following:
        following[0].addprevious(numbers)
    else:
        section._sectPr.append(numbers)  # noqa: SLF001  no public way
    footer = section.footer.paragraphs[0]
    style = document.styles.add_style("Footer", WD_STYLE_TYPE.PARAGRAPH, builtin=True)
    style.base_style = document.styles["Normal"]
    _spacing(style, 1.0)
    footer.style = style
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _number_no_lines(footer._p)  # noqa: SLF001  no public way
    footer._p.append(  # noqa: SLF001  no public way
        parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>')
    )


def _qualified(names: tuple[str, ...]) -> set[str]:
    from docx.oxml.ns import qn

    return {qn(name) for name in names}
