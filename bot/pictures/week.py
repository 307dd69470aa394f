"""A week of the rota: a row for each person, a column for each day, and where nobody is."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.pictures.canvas import FAINT, INK, Canvas
from bot.pictures.fonts import Typeface
from core.dispatch.rota import Bar, Gap, Kind
from core.overviews import DutyRow, DutyWeek
from core.words import say

DAYS, DAY = 7, timedelta(days=1)
MARGIN, NAMES, COLUMN, HEAD, ROW = 16.0, 150.0, 124.0, 86.0, 30.0
WIDTH = 2 * MARGIN + NAMES + DAYS * COLUMN
SHADES = {
    Kind.SHIFT: ("#3b82f6", "#ffffff"),
    Kind.ON_CALL: ("#c7dbfb", "#1e3a8a"),
    Kind.COVER: ("#8b5cf6", "#ffffff"),
    Kind.LEAVE: ("#d1d5db", "#4b5563"),
    "busy": ("#f59e0b", "#ffffff"),
    "gap": ("#ef4444", "#ffffff"),
}
CLOSED, STRIPE, NOW = "#f3f0e8", "#f9fafb", "#dc2626"


def draw(week: DutyWeek, face: Typeface) -> bytes:
    gaps = sorted({place for place, _ in week.gaps})
    height = HEAD + ROW * (len(week.rows) + len(gaps)) + 2 * MARGIN + 26
    return _Week(week, Canvas(WIDTH, height, face), gaps).drawn()


class _Week:
    def __init__(self, week: DutyWeek, canvas: Canvas, gaps: list[str]) -> None:
        self.week, self.canvas, self.gaps = week, canvas, gaps
        self.zone = ZoneInfo(week.zone)
        self.bottom = HEAD + ROW * (len(week.rows) + len(gaps))

    def drawn(self) -> bytes:
        self.days()
        for place, row in enumerate(self.week.rows):
            self.person(HEAD + ROW * place, row, striped=place % 2 == 1)
        for place, site in enumerate(self.gaps, start=len(self.week.rows)):
            self.empty_site(HEAD + ROW * place, site)
        self.grid()
        self.legend()
        return self.canvas.png()

    def words(self, key: str, **slots: object) -> str:
        return say(f"picture.{key}", slots, language=self.week.language)

    def x(self, moment: datetime) -> float:
        """Columns are days as the wall clock counts them: each has 24 hours here."""
        local = moment.astimezone(self.zone)
        days = (local.date() - self.week.first).days
        hours = local.hour + local.minute / 60
        return MARGIN + NAMES + COLUMN * (days + hours / 24)

    def days(self) -> None:
        last = self.week.first + 6 * DAY
        title = self.words("week.title", first=_day(self.week.first), last=_day(last))
        self.canvas.text((MARGIN, MARGIN + 12), title, 20, bold=True)
        for n in range(DAYS):
            day = self.week.first + n * DAY
            left = MARGIN + NAMES + COLUMN * n
            if day in self.week.closed:
                self.canvas.box((left, HEAD - 36, left + COLUMN, self.bottom), CLOSED)
            today = day == self.week.now.astimezone(self.zone).date()
            name = f"{self.words(f'day.{day.isoweekday()}')} {_day(day)}"
            shade = NOW if today else INK
            middle = (left + COLUMN / 2, HEAD - 24)
            self.canvas.text(middle, name, 13, bold=today, fill=shade, anchor="mm")
            for hour in (6, 12, 18):
                x = left + COLUMN * hour / 24
                self.canvas.text((x, HEAD - 8), str(hour), 9, fill=FAINT, anchor="mm")

    def person(self, top: float, row: DutyRow, *, striped: bool) -> None:
        if striped:
            self.canvas.box((MARGIN, top, MARGIN + NAMES, top + ROW), STRIPE)
        self.name(top, row.name, say_role(row.role, self.week.language))
        on_top = sorted(row.bars, key=lambda bar: bar.kind == "busy")
        for bar in on_top:
            self.bar(top, bar)

    def name(self, top: float, name: str, beneath: str) -> None:
        middle = top + ROW / 2
        room = NAMES - 10
        self.canvas.text((MARGIN + 4, middle - 6), name, 13, bold=True, room=room)
        self.canvas.text((MARGIN + 4, middle + 8), beneath, 9.5, fill=FAINT, room=room)

    def bar(self, top: float, bar: Bar) -> None:
        left, right = self.x(bar.starts), self.ends(bar)
        fill, ink = SHADES[bar.kind]
        if bar.kind == "busy":
            self.canvas.box(
                (left, top + ROW - 9, max(right, left + 3), top + ROW - 4), fill, round_=2
            )
            return
        self.canvas.box((left + 0.5, top + 4, right - 0.5, top + ROW - 4), fill, round_=3)
        told = self.words("leave") if bar.kind == Kind.LEAVE else self.hours(bar)
        self.inside(left, right, top, told, ink)

    def inside(self, left: float, right: float, top: float, told: str, ink: str) -> None:
        """In the middle of a bar, as large as fits; a short bar says nothing."""
        for size in (10.5, 9.5, 8.5, 7.5):
            if self.canvas.length(told, size) <= right - left - 3:
                middle = ((left + right) / 2, top + ROW / 2)
                self.canvas.text(middle, told, size, fill=ink, anchor="mm")
                return

    def ends(self, bar: Bar) -> float:
        """Midnight belongs to the day that ends with it."""
        local = bar.ends.astimezone(self.zone)
        if local.time() == time() and bar.ends > bar.starts:
            return self.x(bar.ends - timedelta(minutes=1)) + COLUMN / 24 / 60
        return self.x(bar.ends)

    def hours(self, bar: Bar | Gap) -> str:
        starts, ends = (m.astimezone(self.zone) for m in (bar.starts, bar.ends))
        over = "24" if ends.time() == time() else _hour(ends)
        return f"{_hour(starts)}–{over}"

    def empty_site(self, top: float, site: str) -> None:
        self.name(top, site, self.words("gap"))
        fill, ink = SHADES["gap"]
        for place, gap in self.week.gaps:
            if place == site:
                left, right = self.x(gap.starts), self.x(gap.ends)
                self.canvas.box((left, top + 4, right, top + ROW - 4), fill, round_=3)
                self.inside(left, right, top, self.hours(gap), ink)

    def grid(self) -> None:
        right = MARGIN + NAMES + DAYS * COLUMN
        many = len(self.week.rows) + len(self.gaps)
        for n in range(many + 1):
            y = HEAD + ROW * n
            self.canvas.line((MARGIN, y), (right, y))
        for n in range(DAYS + 1):
            x = MARGIN + NAMES + COLUMN * n
            self.canvas.line((x, HEAD - 36), (x, self.bottom), "#cbd5e1", 0.5)
        if 0 <= (self.week.now.astimezone(self.zone).date() - self.week.first).days < DAYS:
            x = self.x(self.week.now)
            self.canvas.line((x, HEAD - 2), (x, self.bottom), NOW, 1)

    def legend(self) -> None:
        x, y = MARGIN + 4, self.bottom + MARGIN + 8
        kinds = {bar.kind for row in self.week.rows for bar in row.bars}
        for kind, (fill, _) in SHADES.items():
            if kind not in kinds and not (kind == "gap" and self.gaps):
                continue
            told = self.words(f"kind.{kind}")
            self.canvas.box((x, y - 6, x + 18, y + 6), fill, round_=3)
            self.canvas.text((x + 24, y), told, 11, fill=FAINT)
            x += 24 + self.canvas.length(told, 11) + 20
        drawn = self.words("drawn", at=self.week.now.isoformat())
        self.canvas.text((WIDTH - MARGIN, y), drawn, 11, fill=FAINT, anchor="rm")


def say_role(role: str, language: str) -> str:
    return say(f"term.role.{role}", {}, language=language)


def _day(day: date) -> str:
    return f"{day:%m-%d}"


def _hour(moment: datetime) -> str:
    return f"{moment.hour}:{moment.minute:02}" if moment.minute else str(moment.hour)
