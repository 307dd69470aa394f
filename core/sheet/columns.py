"""The tables and columns of the sheet, with what they are called in Chinese and in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Form(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    LIST = "list"
    NUMBER = "number"
    FLAG = "flag"
    DAY = "day"
    DAYS = "days"
    MOMENT = "moment"
    TABLE = "table"  # pairs of a date and hours


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    zh: str
    form: Form = Form.TEXT
    also: tuple[str, ...] = ()  # other headings that people use
    kept: bool = False  # the desk has no field for it: kept beside, and written back

    def is_called(self, heading: str) -> bool:
        names = (self.key, self.zh, *self.also)
        return plain(heading) in {plain(name) for name in names}


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    zh: str
    key: str  # the column that names a row; empty: rows have no name
    columns: tuple[Column, ...]
    also: tuple[str, ...] = ()

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)

    def called(self, heading: str) -> Column | None:
        return next((column for column in self.columns if column.is_called(heading)), None)

    def like(self, heading: str) -> str:
        """The column that was probably meant, as a half-sentence."""
        names = {plain(name): name for column in self.columns for name in (column.key, column.zh)}
        near = get_close_matches(plain(heading), names, n=1)
        return f"; is {names[near[0]]!r} meant?" if near else ""


def plain(heading: str) -> str:
    return "".join(heading.casefold().split()).replace("-", "_")


_LIST, _NUMBER, _FLAG, _DAY = Form.LIST, Form.NUMBER, Form.FLAG, Form.DAY

SITES = Table(
    "sites",
    "网点",
    "code",
    (
        Column("code", "编码", also=("网点编码", "site")),
        Column("name", "名称", also=("网点名称",)),
        Column("name_en", "英文名称", also=("english name",)),
        Column("city", "城市"),
        Column("city_en", "城市英文名", kept=True),
        Column("district", "区县"),
        Column("address", "地址"),
        Column("kind", "类型", also=("网点类型", "type")),
        Column("zone", "区域"),
        Column("calendar", "工作日历", kept=True),
        Column("hours", "营业时间", _LIST),
        Column("contact", "联系人"),
        Column("contact_phone", "联系电话"),
        Column("lat", "纬度", _NUMBER, ("latitude",)),
        Column("lon", "经度", _NUMBER, ("longitude",)),
        Column("aliases", "别名", _LIST),
        Column("preferred", "优先工程师", _LIST),
        Column("excluded", "排除工程师", _LIST),
        Column("needs_pass", "需要通行证", _FLAG),
        Column("code_on_site", "现场码"),
        Column("spoken_code", "到场口令"),
        Column("active", "启用", _FLAG, ("在用",)),
    ),
    ("site", "站点"),
)
PEOPLE = Table(
    "people",
    "人员",
    "id",
    (
        Column("id", "编码", also=("code", "工号", "人员编码")),
        Column("name", "姓名", also=("名称",)),
        Column("name_en", "英文名", also=("英文名称", "english name")),
        Column("roles", "角色", _LIST, ("role",)),
        Column("language", "语言"),
        Column("zone", "时区", also=("timezone", "time zone")),
        Column("phone", "手机", also=("电话", "手机号", "mobile")),
        Column("email", "邮箱", also=("mail", "e-mail", "电子邮箱")),
        Column("cities", "城市", _LIST, ("city",)),
        Column("sites", "负责网点", _LIST),
        Column("skills", "技能", _LIST, ("skill",)),
        Column("resident_at", "驻场网点"),
        Column("base", "常驻地", kept=True),
        Column("site", "所在网点", also=("网点",)),
        Column("capacity", "容量", _NUMBER, ("同时工单数",)),
        Column("hours", "值班时间", _LIST, ("duty",)),
        Column("on_call", "待命时间", _LIST),
        Column("backup_for", "后备对象", _LIST),
        Column("vip", "VIP", _FLAG),
        Column("nda_until", "保密协议有效期", _DAY, ("nda",)),
        Column("pass_until", "通行证有效期", _DAY),
        Column("active", "启用", _FLAG, ("在职",)),
    ),
    ("person", "员工"),
)
ASSETS = Table(
    "assets",
    "设备",
    "code",
    (
        Column("code", "编码", also=("资产编号", "设备编码")),
        Column("type", "类型", also=("kind", "设备类型")),
        Column("name", "名称"),
        Column("name_en", "英文名称", kept=True),
        Column("brand", "品牌", kept=True),
        Column("model", "型号", kept=True),
        Column("serial", "序列号", kept=True),
        Column("site", "网点", also=("所在网点",)),
        Column("user", "使用人", also=("person",)),
        Column("vendor", "供应商"),
        Column("warranty_until", "保修期至", _DAY, ("warranty",)),
        Column("vip", "VIP", _FLAG),
        Column("sticker", "标签码"),
    ),
    ("asset", "资产"),
)
ROTA = Table(
    "rota",
    "排班",
    "",
    (
        Column("person", "人员", also=("人员编码",)),
        Column("kind", "类型", also=("type",)),
        Column("from", "开始", Form.MOMENT, ("starts", "开始时间")),
        Column("until", "结束", Form.MOMENT, ("ends", "to", "结束时间")),
        Column("covers", "替班对象"),
        Column("site", "网点"),
        Column("city", "城市"),
        Column("note", "备注"),
    ),
    ("roster", "请假排班"),
)
CALENDARS = Table(
    "calendars",
    "日历",
    "code",
    (
        Column("code", "编码"),
        Column("name", "名称"),
        Column("name_en", "英文名称"),
        Column("timezone", "时区", also=("zone", "time zone")),
        Column("hours", "工作时间", _LIST),
        Column("holidays", "节假日"),
        Column("makeup_hours", "补班时间"),
        Column("extends", "基于"),
        Column("closed", "休息日期", Form.DAYS),
        Column("open", "加班日期", Form.DAYS),
        Column("special", "特殊时间", Form.TABLE),
    ),
    ("calendar", "工作日历"),
)
TRAVEL = Table(
    "travel",
    "路程",
    "",
    (
        Column("from", "起点", also=("origin",)),
        Column("to", "终点", also=("target",)),
        Column("minutes", "分钟", _NUMBER),
    ),
    ("路程时间",),
)
TABLES: Mapping[str, Table] = {
    table.name: table for table in (SITES, PEOPLE, ASSETS, ROTA, CALENDARS, TRAVEL)
}
IGNORED = frozenset({"simulation"})  # stands in the same file and is read by `paidan simulate`


def table_called(title: str) -> Table | None:
    return next(
        (
            table
            for table in TABLES.values()
            if plain(title) in {plain(name) for name in (table.name, table.zh, *table.also)}
        ),
        None,
    )
