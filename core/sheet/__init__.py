"""The desk's own data as one sheet: sites, people, devices, rota, calendars, travel times.

A sheet comes as TOML or as a workbook with the same tables. It is read whole or refused with every
wrong cell at once (`read`), compared with what the desk holds (`plan`) and applied in one
transaction (`apply`). `from_desk` is the way back.
"""

from core.sheet.applying import Plan, apply, carry_out, from_desk, plan
from core.sheet.reading import gaps_ahead, read, read_calendars, read_toml
from core.sheet.values import BadSheet, Change, Leg, Row, Sheet, Tables
from core.sheet.writing import cells, write_toml

__all__ = [
    "BadSheet",
    "Change",
    "Leg",
    "Plan",
    "Row",
    "Sheet",
    "Tables",
    "apply",
    "carry_out",
    "cells",
    "from_desk",
    "gaps_ahead",
    "plan",
    "read",
    "read_calendars",
    "read_toml",
    "write_toml",
]
