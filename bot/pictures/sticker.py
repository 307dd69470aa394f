"""The sticker of a site, to be printed and put beside the counter: scanned, it is the arrival."""

import segno

from bot.pictures.canvas import FAINT, INK, Canvas
from bot.pictures.fonts import Typeface
from core.arriving import STICKER
from core.people import Site
from core.words import languages, say

WIDTH, HEIGHT = 525.0, 740.0  # A6, a postcard: a tenth of a millimetre is half a point
DPI = 254
SIDE, TOP = 380.0, 178.0


def link(bot: str, site: Site) -> str:
    return f"https://t.me/{bot}?start={STICKER}{site.code_on_site}"


def draw(bot: str, site: Site, face: Typeface) -> bytes:
    """In both languages: nobody knows who will stand before it."""
    canvas, middle = Canvas(WIDTH, HEIGHT, face), WIDTH / 2
    canvas.box((14, 14, WIDTH - 14, HEIGHT - 14), "#ffffff", round_=18, outline="#9ca3af")
    room = WIDTH - 70
    desk = " · ".join(_said("sticker.desk", language) for language in languages())
    canvas.text((middle, 62), site.name, 34, bold=True, anchor="mm", room=room)
    canvas.text((middle, 102), site.name_en or site.code, 20, anchor="mm", fill=FAINT, room=room)
    canvas.text((middle, 142), desk, 15, anchor="mm", fill=FAINT, room=room)
    # A quarter of it may be scratched or soiled.
    code = segno.make(link(bot, site), error="q", micro=False)
    box = ((WIDTH - SIDE) / 2, TOP, (WIDTH + SIDE) / 2, TOP + SIDE)
    canvas.squares([list(row) for row in code.matrix], box)
    below = TOP + SIDE + 30
    canvas.text((middle, below), _said("sticker.scan"), 19, bold=True, anchor="mm", room=room)
    english = _said("sticker.scan", "en")
    canvas.text((middle, below + 28), english, 15, anchor="mm", fill=FAINT, room=room)
    typed = f"{site.code}  ·  {site.code_on_site}"
    canvas.text((middle, HEIGHT - 44), typed, 13, anchor="mm", fill=INK, room=room)
    return canvas.png(dots_per_inch=DPI)


def _said(key: str, language: str = "zh_CN") -> str:
    return say(f"picture.{key}", {}, language=language)
