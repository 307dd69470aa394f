"""`paidan.toml`: typed, loaded once, and refused with the line that is wrong."""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

SHORTEST_SECRET = 16  # characters
TOKEN = 22  # characters: 128 bits in base64
PREFIX = "PAIDAN_"  # PAIDAN_TELEGRAM__TOKEN stands for token in [telegram]
DEFAULT_FILE = Path("paidan.toml")


SAID = {  # where the library says it for programmers
    "extra_forbidden": "there is no such setting",
    "missing": "is missing",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}


def _web(address: str) -> str:
    if address and not re.match(r"https?://[^/\s]", address):
        raise ValueError("must start with http:// or https://")
    return address


Web = Annotated[str, AfterValidator(_web)]
"""An address on the web, or nothing."""


class WrongSettings(Exception):
    """What is wrong, one sentence for each; the program does not start."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Telegram(_Section):
    token: SecretStr
    base_url: Web = ""  # of a Bot API server of your own; empty: Telegram's
    proxy: str = ""  # http://… or socks5://…
    webhook_url: Web = ""  # empty: long polling, which needs no address of ours
    webhook_secret: SecretStr = SecretStr("")

    @field_validator("token")
    @classmethod
    def _whole(cls, token: SecretStr) -> SecretStr:
        """Half a token would start a desk that can never speak."""
        if not re.fullmatch(r"\d+:\S+", token.get_secret_value()):
            raise ValueError("must look like 123456:ABC…, as @BotFather gave it")
        return token

    @field_validator("proxy")
    @classmethod
    def _carries(cls, proxy: str) -> str:
        if proxy and not re.match(r"(https?|socks5h?)://[^/\s]", proxy):
            raise ValueError("must start with http:// or socks5://")
        return proxy

    @model_validator(mode="after")
    def _proven(self) -> Self:
        """Without a secret anybody could post updates in Telegram's name."""
        if self.webhook_url and len(self.webhook_secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"webhook_url needs a webhook_secret of {SHORTEST_SECRET} characters")
        return self


