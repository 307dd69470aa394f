"""Mail that no person wrote: automatic answers, lists, bounces, and our own coming back.

Headers alone are not enough: of 629 real bounces 110 had nothing but a daemon's name in From, and 10 no sign at all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from channels.mail.charset import clean, decode, lines
from channels.mail.headers import identifiers
from channels.mail.mime import Part, fields_of

_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]{1,80}"
_DOMAIN = r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_ADDRESS = re.compile(rf"(?<![\w.+-]){_LOCAL}@{_DOMAIN}")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s-]|$)")
_DAEMON = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|postmaster|mailerdaemon|double-bounce|bounces?|mmdf|uucp|smtpgateway"
    r"|microsoftexchange[0-9a-f]{8,}|mail(?:er)?-?delivery(?:-?system|-?subsystem)?|mdaemon|mta|mail-?system"
    r"|ndr|delivery(?:-?(?:status|agent|subsystem))?|x400-?postmaster)\b",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[\s-]*(?:delivery|daemon|administrator)|delivery\s+(?:sub)?system|postmaster|undeliver"
    r"|系统退信|系統退信|邮件系统|退信",
    re.IGNORECASE,
)
_NOBODY = re.compile(r"^(?:no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|noreply)\b", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver(?:ed|able)|delivery\s+(?:status\s+notification|failure|failed|error|report|problem|notification|delayed)"
    r"|returned\s+(?:mail|e-?mail|to\s+sender)|return(?:ing)?\s+(?:mail|message)|failure\s+(?:notice|delivery)|mail\s+(?:delivery|system\s+error|failure|error|could\s+not)"
    r"|(?:message|mail)\s+(?:delivery\s+)?(?:not\s+delivered|undelivered|status|rejected|delayed|bounced)|non-?delivery"
    r"|could\s+not\s+(?:be\s+delivered|send)|unzustellbar|nicht\s+zustellbar|zustellung|non\s+remis|échec\s+de\s+la\s+remise"
    r"|no\s+se\s+ha\s+podido|devuelto|mancato\s+recapito|退信|无法投递|無法投遞|投递失败|传递失败|未送达|系统退信|配信不能|配信エラー|送信エラー"
    r"|엔드|반송|доставк|warning:\s+(?:could|message)|user\s+unknown|unknown\s+(?:user|recipient)|message\s+you\s+sent\s+blocked",
    re.IGNORECASE,
)
_PHRASES = re.compile(
    r"(?:could|can)\s?not\s+be\s+(?:delivered|sent|reached)|was\s+not\s+delivered|delivery\s+(?:has\s+)?(?:failed|to\s+the\s+following)"
    r"|undeliverable|permanent\s+(?:fatal\s+)?errors?|user\s+unknown|unknown\s+(?:user|recipient|address)|no\s+such\s+(?:user|address|recipient|mailbox)"
    r"|mailbox\s+(?:is\s+)?(?:full|unavailable|not\s+found)|over\s*quota|recipient\s+(?:address\s+)?(?:rejected|unknown|not\s+found)"
    r"|returned\s+(?:to\s+(?:you|sender)|message|mail)|(?:is|was)\s+returned|unable\s+to\s+(?:deliver|relay)|(?:did|does)\s?n[o']t\s+(?:reach|exist)"
    r"|not\s+(?:be\s+)?deliver|address(?:es)?\s+(?:failed|had)|host\s+(?:unknown|not\s+found)|account\s+(?:does\s+not\s+exist|is\s+disabled)"
    r"|rejected\s+(?:your|by)|failed\s+recipient|the\s+following\s+(?:address|recipient)|退信|无法投递|无法送达|無法傳送|投递失败|收件人不存在|不存在的收件人"
    r"|宛先不明|配信できません|送信できません|見つかりません",
    re.IGNORECASE,
)
_ORIGINAL_BEGINS = re.compile(
    r"^[ \t>]{0,20}(?:-{2,80}.{0,60}(?:original|returned|copy|headers?|unsent|below|undelivered|message\s+follows|message\s+text).{0,60}"
    r"|(?:original|returned)\s+message.{0,40}|.{0,40}(?:message|mail)\s+(?:follows|header).{0,20}|received:\s+from\s.*|return-path:\s.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_MESSAGE_ID = re.compile(r"^[ \t>]{0,20}message-id:\s{0,8}<([^<>\s]{1,998})>", re.IGNORECASE | re.MULTILINE)
_FAILED_LINE = re.compile(
    r"^[ \t>*]{0,20}(?:(?:final|original)-recipient:[^;\n]*;|x-failed-recipients?:|failed\s+recipients?:|recipient(?:\s+address)?:|rcpt\s+to:|to:|收件人[:：]?)?"
    rf"[ \t<\"'(\[]{{0,8}}({_LOCAL}@{_DOMAIN})[> \t\"')\]]{{0,8}}(?:[:,;.(].*|\s.*)?$",
    re.IGNORECASE | re.MULTILINE,
)
_VACATION = re.compile(
    r"^\s*(?:auto(?:matic)?[\s_-]*(?:reply|response|repl|answer)|auto\s*:|out\s+of\s+(?:the\s+)?office|away\s+from|vacation|on\s+leave"
    r"|自动(?:回复|答复)|自動(?:回覆|回复|応答|返信)|休暇|不在|外出|automatische?s?\s+(?:antwort|antwoord)|abwesenheit|réponse\s+automatique"
    r"|absence\b|respuesta\s+automática|fuera\s+de\s+(?:la\s+)?oficina|resposta\s+automática|risposta\s+automatica|autosvar|automatiskt?\s+svar"
    r"|автоответ|odpowiedź\s+automatyczna|부재중|자동\s*(?:회신|응답))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message of ours, or one in our name, that did not arrive."""

    recipient: str  # whom it did not reach; empty when the report does not say
    status: str  # 5.1.1; only the class (5.0.0) when nothing better is said
    message_id: str  # of the mail that came back, without brackets
    delayed: bool  # the carrier is still trying

    @property
    def permanent(self) -> bool:
        return self.status.startswith("5") and not self.delayed


