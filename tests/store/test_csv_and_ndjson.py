"""Files of lines: read a record at a time, whatever they hold (fault 29). What is wrong is one line's own error."""

import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from services.errors import InvalidInput
from services.imports.files import csv_and_ndjson, file_form
from services.imports.files.cells import CellForms
from services.imports.files.columns import ColumnRules
from services.imports.files.file_form import SAMPLE, FileForm, FormRecognition, UnreadableFile
from services.imports.files.record_lines import LONGEST_LINE

LONG = LONGEST_LINE
RULES = ColumnRules(required=("userId",), texts=("userId", "email", "phone", "first_name"), numbers=("total",))


def form_of(data: bytes, format: str = "csv", **said: Any) -> FileForm:
    """How a file is written, as it is recognised in pieces of three bytes."""
    recognition = FormRecognition(format, **said)
    for start in range(0, min(len(data), 3 * LONG), 3):
        recognition.feed(data[start : start + 3])
    recognition.feed(data[3 * LONG :])
    return recognition.form()


def read(text: str | bytes, format: str = "csv", rules: ColumnRules = RULES, **said: Any) -> list[tuple[int, Any]]:
    """Line numbers with records, an error as its sentence."""
    data = text.encode() if isinstance(text, str) else text
    found = csv_and_ndjson.records(io.BytesIO(data), form_of(data, format, **said), rules)
    return [(number, str(one) if isinstance(one, ValueError) else one) for number, one in found]


def cells(text: str, **forms: Any) -> list[dict[str, Any]]:
    """The rows of a table whose cells are written so."""
    return [one for _, one in read(text, cells=CellForms(**forms))]


def test_a_record_may_go_on_over_several_lines() -> None:
    text = '\ufeffuserId;note\r\n1;"two\r\nlines"\r\n\r\n2;""\r\n'
    assert read(text) == [(2, {"userId": "1", "note": "two\r\nlines"}), (5, {"userId": "2"})]


def test_a_line_without_an_end_is_one_error_and_no_memory() -> None:
    """A hundred megabytes in one cell, between two good lines."""

    class Long(io.RawIOBase):
        parts = [b"userId\n1\n", *[b"x" * 1_000_000] * 100, b"\n2\n"]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            if not self.parts:
                return 0
            part = self.parts[0][: len(buffer)]
            self.parts[0] = self.parts[0][len(part) :]
            if not self.parts[0]:
                del self.parts[0]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    found = [
        (number, str(one))
        for number, one in csv_and_ndjson.records(io.BufferedReader(Long()), FileForm(format="csv"), RULES)
    ]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    why = "the line is no CSV: it is too long; a record has at most 65,536 characters"
    assert found == [(2, "{'userId': '1'}"), (3, why), (4, "{'userId': '2'}")]
    assert most < 10 * 1024**2


@pytest.mark.parametrize("opened", ['1,"never closed\n', '1,"a","b\n'])
def test_a_quotation_mark_that_is_never_closed_swallows_no_line(opened: str) -> None:
    rest = [f"{number},fine,\n" for number in range(2, 20_000)]
    found = read("userId,note,more\n" + opened + "".join(rest))
    why = "the line is no CSV: a quotation mark is not closed; a record has at most 65,536 characters"
    assert found[0] == (2, why)
    assert found[1:] == [(number + 1, {"userId": str(number), "note": "fine"}) for number in range(2, 20_000)]


def test_a_record_of_ever_more_cells_over_ever_more_lines_ends() -> None:
    (line, why), *others = read("userId,note\n1," + '"a\n",' * 30_000)
    assert (line, "a quotation mark is not closed" in why) == (2, True)
    assert all(sum(map(len, one.values())) <= LONG for _, one in others if isinstance(one, dict))


def test_a_million_blank_lines_are_no_record() -> None:
    assert read("userId\n1\n" + "\n" * 1_000_000 + "2\n") == [(2, {"userId": "1"}), (1_000_003, {"userId": "2"})]


@pytest.mark.parametrize("header", ["userId," + "x" * LONG, "x" * LONG * 3])
def test_a_header_without_an_end_is_refused(header: str) -> None:
    with pytest.raises(UnreadableFile, match=r"the header cannot be read: it is too long"):
        read(header + "\n1,2\n")
    assert len(header.encode()) >= SAMPLE


