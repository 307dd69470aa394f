"""How programs that answer, and programs that return mail, give themselves away."""
# ruff: noqa: E501  (what belongs to one language stays on one line)

import re

LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]{1,80}"
DOMAIN = r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
ADDRESS = re.compile(rf"(?<![\w.+-]){LOCAL}@{DOMAIN}")
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s-]|$)")
DAEMON = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|postmaster|mailerdaemon|double-bounce|bounces?|mmdf|uucp|smtpgateway"
    r"|microsoftexchange[0-9a-f]{8,}|mail(?:er)?-?delivery(?:-?system|-?subsystem)?|mdaemon|mta|mail-?system"
    r"|ndr|delivery(?:-?(?:status|agent|subsystem))?|x400-?postmaster)\b",
    re.IGNORECASE,
)
DAEMON_NAME = re.compile(
    r"mail(?:er)?[\s-]*(?:delivery|daemon|administrator)|delivery\s+(?:sub)?system|postmaster|undeliver"
    r"|系统退信|系統退信|邮件系统|退信",
    re.IGNORECASE,
)
NOBODY = re.compile(r"^(?:no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|noreply)\b", re.IGNORECASE)
BOUNCE_SUBJECT = re.compile(
    r"undeliver(?:ed|able)|delivery\s+(?:status\s+notification|failure|failed|error|report|problem|notification|delayed)"
    r"|returned\s+(?:mail|e-?mail|to\s+sender)|return(?:ing)?\s+(?:mail|message)|failure\s+(?:notice|delivery)|mail\s+(?:delivery|system\s+error|failure|error|could\s+not)"
    r"|(?:message|mail)\s+(?:delivery\s+)?(?:not\s+delivered|undelivered|status|rejected|delayed|bounced)|non-?delivery"
    r"|could\s+not\s+(?:be\s+delivered|send)|unzustellbar|nicht\s+zustellbar|zustellung|non\s+remis|échec\s+de\s+la\s+remise"
    r"|no\s+se\s+ha\s+podido|devuelto|mancato\s+recapito|退信|无法投递|無法投遞|投递失败|传递失败|未送达|系统退信|配信不能|配信エラー|送信エラー"
    r"|엔드|반송|доставк|warning:\s+(?:could|message)|user\s+unknown|unknown\s+(?:user|recipient)|message\s+you\s+sent\s+blocked",
    re.IGNORECASE,
)
PHRASES = re.compile(
    r"(?:could|can)\s?not\s+be\s+(?:delivered|sent|reached)|was\s+not\s+delivered|delivery\s+(?:has\s+)?(?:failed|to\s+the\s+following)"
    r"|undeliverable|permanent\s+(?:fatal\s+)?errors?|user\s+unknown|unknown\s+(?:user|recipient|address)|no\s+such\s+(?:user|address|recipient|mailbox)"
    r"|mailbox\s+(?:is\s+)?(?:full|unavailable|not\s+found)|over\s*quota|recipient\s+(?:address\s+)?(?:rejected|unknown|not\s+found)"
    r"|returned\s+(?:to\s+(?:you|sender)|message|mail)|(?:is|was)\s+returned|unable\s+to\s+(?:deliver|relay)|(?:did|does)\s?n[o']t\s+(?:reach|exist)"
    r"|not\s+(?:be\s+)?deliver|address(?:es)?\s+(?:failed|had)|host\s+(?:unknown|not\s+found)|account\s+(?:does\s+not\s+exist|is\s+disabled)"
    r"|rejected\s+(?:your|by)|failed\s+recipient|the\s+following\s+(?:address|recipient)|退信|无法投递|无法送达|無法傳送|投递失败|收件人不存在|不存在的收件人"
    r"|宛先不明|配信できません|送信できません|見つかりません",
    re.IGNORECASE,
)
ORIGINAL_BEGINS = re.compile(
    r"^[ \t>]{0,20}(?:-{2,80}.{0,60}(?:original|returned|copy|headers?|unsent|below|undelivered|message\s+follows|message\s+text).{0,60}"
    r"|(?:original|returned)\s+message.{0,40}|.{0,40}(?:message|mail)\s+(?:follows|header).{0,20}|received:\s+from\s.*|return-path:\s.*)$",
    re.IGNORECASE | re.MULTILINE,
)
MESSAGE_ID = re.compile(
    r"^[ \t>]{0,20}message-id:\s{0,8}<([^<>\s]{1,998})>", re.IGNORECASE | re.MULTILINE
)
FAILED_LINE = re.compile(
    r"^[ \t>*]{0,20}(?:(?:final|original)-recipient:[^;\n]*;|x-failed-recipients?:|failed\s+recipients?:|recipient(?:\s+address)?:|rcpt\s+to:|to:|收件人[:：]?)?"
    rf"[ \t<\"'(\[]{{0,8}}({LOCAL}@{DOMAIN})[> \t\"')\]]{{0,8}}(?:[:,;.(].*|\s.*)?$",
    re.IGNORECASE | re.MULTILINE,
)
PASSED_ON = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)?(?:fwd?|re|wg|aw|tr|rv|i|enc|转发|轉寄|转寄|回复|回覆|答复|転送|전달)\s*[:：]",
    re.IGNORECASE,
)
VACATION = re.compile(
    r"^\s*(?:auto(?:matic)?[\s_-]*(?:reply|response|repl|answer)|auto\s*:|out\s+of\s+(?:the\s+)?office|away\s+from|vacation|on\s+leave"
    r"|自动(?:回复|答复)|自動(?:回覆|回复|応答|返信)|休暇|不在|外出|automatische?s?\s+(?:antwort|antwoord)|abwesenheit|réponse\s+automatique"
    r"|absence\b|respuesta\s+automática|fuera\s+de\s+(?:la\s+)?oficina|resposta\s+automática|risposta\s+automatica|autosvar|automatiskt?\s+svar"
    r"|автоответ|odpowiedź\s+automatyczna|부재중|자동\s*(?:회신|응답))",
    re.IGNORECASE,
)
