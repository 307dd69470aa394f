"""What a gateway's web hook sent, in a form that can be stored and read again later."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from urllib.parse import unquote_to_bytes
from zoneinfo import ZoneInfo

import httpx

from channels.sms import numbers
from core.messages import File, Inbound, Receipt, Report

CHINA = ZoneInfo("Asia/Shanghai")
MAX_ELEMENTS = 500  # no gateway batches more than 100


class Forged(Exception):
    """The call does not prove where it comes from, or is too old to be believed."""


class Malformed(Exception):
    """No such call is documented: nothing in it can be stored piece by piece."""


class Unreadable(Exception):
    """One element that means nothing to us. It is kept with its bytes and a person looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    method: str
    url: str = ""  # as the provider knows it, since some sign it
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider takes for "got it", the first time and every other time."""

    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A reviewed template with its variables."""

    template: str  # the carrier's id for it
    signature: str  # without brackets
    values: tuple[tuple[str, str], ...]  # in the order of the text
    text: str  # as the phone will show it, without the signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One text on its way to one number. Clouds send `filled`, SIM gateways `text`."""

    reference: str
    to: str
    text: str = ""
    filled: Filled | None = None
    attempts: int = 0


class Gateway(Protocol):
    """A provider with its account. All of it is pure; `hook` and `sender` do the rest."""

    @property
    def name(self) -> str: ...

    @property
    def methods(self) -> frozenset[str]: ...

    @property
    def limit(self) -> int: ...

    @property
    def answer(self) -> Answer: ...

    @property
    def templates_only(self) -> bool: ...

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        """Raises Forged. Works on the raw bytes, before anything is parsed from them."""

    def split(self, request: HookRequest) -> list[HookRequest]:
        """One request per element, each of which can be stored alone. Raises Malformed."""

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        """Everything in the call that is news. Never raises for what came over the wire."""

    def build(self, sms: Sms, now: datetime) -> httpx.Request: ...

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        """Raises Undeliverable or Unclear."""


# --- the stored form -------------------------------------------------------------------------

KEPT_HEADERS = ("content-type", "webhook-id", "webhook-timestamp")


def freeze(gateway: str, request: HookRequest) -> bytes:
    """One element as a row of the inbox: what `thaw` needs, no address, token or signature."""
    try:
        body, coding = request.body.decode(), "utf-8"
    except UnicodeDecodeError:
        body, coding = base64.b64encode(request.body).decode(), "base64"
    stored = {
        "gateway": gateway,
        "method": request.method,
        "query": request.query,
        "headers": {name: value for name, value in request.headers.items() if name in KEPT_HEADERS},
        "coding": coding,
        "body": body,
        "received_at": request.received_at.isoformat(),
    }
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()


def thaw(raw: bytes) -> tuple[str, HookRequest]:
    try:
        stored = json.loads(raw)
        body = stored["body"]
        request = HookRequest(
            method=stored["method"],
            query=stored["query"],
            headers=stored["headers"],
            body=base64.b64decode(body) if stored["coding"] == "base64" else body.encode(),
            received_at=datetime.fromisoformat(stored["received_at"]),
        )
        return stored["gateway"], request
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise Unreadable("no stored hook") from broken


# --- bytes to values -------------------------------------------------------------------------


def decode(raw: bytes, charset: str = "") -> str:
    """Text by its declared charset, else UTF-8, else GB18030, which older platforms still push."""
    for name in filter(None, (charset, "utf-8", "gb18030")):
        try:
            return clean(raw.decode(name))
        except (UnicodeDecodeError, LookupError):
            continue
    return clean(raw.decode("utf-8", "replace"))


