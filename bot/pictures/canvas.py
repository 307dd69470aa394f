"""A sheet to draw on, in points; twice as many pixels, so that a telephone shows it sharp."""

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from bot.pictures.fonts import Typeface

SCALE = 2
Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom
Anchor = Literal["lm", "mm", "rm", "la", "ma", "ra"]  # as Pillow names them

INK, FAINT, LINE, PAPER = "#1f2937", "#6b7280", "#e5e7eb", "#ffffff"


class Canvas:
    def __init__(self, width: float, height: float, face: Typeface) -> None:
        self.width, self.height = width, height
        self._face = face
        self._fonts: dict[tuple[float, bool], ImageFont.FreeTypeFont] = {}
        self._image = Image.new("RGB", (round(width * SCALE), round(height * SCALE)), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def box(self, box: Box, fill: str, *, round_: float = 0.0, outline: str | None = None) -> None:
        scaled = [round(edge * SCALE) for edge in box]
        if scaled[2] > scaled[0] and scaled[3] > scaled[1]:
            # Pillow counts the last pixel in.
            scaled[2], scaled[3] = scaled[2] - 1, scaled[3] - 1
            self._draw.rounded_rectangle(scaled, round_ * SCALE, fill, outline, width=SCALE)

    def line(self, start: Point, end: Point, fill: str = LINE, width: float = 0.5) -> None:
        ends = [edge * SCALE for edge in (*start, *end)]
        self._draw.line(ends, fill, max(1, round(width * SCALE)))

    def dot(self, centre: Point, radius: float, fill: str) -> None:
        x, y = centre
        box = [
            (x - radius) * SCALE,
            (y - radius) * SCALE,
            (x + radius) * SCALE,
            (y + radius) * SCALE,
        ]
        self._draw.ellipse(box, fill)

    def text(
        self,
        at: Point,
        text: str,
        size: float = 14,
        *,
        fill: str = INK,
        bold: bool = False,
        anchor: Anchor = "lm",
        room: float | None = None,
    ) -> None:
        """Where `room` is too narrow the end is cut off, with an ellipsis in its place."""
        words = text if room is None else self.fitted(text, size, room, bold=bold)
        place = (at[0] * SCALE, at[1] * SCALE)
        self._draw.text(place, words, fill, self._font(size, bold), anchor=anchor)

    def length(self, text: str, size: float, *, bold: bool = False) -> float:
        return self._font(size, bold).getlength(text) / SCALE

    def fitted(self, text: str, size: float, room: float, *, bold: bool = False) -> str:
        if self.length(text, size, bold=bold) <= room:
            return text
        fitting, too_long = 0, len(text)
        while too_long - fitting > 1:
            middle = (fitting + too_long) // 2
            if self.length(text[:middle] + "…", size, bold=bold) <= room:
                fitting = middle
            else:
                too_long = middle
        return text[:fitting].rstrip() + "…" if fitting else ""

    def _font(self, size: float, bold: bool) -> ImageFont.FreeTypeFont:
        key = (size, bold)
        if key not in self._fonts:
            self._fonts[key] = self._face.at(size * SCALE, bold=bold)
        return self._fonts[key]

    def squares(self, rows: Sequence[Sequence[int]], box: Box, fill: str = INK) -> None:
        """Dark squares of a code, each a whole number of pixels, in the middle of the box."""
        many = len(rows)
        side = int(min(box[2] - box[0], box[3] - box[1]) * SCALE // many)
        left = round((box[0] + box[2]) * SCALE / 2 - side * many / 2)
        top = round((box[1] + box[3]) * SCALE / 2 - side * many / 2)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    corner = (left + x * side, top + y * side)
                    self._draw.rectangle(
                        [*corner, corner[0] + side - 1, corner[1] + side - 1], fill
                    )

    def png(self, *, dots_per_inch: int | None = None) -> bytes:
        kept = BytesIO()
        extra = {"dpi": (dots_per_inch, dots_per_inch)} if dots_per_inch else {}
        self._image.save(kept, "PNG", **extra)
        return kept.getvalue()