class Http(_Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: Web = ""  # how the world reaches us; gateways sign it and report to it


SmsKind = Literal["kannel", "smsgate", "twilio", "vonage", "aliyun", "tencent", "huawei", "generic"]


class Sms(_Section):
    """One gateway. What a name stands for at each provider: docs/settings.md."""

    name: str
    kind: SmsKind
    token: SecretStr  # in the path of its hook
    allow: tuple[str, ...] = ()  # networks that may call; empty: any
    rate: float = Field(default=300.0, gt=0)  # calls a second
    prefixes: tuple[str, ...] = ()  # of numbers that leave by it, such as +86; empty: any
    url: Web = ""  # empty: the provider's own
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    signing_secret: SecretStr = SecretStr("")
    app_id: str = ""
    signature: str = ""
    hotline: str = ""
    templates: dict[str, str] = {}
    quiet_hours: float = Field(default=0, ge=0)  # 0: silence is no alarm

    @field_validator("name")
    @classmethod
    def _fits_a_path(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9-]{1,32}", name):
            raise ValueError("must have 1 to 32 small letters, digits and hyphens")
        return name

    @field_validator("token")
    @classmethod
    def _cannot_be_guessed(cls, token: SecretStr) -> SecretStr:
        if len(token.get_secret_value()) < TOKEN:
            raise ValueError(f"must have at least {TOKEN} characters")
        return token

    @field_validator("prefixes")
    @classmethod
    def _international(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            if not re.fullmatch(r"\+[1-9]\d*", prefix):
                raise ValueError(f"{prefix!r} is no beginning of a number, such as +86")
        return prefixes

    @field_validator("allow")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network, strict=False)
        return networks


class Mailbox(_Section):
    """One mailbox to read: channels/mail/settings.py says the rest."""

    address: str
    host: str
    port: int = Field(default=993, ge=1, le=65535)
    user: str = ""  # empty: the address
    password: SecretStr = SecretStr("")  # or a provider's authorisation code
    token_path: str = ""  # a file that another program keeps filled with a fresh OAuth 2 token
    folder: str = "INBOX"
    processed: str = ""  # where stored mail is moved; empty: it becomes read
    history_from: date | None = None
    tls: bool = True
    cafile: str = ""
    size_limit: int = Field(default=40_000_000, ge=100_000)


class Smtp(_Section):
    """The account that mail leaves by."""

    address: str
    host: str
    port: int = Field(default=465, ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    user: str = ""
    password: SecretStr = SecretStr("")
    token_path: str = ""
    sender_name: str = "IT 服务台"
    plus: bool = True  # desk+anything@… is delivered to desk@…
    cafile: str = ""
    at_once: int = Field(default=2, ge=1, le=50)
    per_domain: int = Field(default=60, ge=1)
    attachments_limit: int = Field(default=15_000_000, ge=0)
    final_answer: float = Field(default=600, gt=0)


class Mail(_Section):
    mailboxes: tuple[Mailbox, ...] = Field(min_length=1)
    smtp: Smtp
    trusted: tuple[str, ...] = ()  # names that our own mail servers write into their verdicts
    answers_per_hour: int = Field(default=5, ge=0)  # automatic ones to one sender
    held_above: int = Field(default=20, ge=1)  # mails from one sender within an hour
    storm: int = Field(default=200, ge=1)  # automatic answers of the desk within ten minutes


class DeskSection(_Section):
    zone: str = "Asia/Shanghai"
    settle_seconds: int = Field(default=45, ge=0, le=600)
    survey_hour: int = Field(default=10, ge=0, le=23)
    sure: float = Field(default=0.6, ge=0, le=1)
    claims_need_approval: bool = False  # a late entry counts once a supervisor accepts it
    plan_by_itself: bool = False  # the planner's proposals are used without a press
    font: str = ""  # a file with Chinese characters, for pictures; empty: the best on the machine

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as fault:
            raise ValueError(f"there is no time zone {name!r}") from fault
        return name


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: bool = False


class Settings(_Section):
    """The program's own settings; the desk's data lives in the database."""

    database: str = "sqlite:///data/paidan.db"
    files: str = "data/files"
    key: SecretStr = SecretStr("")  # signs buttons and links; empty: made and kept in the database
    telegram: Telegram | None = None
    mail: Mail | None = None
    sms: tuple[Sms, ...] = ()
    http: Http = Http()
    desk: DeskSection = DeskSection()
    log: Log = Log()

    @field_validator("database")
    @classmethod
    def _database(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return url


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file and the environment. Raises WrongSettings."""
    file = path or DEFAULT_FILE
    text = file.read_text("utf-8") if file.exists() else ""
    if path is not None and not file.exists():
        raise WrongSettings([f"{file}: there is no such file"])
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise WrongSettings([f"{file}: {fault}"]) from fault
    values = _with_files(values, file.parent)
    _with_environment(values, environ)
    try:
        return Settings.model_validate(values)
    except ValidationError as fault:
        raise WrongSettings(list(_problems(fault, text, file, environ))) from fault


def _with_files(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`token_file = "…"` reads the secret from a file of its own."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found[name] = _with_files(value, folder)
        elif isinstance(value, list) and all(isinstance(one, dict) for one in value):
            found[name] = [_with_files(one, folder) for one in value]
        elif name.endswith("_file"):
            found[name.removesuffix("_file")] = _secret(folder / str(value))
        else:
            found[name] = value
    return found


def _secret(file: Path) -> str:
    if not file.exists():
        raise WrongSettings([f"there is no file {file}"])
    return file.read_text("utf-8").strip()


def _with_environment(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        *sections, last = name.removeprefix(PREFIX).lower().split("__")
        if not sections and last not in Settings.model_fields:
            continue  # such as PAIDAN_CRASH_AT, which is none of ours
        place = _section(values, sections)
        if place is None:
            raise WrongSettings([f"{name}: there is no such section"])
        if last.endswith("_file"):
            place[last.removesuffix("_file")] = _secret(Path(value))
        else:
            place[last] = _list_or_text(value)


def _section(values: dict[str, Any], path: list[str]) -> dict[str, Any] | None:
    """PAIDAN_SMS__0__PASSWORD belongs to the first [[sms]], which the file must hold."""
    place: Any = values
    for name in path:
        if isinstance(place, dict):
            place = place.setdefault(name, {})
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    return place if isinstance(place, dict) else None


def _list_or_text(value: str) -> Any:
    """A list is written as in the file: ["mx.example.com"]."""
    if not value.startswith("["):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value  # a password may begin with any character


def _problems(
    fault: ValidationError, text: str, file: Path, environ: Mapping[str, str]
) -> Iterator[str]:
    for error in fault.errors():
        keys = [str(part) for part in error["loc"]]
        line, variable = _line_of(keys, text), PREFIX + "__".join(keys).upper()
        where = f"{file}, line {line}" if line else str(file)
        where = next((name for name in (variable, f"{variable}_FILE") if name in environ), where)
        said = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        said = SAID.get(error["type"], said)
        yield f"{where}: {'.'.join(keys)}: {said}"


def _line_of(keys: list[str], text: str) -> int | None:
    """The line that sets the key, or else the head of its section."""
    section, head = "", None
    wanted = ".".join(keys[:-1])
    seen: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*(\[+)([^\]]+)\]+", line):
            section = found[2].strip()
            if len(found[1]) > 1:  # sections of one name are told apart by their place
                section, _ = f"{section}.{seen[section]}", seen.update([section])
            if section in {wanted, ".".join(keys)}:
                head = number
        elif section == wanted and re.match(rf"\s*{re.escape(keys[-1])}(_file)?\s*=", line):
            return number
    return head