def clean(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which neither database can store."""
    if text.isascii():
        return text.replace("\x00", "")
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\x00", "")


def charset_of(request: HookRequest) -> str:
    declared = request.headers.get("content-type", "").lower().partition("charset=")[2]
    return declared.split(";")[0].strip(" \"'")


def raw_pairs(encoded: str | bytes) -> dict[str, bytes]:
    """A form or query, decoded to bytes. A field that comes twice could mean two things."""
    text = encoded.decode("latin-1") if isinstance(encoded, bytes) else encoded
    fields: dict[str, bytes] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        key = decode(_unquote(name))
        if key in fields:
            raise Malformed(f"{key} comes twice")
        fields[key] = _unquote(value)
    return fields


def _unquote(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1", "replace"))


def form(request: HookRequest) -> dict[str, str]:
    """The fields of the query and of a form body. Raises Malformed."""
    charset = charset_of(request)
    fields = raw_pairs(request.query)
    if not is_json(request):
        for key, value in raw_pairs(request.body).items():
            if key in fields:
                raise Malformed(f"{key} comes twice")
            fields[key] = value
    return {key: decode(value, charset) for key, value in fields.items()}


def is_json(request: HookRequest) -> bool:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def load_json(request: HookRequest) -> object:
    """The body as JSON, where a key that comes twice is refused. Raises Malformed."""
    try:
        return json.loads(
            decode(request.body, charset_of(request)),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as broken:
        raise Malformed("no JSON") from broken


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key comes twice")
    return fields


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def split_json(request: HookRequest) -> list[HookRequest]:
    """One request per element of an array; an object alone counts as one."""
    value = load_json(request)
    elements = value if isinstance(value, list) else [value]
    if len(elements) > MAX_ELEMENTS:
        raise Malformed(f"{len(elements)} elements")
    headers = {**request.headers, "content-type": "application/json"}
    return [
        replace(request, headers=headers, body=clean(json.dumps(one, ensure_ascii=False)).encode())
        for one in elements
    ]


def fields_of(value: object) -> dict[str, str]:
    """A JSON object whose ids may be text or numbers. Raises Unreadable for anything else."""
    if not isinstance(value, dict):
        raise Unreadable(f"a {type(value).__name__} where an object belongs")
    return {str(key): text_of(field) for key, field in value.items()}


def text_of(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return clean(value)
        case int() | float():
            return str(value)
        case _:
            return clean(json.dumps(value, ensure_ascii=False))


def needed(fields: Mapping[str, str], *names: str) -> str:
    """The first of these fields that says something. Raises Unreadable."""
    for name in names:
        if value := fields.get(name, "").strip():
            return value
    raise Unreadable(f"{names[0]} is missing")


def moment(text: str, otherwise: datetime, zone: ZoneInfo | None = None) -> datetime:
    """Unix seconds or milliseconds, ISO 8601, "YYYY-MM-DD HH:MM:SS"; without a zone in `zone`."""
    said = text.strip()
    try:
        if said.lstrip("-").isdigit():
            seconds = int(said)
            return datetime.fromtimestamp(seconds / (1000 if seconds > 10**11 else 1), UTC)
        at = datetime.fromisoformat(said)
        return (at if at.tzinfo else at.replace(tzinfo=zone or UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


News = Inbound | Report
T = TypeVar("T")


def read_each(
    values: Iterable[T], read: Callable[[T], News | None]
) -> list[Inbound | Report | Unreadable]:
    """One odd element spoils nothing but itself; None is no news."""
    news: list[Inbound | Report | Unreadable] = []
    for value in values:
        try:
            item = read(value)
        except Unreadable as odd:
            news.append(odd)
        else:
            news += [item] if item else []
    return news


def read_json(
    request: HookRequest, read: Callable[[dict[str, str]], News | None]
) -> list[Inbound | Report | Unreadable]:
    try:
        value = load_json(request)
    except Malformed as odd:
        return [Unreadable(str(odd))]
    values = value if isinstance(value, list) else [value]
    return read_each(values, lambda one: read(fields_of(one)))


def read_form(
    request: HookRequest, read: Callable[[dict[str, str]], News | None]
) -> list[Inbound | Report | Unreadable]:
    try:
        return read_each([form(request)], read)
    except Malformed as odd:
        return [Unreadable(str(odd))]


def arrived(
    gateway: str,
    request: HookRequest,
    *,
    key: str,
    sender: str,
    text: str,
    at: datetime | None = None,
    files: tuple[File, ...] = (),
    **detail: str,
) -> Inbound:
    """A text as every gateway reports it. Machines' numbers are filed and never answered."""
    number = numbers.e164(sender)
    return Inbound(
        channel="sms",
        account=gateway,
        external_id=key,
        sender=number,
        text=text,
        occurred_at=at or request.received_at,
        received_at=request.received_at,
        message_id=key,
        automatic=numbers.is_service(number),
        files=files,
        detail={name.replace("_", "-"): value for name, value in detail.items() if value},
    )


def split_form(request: HookRequest) -> list[HookRequest]:
    form(request)
    return [request]


# --- proofs ----------------------------------------------------------------------------------


def same(left: str | bytes, right: str | bytes) -> bool:
    """Constant time, and for any text: compare_digest refuses strings beyond ASCII."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def fresh(seconds: str, now: datetime, tolerance: float = 300) -> None:
    """Raises Forged for a stamp (unix seconds) that is missing, too old or in the future."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise Forged("no time stamp")
    if abs(now.timestamp() - int(seconds)) > tolerance:
        raise Forged("stale")


def digest(*parts: str) -> str:
    """A key for what has none of its own."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def short_reference(reference: str, limit: int = 36) -> str:
    """Our reference, within what the provider takes for a client's id."""
    return reference if len(reference) <= limit else digest(reference)