def test_a_line_of_json_in_another_encoding_is_one_error() -> None:
    assert read('{"a": 1}\n{"userId": "Jürgen"}\n'.encode("latin-1"), "ndjson") == [
        (1, {"a": 1}),
        (2, "the line is not UTF-8"),
    ]


def test_a_long_line_of_json_is_one_error() -> None:
    text = '{"userId": "1"}\n{"x": "' + "x" * LONG * 3 + '"}\n{"userId": "2"}\n'
    assert read(text, "ndjson") == [
        (1, {"userId": "1"}),
        (2, "the line is longer than 65,536 bytes"),
        (3, {"userId": "2"}),
    ]


# -- what a cell says --------------------------------------------------------------------------------------------------


def test_cells_keep_their_text_unless_they_read_the_same_as_numbers() -> None:
    kept = ["0049171234567", "+49171234567", "01067", "0012", "1_000", "1.10", "1e5", "1e+16", "-0", "- 1", "nan", "inf",
            "12345678901234567890", "9007199254740992", "0x10", "1,5", "٣", " 42", "TRUE", "0.1000000000000000055",
            "1" + "0" * 400]  # fmt: skip
    numbers = {"0": 0, "42": 42, "-7": -7, "39.9": 39.9, "-0.5": -0.5, "1.0": 1.0, "9007199254740991": 2**53 - 1}
    for cell in kept:
        assert cells(f'userId,x\n1,"{cell}"\n') == [{"userId": "1", "x": cell}]
    for cell, number in numbers.items():
        (row,) = cells(f"userId,x\n1,{cell}\n")
        assert (row["x"], type(row["x"])) == (number, type(number))


def test_what_is_known_for_a_text_stays_one_and_what_was_said_holds() -> None:
    text = "userId,phone,card,spent\n7,49171234567,4711,1200\n8,,,1.10\n"
    assert cells(text, texts=("card",), numbers=("spent",)) == [
        {"userId": "7", "phone": "49171234567", "card": "4711", "spent": 1200},
        {"userId": "8", "spent": 1.1},
    ]


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [("39.90", "point", 39.9), ("1e3", "point", 1000.0), (" 5 ", "point", 5), ("39,90", "comma", 39.9),
     ("1.234,50", "comma", 1234.5), ("1.234", "comma", 1234), ("+2", "comma", 2)],
)  # fmt: skip
def test_an_amount_is_read_as_the_file_writes_it(cell: str, decimal: str, number: float) -> None:
    assert cells(f"userId;total\n1;{cell}\n", decimal=decimal) == [{"userId": "1", "total": number}]


@pytest.mark.parametrize(
    ("cell", "decimal"),
    [("39,90", "point"), ("39.90", "comma"), ("1,234.5", "point"), ("ten", "point"), ("1,2,3", "comma")],
)
def test_an_amount_that_cannot_be_read_is_an_error_of_its_line_and_never_zero(cell: str, decimal: str) -> None:
    why = (
        f"total: is no number with a decimal {decimal}, found {cell!r}; "
        "what the file has is said by decimal=point or decimal=comma"
    )
    assert read(f"userId;total\n1;{cell}\n2;3\n", cells=CellForms(decimal=decimal)) == [
        (2, why),
        (3, {"userId": "2", "total": 3}),
    ]


def test_a_decimal_comma_makes_a_number_only_where_it_was_said() -> None:
    text = "userId;score\n1;39,90\n2;01067\n3;1.234,5\n4;1.234\n"
    assert [row["score"] for row in cells(text)] == ["39,90", "01067", "1.234,5", 1.234]
    assert [row["score"] for row in cells(text, decimal="comma")] == [39.9, "01067", 1234.5, "1.234"]


def test_dates_of_another_form_are_read_only_where_that_was_said() -> None:
    text = "userId,born,seen,moved\n1,03/04/1990,3/4/2026 17:05,2026-01-02\n"
    assert cells(text) == [{"userId": "1", "born": "03/04/1990", "seen": "3/4/2026 17:05", "moved": "2026-01-02"}]
    for form, born, seen in (
        ("DD/MM/YYYY", "1990-04-03", "2026-04-03T17:05:00"),
        ("MM/DD/YYYY", "1990-03-04", "2026-03-04T17:05:00"),
    ):
        assert cells(text, dates=form) == [{"userId": "1", "born": born, "seen": seen, "moved": "2026-01-02"}]
    why = "born: is no date as MM/DD/YYYY, found '31/12/1990'"
    assert read("userId,born\n1,31/12/1990\n", cells=CellForms(dates="MM/DD/YYYY")) == [(2, why)]
    with pytest.raises(InvalidInput, match="is no form of dates"):
        CellForms(dates="day first")


