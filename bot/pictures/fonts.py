"""Finds a typeface with Chinese characters on this machine; none is shipped, they are large.

Without one there are no pictures: the desk answers in text, and says what to install.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import ImageFont

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# By the beginning of the file's name, best to read first.
KNOWN = (
    "notosanscjk-regular",
    "notosanscjksc-regular",
    "notosanssc",
    "sourcehansanssc-regular",
    "sourcehansanscn-regular",
    "sourcehansans",
    "pingfang",
    "msyh",
    "hiragino sans gb",
    "wqy-microhei",
    "wqy-zenhei",
    "droidsansfallback",
    "simhei",
    "deng",
)
ENDINGS = frozenset({".ttf", ".ttc", ".otf"})
FACES = 12  # that a collection may hold
SIMPLIFIED = ("SC", "CN")
PROBE, NOTHING = "派单", "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Typeface:
    """A file and the face in it; the bold one stands beside it where there is one."""

    path: Path
    index: int = 0
    bold: Path | None = None

    def at(self, size: float, *, bold: bool = False) -> ImageFont.FreeTypeFont:
        file = self.bold if bold and self.bold else self.path
        return ImageFont.truetype(str(file), size, index=self.index)


@cache
def find(given: str = "", folders: Sequence[str] = FOLDERS) -> Typeface | None:
    """The named file, or the best of those installed; None where neither can write Chinese."""
    files = [Path(given)] if given else _best_first(_installed(folders))
    return next((face for file in files if (face := _opened(file)) is not None), None)


def _installed(folders: Sequence[str]) -> Iterator[Path]:
    for folder in folders:
        for place, _, names in os.walk(Path(folder).expanduser()):
            yield from (Path(place, name) for name in names if _ending(name) in ENDINGS)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _best_first(files: Iterator[Path]) -> list[Path]:
    ranked = [
        (rank, file)
        for file in files
        for rank, beginning in enumerate(KNOWN)
        if file.name.lower().startswith(beginning)
    ]
    return [file for _, file in sorted(ranked)]


def _opened(file: Path) -> Typeface | None:
    """The face for simplified characters, tried with two of them: a name alone promises nothing."""
    faces = list(_faces(file))
    simplified = [index for index, name in faces if any(word in name for word in SIMPLIFIED)]
    for index in (*simplified, *(index for index, _ in faces)):
        font = ImageFont.truetype(str(file), 24, index=index)
        if all(bytes(font.getmask(one)) != bytes(font.getmask(NOTHING)) for one in PROBE):
            return Typeface(file, index, _bold_beside(file))
    return None


def _faces(file: Path) -> Iterator[tuple[int, str]]:
    for index in range(FACES):
        try:
            font = ImageFont.truetype(str(file), 24, index=index)
        except OSError:
            return
        yield index, str(font.getname()[0] or "").replace("-", " ")


def _bold_beside(file: Path) -> Path | None:
    bold = file.with_name(file.name.replace("Regular", "Bold"))
    return bold if bold != file and bold.exists() else None
