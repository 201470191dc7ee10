"""Excel workbooks: cells, sheets, and workbooks that are damaged or set as a trap."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from datetime import date
from pathlib import Path

import pytest

from digest.dumps import open_dump
from digest.dumps.tables import spreadsheet
from digest.errors import DumpError
from digest.model import Record, Rejected, Skipped
from tests.unit.dumps.conftest import TODAY, MakeDump, entries, papers, rejections, titles
from tests.unit.dumps.test_fuzz import check_survival, mutate

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = (
    '<numFmts count="3"><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.00&quot; days&quot;"/>'
    '<numFmt numFmtId="166" formatCode="0"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    "</cellXfs>"
)


def workbook(
    *sheets: str,
    shared: str = "",
    names: tuple[str, ...] = ("Papers", "Notes", "More"),
    properties: str = "",
    **parts: str,
) -> bytes:
    """Make a workbook of the inner XML of its sheets."""
    tabs = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, (name, _) in enumerate(zip(names, sheets, strict=False), 1)
    )
    targets = "".join(
        f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    contents = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": "<Relationships/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}">{properties}'
        f"<sheets>{tabs}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships>{targets}</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{STYLES}</styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        **{
            f"xl/worksheets/sheet{number}.xml": f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>'
            for number, sheet in enumerate(sheets, 1)
        },
        **parts,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def rows(*rows: tuple[str, ...]) -> str:
    """Make the rows of a sheet of texts; a text that begins with < is a whole cell."""
    return "<sheetData>" + "".join(map(row, range(1, len(rows) + 1), rows)) + "</sheetData>"


def row(number: int, cells: tuple[str, ...]) -> str:
    inner = "".join(
        cell
        if cell.startswith("<")
        else f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for place, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}">{inner}</row>'


SHARED = (
    "<si><t>Title</t></si><si><t>DOI</t></si><si><t>Date</t></si><si><t>PMID</t></si>"
    '<si><r><t xml:space="preserve">Tea, </t></r><r><rPr><b/></rPr><t>cups</t></r>'
    "<rPh><t>teh</t></rPh></si><si><t>A title\nof two &amp; more_x000D_ lines</t></si>"
)


def paper_cells(number: int, text: int, day: str, pmid: str) -> str:
    return (
        f'<row r="{number}"><c r="A{number}" t="s"><v>{text}</v></c>'
        f'<c r="B{number}" t="str"><f>CONCAT(1)</f><v>10.1000/x.{number}</v></c>'
        f'<c r="C{number}" s="{day}"><v>46182.75</v></c><c r="D{number}"><v>{pmid}</v></c></row>'
    )


WHOLE = workbook(
    "<sheetData>"
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="C1" t="s"><v>2</v></c><c r="D1" t="s"><v>3</v></c></row>'
    + paper_cells(2, 4, "1", "39990001")
    + paper_cells(5, 5, "2", "3.9990002E7")
    + "</sheetData>",
    shared=SHARED,
)


def test_cells_of_every_kind_are_read(make_dump: MakeDump) -> None:
    dump = make_dump(WHOLE)
    assert dump.format == "csv"
    first, second = entries(dump)
    assert (first.title, second.title) == ("Tea, cups", "A title of two & more lines")
    assert [f"{name.kind}:{name.value}" for name in second.identities] == [
        "doi:10.1000/x.5",
        "pmid:39990002",
    ]
    assert first.submitted == second.submitted == date(2026, 6, 9)
    assert [paper.line for paper in papers(dump)] == [2, 5]
    assert dump.incomplete is None
    assert dump.bytes_read == dump.size


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="B2"><v>1</v></c>', "1"),
        ('<c r="B2"><v>0.1</v></c>', "0.1"),
        ('<c r="B2"><v>2606.1000100000001</v></c>', "2606.10001"),
        ('<c r="B2" s="3"><v>46182</v></c>', "46182"),
        ('<c r="B2" s="1"><v>46182</v></c>', "2026-06-09"),
        ('<c r="B2" s="2"><v>46182</v></c>', "2026-06-09"),
        ('<c r="B2" s="99"><v>46182</v></c>', "46182"),
        ('<c r="B2" s="1"><v>-5</v></c>', "-5"),
        ('<c r="B2" s="1"><v>1e300</v></c>', "1e300"),
        ('<c r="B2" t="d"><v>2026-06-09T00:00:00</v></c>', "2026-06-09T00:00:00"),
        ('<c r="B2" t="b"><v>1</v></c>', "1"),
        ('<c r="B2" t="e"><v>#N/A</v></c>', ""),
        ('<c r="B2" t="s"><v>77</v></c>', ""),
        ('<c t="str"><v>next</v></c>', "next"),
        ('<c r="?" t="str"><v>next</v></c>', "next"),
    ],
)
def test_a_cell_becomes_text(cell: str, text: str, make_dump: MakeDump) -> None:
    dump = make_dump(workbook(rows(("Title", "Comment"), ("A title", cell))))
    assert [paper.comment for paper in papers(dump)] == [text]


def test_days_may_be_counted_from_1904(make_dump: MakeDump) -> None:
    cell = '<c r="B2" s="1"><v>44720</v></c>'
    dump = make_dump(
        workbook(rows(("Title", "Date"), ("A", cell)), properties='<workbookPr date1904="1"/>')
    )
    assert [paper.submitted for paper in papers(dump)] == [date(2026, 6, 9)]


def test_every_sheet_with_a_title_is_read_and_the_others_named(make_dump: MakeDump) -> None:
    table = rows(("Our list", ""), ("", ""), ("Title", "DOI"), ("A", "10.1000/a"))
    dump = make_dump(
        workbook(rows(("to do", "")), table, rows(("DOI", "Title"), ("10.1000/b", "B")))
    )
    assert titles(dump) == ["A", "B"]
    skipped = [entry.reason for entry in dump.records() if isinstance(entry, Skipped)]
    assert skipped == [
        "a file in the archive is of no known format: Papers",
        "stands before the header",
    ]


def test_a_damaged_row_keeps_what_came_before(make_dump: MakeDump) -> None:
    table = rows(("Title", "DOI"), ("A", "10.1000/a"), ("B", "10.1000/b"))
    dump = make_dump(workbook(table.replace("10.1000/b", "10.1000/b</x>")))
    assert titles(dump) == ["A"]
    assert dump.incomplete
    assert dump.incomplete.startswith("Papers: the spreadsheet is damaged")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (workbook(), "the workbook has no sheet"),
        (workbook(rows(("Name", "Telephone"), ("Jane", "5"))), "a CSV needs a column 'title'"),
        (workbook(**{"xl/workbook.xml": "<workbook>"}), "the spreadsheet is damaged"),
        (
            workbook(rows(("Title", "DOI")), **{"xl/styles.xml": "<!DOCTYPE x []><x/>"}),
            "declares a document type",
        ),
    ],
)
def test_a_workbook_without_a_table_of_papers_is_refused(
    content: bytes, hint: str, make_dump: MakeDump
) -> None:
    with pytest.raises(DumpError, match=hint):
        make_dump(content)


def test_a_sheet_of_two_far_corners_costs_nothing(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.dumps.tables.spreadsheet._ROWS", 65_536)
    header = row(1, ("Title", "DOI"))
    far = '<row r="65536"><c r="XFD65536" t="str"><v>far</v></c></row>'
    wrong = '<row r="99999999999"><c r="ZZZ1" t="str"><v>far</v></c></row>'
    tracemalloc.start()
    dump = make_dump(workbook(f"<sheetData>{header}{far}{wrong}</sheetData>"))
    assert [line for line, _ in rejections(dump)] == [65_536]
    assert tracemalloc.get_traced_memory()[1] < 32 * 1024**2
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(workbook(rows(("Title", "DOI")), shared="<si/>" * 200_000), id="shared texts"),
        pytest.param(workbook(rows(("Title", "x" * 5_000_000))), id="a cell"),
        pytest.param(workbook(rows(("Title", "")) + f"<a b='{'x' * 5_000_000}'/>"), id="a tag"),
        pytest.param(
            workbook(rows(("Title", "")), **{"xl/styles.xml": "<a>" + "<b/>" * 200_000}),
            id="styles",
        ),
    ],
)
def test_a_bomb_is_abandoned(
    content: bytes, make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With caps of a tenth, since tracing memory takes most of the time."""
    monkeypatch.setattr("digest.dumps.tables.spreadsheet._SHARED_CAP", 10 * 1024**2)
    monkeypatch.setattr("digest.dumps.tables.spreadsheet._LIST_CAP", 100_000)
    tracemalloc.start()
    try:
        entries = list(make_dump(content).records())
    except DumpError:
        entries = []
    assert not any(isinstance(entry, Record) for entry in entries)
    assert tracemalloc.get_traced_memory()[1] < 48 * 1024**2
    tracemalloc.stop()