_ENOUGH = 64 * 1024  # of a report's text; what follows is the returned mail
Header = Callable[[str], Sequence[str]]


def automatic(header: Header, sender: str, subject: str) -> str:
    """Why nobody should answer this mail; empty when a person seems to have written it."""
    for reason, speaks in _SIGNS:
        if any(map(speaks, header(reason))):
            return reason
    local = sender.partition("@")[0]
    if _DAEMON.match(local) or _NOBODY.match(local):
        return "sender"
    return "subject" if _VACATION.match(subject) else ""


def _present(value: str) -> bool:
    return bool(value.strip())


_SIGNS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("auto-submitted", lambda value: value.split(";")[0].strip().lower() not in ("", "no")),
    ("x-auto-response-suppress", lambda value: value.strip().lower() not in ("", "none")),
    ("x-autoreply", lambda value: value.strip().lower() not in ("", "no")),
    ("x-autorespond", _present),
    ("x-autoresponder", _present),
    ("x-mail-autoreply", _present),
    ("x-autogenerated", _present),
    ("precedence", lambda value: value.strip().lower() in ("bulk", "junk", "list", "auto_reply")),
    ("x-precedence", lambda value: value.strip().lower() in ("bulk", "junk", "list", "auto_reply")),
    ("list-id", _present),
    ("list-post", _present),
    ("list-unsubscribe", _present),
    ("feedback-id", _present),
    ("x-failed-recipients", _present),
    ("return-path", lambda value: value.strip() == "<>"),
)


def is_list(header: Header) -> bool:
    return any(map(_present, (*header("list-id"), *header("list-post"))))


def is_own(header: Header, instance: str) -> bool:
    """Whether this desk sent it, told by the X-Loop that every letter of ours carries."""
    return any(instance == value.strip() for line in header("x-loop") for value in line.split(","))


# --- bounces --------------------------------------------------------------------------------


def bounce(root: Part, header: Header, people: tuple[str, str], subject: str, text: str) -> Bounce | None:
    """The failure that a mail reports, or None. `people` is the sender's address and name."""
    report = _report(root)
    if report is None and not _looks_like_bounce(root, header, people, subject, text):
        return None
    words, original = _halves(text[:_ENOUGH])
    facts = _delivery_status(report) if report is not None else {}
    action = facts.get("action", "")
    if action in ("delivered", "relayed", "expanded"):
        return None
    status = _status(facts, words)
    return Bounce(
        recipient=_recipient(facts, header, words, original),
        status=status,
        message_id=_original_id(root, text[:_ENOUGH]),
        delayed=action == "delayed" or (not action and status.startswith("4")),
    )


