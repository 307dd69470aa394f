"""The whole queue on one sheet: by deadline, with who, where, state and minutes left."""

from datetime import datetime, timedelta
from typing import NamedTuple

from bot.pictures.canvas import FAINT, INK, Anchor, Canvas
from bot.pictures.fonts import Typeface
from core.overviews import Queue, QueueRow
from core.words import brought, say

MARGIN, HEAD, ROW, FOOT = 16.0, 76.0, 27.0, 34.0
SOON = timedelta(minutes=30)
LATE, NEAR, CALM, UNTIMED = "#dc2626", "#f59e0b", "#22c55e", "#9ca3af"
PRIORITIES = {"P1": "#dc2626", "P2": "#ea580c", "P3": "#2563eb", "P4": "#6b7280"}
STRIPE, TINT = "#f9fafb", "#fef2f2"


class Column(NamedTuple):
    key: str
    width: float
    anchor: Anchor = "lm"


COLUMNS = (
    Column("number", 76),
    Column("priority", 40, "mm"),
    Column("left", 92, "rm"),
    Column("status", 128),
    Column("site", 164),
    Column("engineer", 104),
    Column("symptom", 280),
)
DOT = 20.0
WIDTH = 2 * MARGIN + DOT + sum(column.width + 10 for column in COLUMNS)


def draw(queue: Queue, face: Typeface) -> bytes:
    canvas = Canvas(WIDTH, HEAD + ROW * len(queue.rows) + FOOT, face)
    _head(canvas, queue)
    for place, row in enumerate(queue.rows):
        _row(canvas, queue, row, HEAD + ROW * place, striped=place % 2 == 1)
    _foot(canvas, queue)
    return canvas.png()


def _words(queue: Queue, key: str, **slots: object) -> str:
    return say(f"picture.{key}", slots, language=queue.language, zone=queue.zone)


def _head(canvas: Canvas, queue: Queue) -> None:
    title = _words(queue, "queue.title", many=str(queue.many), late=str(queue.late))
    canvas.text((MARGIN, 28), title, 20, bold=True)
    drawn = _words(queue, "drawn", at=queue.now.isoformat())
    canvas.text((WIDTH - MARGIN, 28), drawn, 11, fill=FAINT, anchor="rm")
    for column, left in _places():
        at = (_x(column, left), HEAD - 12)
        canvas.text(at, _words(queue, f"column.{column.key}"), 11, fill=FAINT, anchor=column.anchor)
    canvas.line((MARGIN, HEAD - 1), (WIDTH - MARGIN, HEAD - 1), "#cbd5e1", 1)


def _places() -> list[tuple[Column, float]]:
    found, left = [], MARGIN + DOT
    for column in COLUMNS:
        found.append((column, left))
        left += column.width + 10
    return found


def _x(column: Column, left: float) -> float:
    return {"lm": left, "mm": left + column.width / 2, "rm": left + column.width}[column.anchor]


def _row(canvas: Canvas, queue: Queue, row: QueueRow, top: float, *, striped: bool) -> None:
    late = row.due is not None and row.due < queue.now
    if late or striped:
        canvas.box((MARGIN, top, WIDTH - MARGIN, top + ROW), TINT if late else STRIPE)
    middle = top + ROW / 2
    canvas.dot((MARGIN + DOT / 2 - 2, middle), 5, _mark(row.due, queue.now))
    for column, left in _places():
        canvas.text(
            (_x(column, left), middle),
            _cell(queue, row, column.key),
            13,
            fill=_shade(column.key, row, late=late),
            bold=column.key in {"number", "priority"} or row.emergency,
            anchor=column.anchor,
            room=column.width,
        )


def _cell(queue: Queue, row: QueueRow, key: str) -> str:
    match key:
        case "left":
            return _left(queue, row.due)
        case "status":
            return say(f"term.status.{row.status}", {}, language=queue.language)
        case "number":
            return row.number + ("★" if row.vip else "")
        case "symptom":
            # Typefaces for text have no emoji.
            said = brought(row.symptom, queue.language)
            return "".join(sign for sign in said if sign <= "\uffff")
        case _:
            return str(getattr(row, key)) or "–"


def _shade(key: str, row: QueueRow, *, late: bool) -> str:
    if key == "priority":
        return PRIORITIES.get(row.priority, INK)
    if key == "left" and late:
        return LATE
    return FAINT if key == "symptom" and not row.emergency else INK


def _left(queue: Queue, due: datetime | None) -> str:
    if due is None:
        return "–"
    minutes = int(abs(due - queue.now) / timedelta(minutes=1))
    hours = f"{minutes // 60}:{minutes % 60:02}" if minutes >= 60 else str(minutes)
    if due < queue.now:
        return _words(queue, "late", time=hours)
    return hours if minutes >= 60 else _words(queue, "minutes", time=hours)


def _mark(due: datetime | None, now: datetime) -> str:
    if due is None:
        return UNTIMED
    if due < now:
        return LATE
    return NEAR if due - now < SOON else CALM


def _foot(canvas: Canvas, queue: Queue) -> None:
    more = queue.many - len(queue.rows)
    if more > 0:
        told = _words(queue, "more", many=str(more))
        canvas.text((WIDTH / 2, canvas.height - FOOT / 2), told, 12, fill=FAINT, anchor="mm")
