"""The sheet as a workbook: one table on each page, its columns found by their headings."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

from core.sheet.columns import TABLES, Column, Form, Table, table_called
from core.sheet.reading import read
from core.sheet.values import BadSheet, Row, Sheet, Tables
from core.sheet.writing import cells

LARGEST_ROW = 100_000
WIDTHS = (8, 40)  # of a column, in characters
TEXT_FORMAT, DAY_FORMAT, MOMENT_FORMAT = "@", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def read_xlsx(data: bytes, now: datetime) -> Sheet:
    """Raises BadSheet, in which every wrong cell is called as people!C7."""
    return read(tables_of(data), now)


def tables_of(data: bytes) -> Tables:
    """The pages as tables of cells. Pages that are none of ours are notes of somebody's."""
    # openpyxl takes a fifth of a second to import, and few commands meet a workbook.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
        pages = {page.title: list(_rows(page)) for page in book.worksheets}
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as fault:
        raise BadSheet([f"this is no workbook: {fault}"]) from fault
    problems: list[str] = []
    tables: dict[str, list[Row]] = {}
    for title, rows in pages.items():
        table = table_called(title)
        if table is None:
            continue
        if table.name in tables:
            problems.append(f"{title}: the table {table.name} has a page already")
            continue
        tables[table.name] = list(_table(table, title, rows, problems))
    if problems:
        raise BadSheet(problems)
    return tables


def _rows(page: Any) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(page.iter_rows(values_only=True), start=1):
        if number > LARGEST_ROW:
            raise BadSheet([f"{page.title}: has more than {LARGEST_ROW} rows"])
        yield row


def _table(
    table: Table, title: str, rows: list[tuple[Any, ...]], problems: list[str]
) -> Iterator[Row]:
    places = _places(table, title, rows[0] if rows else (), problems)
    for number, values in enumerate(rows[1:], start=2):
        found = {key: values[at] for key, at in places.items() if at < len(values)}
        given = {key: value for key, value in found.items() if value not in (None, "")}
        if given:
            yield Row(given, _where(title, number, places))


def _places(
    table: Table, title: str, headings: tuple[Any, ...], problems: list[str]
) -> Mapping[str, int]:
    places: dict[str, int] = {}
    for at, heading in enumerate(headings):
        if heading in (None, ""):
            continue
        column = table.called(str(heading))
        cell = f"{title}!{_letter(at)}1"
        if column is None:
            problems.append(f"{cell}: there is no column {heading!r}{table.like(str(heading))}")
        elif column.key in places:
            problems.append(f"{cell}: {column.key} has a column already")
        else:
            places[column.key] = at
    return places


def _where(title: str, number: int, places: Mapping[str, int]) -> Any:
    def where(key: str) -> str:
        if key in places:
            return f"{title}!{_letter(places[key])}{number}"
        return f"{title}!{number} ({key})"

    return where


def _letter(at: int) -> str:
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


# -- writing


def write_xlsx(sheet: Sheet) -> bytes:
    """A workbook with Chinese headings, which stay in view."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in cells(sheet).items():
        table = TABLES[name]
        page = book.create_sheet(table.zh)
        page.freeze_panes = "A2"
        for at, column in enumerate(table.columns, start=1):
            _put(page.cell(1, at), column.zh, Form.TEXT)
            width = len(column.zh) * 2 + 2
            for number, row in enumerate(rows, start=2):
                value = _written(row.get(column.key), column)
                if value is not None:
                    _put(page.cell(number, at), value, column.form)
                    width = max(width, _width(value))
            page.column_dimensions[_letter(at - 1)].width = min(max(width, WIDTHS[0]), WIDTHS[1])
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def _put(cell: Any, value: Any, form: Form) -> None:
    cell.value = value
    if isinstance(value, str):
        # A text stays one, also where it looks like a formula or a number.
        cell.data_type = "s"
        cell.number_format = TEXT_FORMAT
    elif form is Form.MOMENT:
        cell.number_format = MOMENT_FORMAT
    elif form is Form.DAY:
        cell.number_format = DAY_FORMAT


def _written(value: Any, column: Column) -> Any:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return "\n".join(f"{day} {hours}" for day, hours in value.items())
    if isinstance(value, list):
        return _lines([str(item) for item in value])
    return value


def _lines(items: list[str]) -> str:
    """One to a line. A single one that holds a separator is marked as whole by its line's end."""
    single = len(items) == 1 and any(sign in items[0] for sign in ";；,，、")
    return f"{items[0]}\n" if single else "\n".join(items)


def _width(value: Any) -> int:
    if isinstance(value, date):
        return 17
    lines = str(value).split("\n")
    return max(sum(2 if sign > "\u2e7f" else 1 for sign in line) for line in lines) + 2