def _report(root: Part) -> Part | None:
    """The machine-readable half of a multipart/report about delivery."""
    if root.params.get("report-type", "").lower() in ("disposition-notification", "feedback-report"):
        return None
    return next((part for part in root.walk() if part.type in _STATUS_TYPES), None)


_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")


def _looks_like_bounce(root: Part, header: Header, people: tuple[str, str], subject: str, text: str) -> bool:
    address, name = people
    if header("x-failed-recipients"):
        return True
    daemon = bool(_DAEMON.match(address.partition("@")[0]) or _DAEMON_NAME.search(name))
    null = any(value.strip() == "<>" for value in header("return-path"))
    titled = bool(_BOUNCE_SUBJECT.search(subject))
    if root.type == "multipart/report" and root.params.get("report-type", "").lower() == "delivery-status":
        return True
    if not (daemon or null or titled) or (_VACATION.match(subject) and not daemon):
        return False
    start = text[:4000]
    phrases = bool(_PHRASES.search(start))
    coded = bool(_STATUS.search(start) or _REPLY_CODE.search(start))
    evidence = 2 * daemon + null + 2 * titled + phrases + coded + _returns_a_mail(root, text[:_ENOUGH])
    return evidence >= 4 or (daemon and (titled or phrases)) or (titled and phrases and coded)


def _returns_a_mail(root: Part, text: str) -> bool:
    return any(part.type in _RETURNED for part in root.walk()) or bool(_MESSAGE_ID.search(text))


_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers")


def _halves(text: str) -> tuple[str, str]:
    """What the daemon says, and the returned mail as far as it stands in the text."""
    begins = _ORIGINAL_BEGINS.search(text)
    return (text[: begins.start()], text[begins.start() :]) if begins else (text, "")


def _delivery_status(report: Part) -> dict[str, str]:
    """The first recipient that failed; RFC 3464 has one block per message, then one per recipient."""
    blocks = [_block(block) for block in re.split(r"\n\s*\n", lines(decode(report.content()).text))]
    of_people = [block for block in blocks if "final-recipient" in block or "original-recipient" in block]
    failed = [block for block in of_people if block.get("action", "failed") == "failed"]
    return next(iter(failed or of_people or blocks), {})


def _block(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", text).split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            facts.setdefault(key.strip().lower(), clean(value).strip())
    if "action" in facts:
        facts["action"] = facts["action"].split(" ")[0].strip(";,").lower()
    return facts


def _status(facts: dict[str, str], words: str) -> str:
    for source in (facts.get("status", ""), facts.get("diagnostic-code", ""), words):
        if found := _STATUS.search(source):
            if found[1] not in ("5.0.0", "4.0.0", "2.0.0"):
                return found[1]
    for source in (facts.get("status", ""), facts.get("diagnostic-code", ""), words):
        if found := _STATUS.search(source):
            return found[1]
        if code := _REPLY_CODE.search(source):
            return f"{code[1][0]}.0.0"
    return "5.0.0"


def _recipient(facts: dict[str, str], header: Header, words: str, original: str) -> str:
    stated = [facts.get(key, "") for key in ("original-recipient", "final-recipient", "x-actual-recipient")]
    stated += [*header("x-failed-recipients")]
    for source in stated:
        if found := _ADDRESS.search(source.rpartition(";")[2].replace("+AEA-", "@")):
            return found[0].lower()
    ours = {address.lower() for line in header("to") for address in _ADDRESS.findall(line)}
    for match in (*_FAILED_LINE.finditer(words), *_ADDRESS.finditer(words)):
        address = match[match.lastindex or 0].lower().strip(".")
        if address not in ours and not _DAEMON.match(address):
            return address
    to = re.search(r"^[ \t>]{0,20}to:\s{0,8}(.{0,200})", original, re.IGNORECASE | re.MULTILINE)
    found = _ADDRESS.search(to[1]) if to else None
    return found[0].lower() if found else ""


def _original_id(root: Part, text: str) -> str:
    for part in root.walk():
        if part.type in _RETURNED:
            fields = dict(reversed(fields_of(part.content())))
            if ids := identifiers(fields.get("message-id", b"")):
                return ids[0]
    found = _MESSAGE_ID.search(text)
    return found[1] if found else ""