def test_rows_of_long_shared_texts_stop_at_the_ratio(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.dumps.packed._FREE_SIZE", 1024**2)
    cells = "".join(f'<row r="{number}"><c t="s"><v>0</v></c></row>' for number in range(2, 4000))
    dump = make_dump(
        workbook(
            f"<sheetData>{row(1, ('Title', 'DOI'))}{cells}</sheetData>",
            shared=f"<si><t>{'long ' * 5000}</t></si>",
        )
    )
    list(dump.records())
    assert dump.incomplete
    assert "unpacks to more than 500 times its size" in dump.incomplete


def test_damaged_workbooks_never_raise(tmp_path: Path) -> None:
    dice = random.Random("workbooks")
    for _ in range(60):
        check_survival(tmp_path / "dump", mutate(WHOLE, dice))
    names = ("xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml")
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(200):
        name = dice.choice(names)
        damaged = parts | {name: mutate(parts[name], dice)}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for part, content in damaged.items():
                archive.writestr(part, content)
        check_survival(tmp_path / "dump", buffer.getvalue())


def test_a_cut_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(WHOLE[:-30])
    with pytest.raises(DumpError, match="the zip archive is damaged"):
        open_dump(path, today=TODAY)


def test_an_overlong_row_is_named(make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "_ROW_CAP", 1000)
    dump = make_dump(workbook(rows(("Title", "DOI"), ("A", "b"), ("x" * 600, "y" * 600))))
    assert titles(dump) == ["A"]
    assert dump.incomplete == "Papers: row 3 is too long"
    assert not any(isinstance(entry, Rejected) for entry in dump.records())