def test_one_column_cannot_hold_texts_alone_and_numbers_alone() -> None:
    with pytest.raises(InvalidInput, match="zip cannot hold texts alone and numbers alone"):
        CellForms(texts=("zip",), numbers=("zip",))


# -- what a header names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Email", "E-Mail", " email ", "EMAIL", "e_mail", "Email Address", "E-Mail-Adresse", "\xa0email"]
)
def test_an_address_is_recognised_however_its_column_is_spelt(name: str) -> None:
    assert read(f"User ID,{name},First Name,Zip Code\n1,a@example.com,Ann,01067\n") == [
        (2, {"userId": "1", "email": "a@example.com", "first_name": "Ann", "Zip Code": "01067"})
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("userId,email,first_name,email", "the header names email twice"),
        ("userId,Email,e-mail", "the header names email twice, as Email and as e-mail"),
        ("userId,a, a ", "the header names a twice"),
        ('userId,"first\nname"', "the header, line 1: a quotation mark is not closed, or a name goes on"),
        ('userId,first"', "the header, line 1: a quotation mark is not closed, or a name goes on"),
        ("email", "the header lacks userId; it names email"),
        ("", "the file is empty"),
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_refused(header: str, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        read(f"{header}\n1,2,3,4\n" if header else "")


def test_a_column_that_was_said_has_to_be_there() -> None:
    with pytest.raises(UnreadableFile, match="the header lacks zipp; it names userId, zip"):
        cells("userId,zip\n1,2\n", texts=("zipp",))


def test_a_column_without_a_name_may_be_empty_and_drops_nothing() -> None:
    assert read("userId,,\n1,,\n2,x,\n") == [
        (2, {"userId": "1"}),
        (3, "column 2 holds something, and has no name in the header"),
    ]


# -- what breaks the form of a table -----------------------------------------------------------------------------------


def test_a_quotation_mark_that_is_never_closed_is_told_by_its_line_and_swallows_nobody() -> None:
    text = 'userId,email,first_name\nuq1,uq1@example.com,"Ann\nuq2,uq2@example.com,Bob\nuq3,uq3@example.com,Cy\n'
    assert read(text) == [
        (2, "the line is no CSV: a quotation mark is not closed"),
        (3, {"userId": "uq2", "email": "uq2@example.com", "first_name": "Bob"}),
        (4, {"userId": "uq3", "email": "uq3@example.com", "first_name": "Cy"}),
    ]


def test_a_mark_that_another_line_would_close_swallows_nobody() -> None:
    assert read('userId,name\n1,"Ann\n2,"Bob"\n3,Cy\n') == [
        (2, "the line is no CSV: a quotation mark is not closed"),
        (3, {"userId": "2", "name": "Bob"}),
        (4, {"userId": "3", "name": "Cy"}),
    ]


def test_marks_within_a_cell_come_in_pairs() -> None:
    within = "a quotation mark stands within a cell; put the cell in marks, and write the mark within it twice"
    assert read('userId,name\n1,Ann "Nan" Lee\n2,15" screen\n3,"Ann" Lee\n4,"Ann ""Nan"" Lee"\n') == [
        (2, {"userId": "1", "name": 'Ann "Nan" Lee'}),
        (3, "the line is no CSV: a quotation mark is not closed"),
        (4, f"the line is no CSV: {within}"),
        (5, {"userId": "4", "name": 'Ann "Nan" Lee'}),
    ]


def test_a_line_with_another_number_of_cells_is_an_error_and_shifts_nothing() -> None:
    assert read('userId,name,plan\n1,Ann,pro,x\n2,Bob\n3,Cy,free\n4,"two\nlines",a,b\n5,Di,\n') == [
        (2, "the line is no CSV: it has 4 cells, and the header names 3"),
        (3, "the line is no CSV: it has 2 cells, and the header names 3"),
        (4, {"userId": "3", "name": "Cy", "plan": "free"}),
        (5, "the line is no CSV: it has 4 cells, and the header names 3; it ends in line 6"),
        (7, {"userId": "5", "name": "Di"}),
    ]


def test_a_line_break_outside_of_marks_makes_nobody_of_half_a_line() -> None:
    assert read("userId,name,plan\n1,Ann\rLee,pro\n2,Bob,free\n") == [
        (2, "the line is no CSV: it has 2 cells, and the header names 3"),
        (3, "the line is no CSV: it has 2 cells, and the header names 3"),
        (4, {"userId": "2", "name": "Bob", "plan": "free"}),
    ]


# -- how a file is written ---------------------------------------------------------------------------------------------

TABLE = "userId,name\n1,Jürgen\n2,Zoë\n"
ROWS = [(2, {"userId": "1", "name": "Jürgen"}), (3, {"userId": "2", "name": "Zoë"})]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TABLE.encode(), "utf-8"),
        (TABLE.encode("utf-8-sig"), "utf-8"),
        (TABLE.encode("utf-16"), "utf-16-le"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "utf-16-be"),
        (TABLE.encode("cp1252"), "windows-1252"),
    ],
)
def test_an_encoding_is_recognised_and_said(data: bytes, encoding: str) -> None:
    assert (form_of(data).encoding, read(data)) == (encoding, ROWS)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_delimiters_are_recognised_and_said(end: str, mark: str, last: bool) -> None:
    text = TABLE.replace("\n", end).replace(",", mark)
    data = (text if last else text.removesuffix(end)).encode()
    form = form_of(data)
    ends, marks = file_form.LINE_ENDS[form.line_ends], file_form.DELIMITERS[form.delimiter or ""]
    assert (ends, marks, form.lines, form.records, read(data)) == (end, mark, 3, 2, ROWS)


def test_json_line_by_line_may_be_utf_16() -> None:
    assert read('{"userId": "Jürgen"}\n'.encode("utf-16"), "ndjson") == [(1, {"userId": "Jürgen"})]


def test_excel_says_what_stands_between_cells() -> None:
    assert read("sep=;\nuserId;a,b,c,d\n1;x\n") == [(3, {"userId": "1", "a,b,c,d": "x"})]
    with pytest.raises(UnreadableFile, match="the first line says that '~' stands between cells"):
        read("sep=~\nuserId~name\n")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"userId,name\n1,J\xc3\xbcrgen\n2,M\xfcller\n", "line 3 is not UTF-8, while other lines are"),
        (b"userId,name\n1,\x81\n", "line 2 is neither UTF-8 nor Windows-1252"),
        ("userId,name\n1,Иванов\n".encode("cp1251"), "line 2 is neither UTF-8 nor Windows-1252"),
        ("userId,name\n1,東京都\n".encode("cp932"), "line 2 is neither UTF-8 nor Windows-1252"),
        (TABLE.encode("utf-32"), "the file is UTF-32"),
        (b"PK\x03\x04xlsx", "the file is a workbook or an archive; save it as CSV"),
        (b"\x1f\x8bgz", "the file is compressed"),
        (TABLE.encode("utf-16")[:-1], "cannot be read as utf-16-le"),
    ],
)
def test_what_could_be_read_in_two_ways_is_told_and_not_guessed(data: bytes, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        form_of(data)


def test_an_encoding_that_was_said_holds() -> None:
    assert read("userId,name\n1,Иванов\n".encode("cp1251"), encoding="windows-1251") == [
        (2, {"userId": "1", "name": "Иванов"})
    ]
    with pytest.raises(UnreadableFile, match="line 2 or the one behind it cannot be read as utf-8"):
        form_of("userId,name\n1,Müller\n".encode("cp1252"), encoding="utf-8")


@pytest.mark.parametrize(("said", "path"), [({"encoding": "latin-x"}, "encoding"), ({"delimiter": "x"}, "delimiter")])
def test_a_form_that_does_not_exist_is_refused(said: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        FormRecognition("csv", **said)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [("a.csv", "", "csv"), ("a.TSV", "", "csv"), ("a.jsonl", "", "ndjson"), ("a.txt", '\ufeff{"a": 1}', "ndjson"),
     ("a.txt", "userId\tname", "csv"), ("a", "userId,name", "csv")],
)  # fmt: skip
def test_a_format_is_told_by_the_name_else_by_the_beginning(
    tmp_path: Path, name: str, content: str, format: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert csv_and_ndjson.format_of(path) == format
