"""The part of a reply that its sender wrote, without quotes and signatures.

Trimming hides and never deletes: the full text stays on the ticket. Whatever is not surely somebody else's stays
visible: answers between quoted lines, words below a quote, forwards. Showing too much costs a glance, too little a job.
"""

import re
from collections.abc import Sequence

from channels.mail.caps import CAPS

# --- what quoting looks like ----------------------------------------------------------------

_ADDRESS = r"[^\s<>()\[\]]+@[^\s<>()\[\]]+"
_MONTHS = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic"
    r"|fev|set|out|gen|mag|giu|lug|ott|mrt|mei|maj|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|янв|фев|мар|апр|ма[йя]|июн"
    r"|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|сер|вер|жов|гру|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo"
    r"|syys|loka|marras|joulu|led|úno|bře|dub|kvě|čer|srp|zář|říj|pro|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara"
)
_DATE = re.compile(
    rf"""\b\d{{1,2}}[:.h]\d{{2}}\b            # 16:32, 17.50, 14h05
    |\b(?:19|20)\d\d\b                        # 2024
    |\b\d{{1,4}}[-/.]\s?\d{{1,2}}[-/.]\s?\d{{2,4}}\b   # 01/03/11, 4. 7. 2024
    |\b\d{{1,2}}\.?\s(?:de\s)?(?:{_MONTHS})\w*
    |\d{{1,4}}\s?[年月日시년월일時时分]""",
    re.IGNORECASE | re.VERBOSE,
)

# "..., Ann wrote:" in the languages whose mail programs say so. The verb ends the line, with little after it.
_VERBS = (
    r"wrote|writes|said|has\s+written|a\s+écrit|écrivait|écrit|nous\s+a\s+dit|geschrieben|schrieb(?:en\s+Sie)?"
    r"|escribi[óo]|ha\s+escrito|escribe|escreveu|ha\s+scritto|scrisse|scrive|het\s+volgende\s+geschreven|schreef"
    r"|geschreven|skrev|skriver|kirjoitti|napisa[łl]\(?a?\)?|napsal\(?a?\)?|píše|písal|написал\(?а?\)?|пишет|писал"
    r"|написав|пише|написа|a\s+scris|írta|ezt\s+írta|yazdı|şunu\s+yazdı|έγραψε|menulis|đã\s+viết|viết|เขียนว่า|เขียน"
    r"|写道|寫道|写了|寫了|来信|书写|のメール|さんは書きました|書きました|wrote\s*\(.{0,40}\)|님이\s*작성|작성"
)
_ENDS_WITH_VERB = re.compile(rf"(?:^|[\s\d)>,，\"'”’日분시분분년분초분님]|[:：])(?:{_VERBS})\s?[:：]?[\s>*_\"]*-*$", re.IGNORECASE)
_VERB_WITH_COLON = re.compile(rf"(?:{_VERBS})\s?[:：][\s>*_]*-*$", re.IGNORECASE)
_VERB_INSIDE = re.compile(
    r"\b(?:schrieb|skrev|schreef|wrote|a écrit|escribió|escreveu|ha scritto|napisał(?:\(a\))?|kirjoitti|написал)\b.{0,200}[:：]$",
    re.IGNORECASE,
)
_ENDS_WITH_ADDRESS = re.compile(rf"[<(\[][\s]*(?:mailto:)?{_ADDRESS}[\s]*[>)\]][\s>]*\s?[:：]$")
_ANY_ADDRESS = re.compile(_ADDRESS)
_STARTS = re.compile(
    r"""^[\s*>"'“(<\[-]*(?:
      (?:on|at|in\smessage|le|am|el|em|il|op|den|på|w\sdniu|dnia|dňa|dne|in\sdata|kl|pe|ma|ti|ke|to|la|su|a|în|pe\sdata
        |la\sdata|vào|pada|στις|tarihinde|z\sdne|v|в|у|from|date|wiadomość|van|von|de|da)\b
      |在|于|於|\d|[<(]?""" + _ADDRESS + r"""
      |(?:mon|tue|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lun|mar|mer|mié|jeu|jue
        |ven|vie|sam|sáb|dim|dom|seg|ter|qua|qui|sex|gio|sab|ma|di|wo|do|vr|za|zo|tir|tor|fre|lør|lör|søn|sön|ons|man|mån
        |pon|wt|śr|czw|pt|sob|nie|пн|вт|ср|чт|пт|сб|вс|нд|понед|вторн|сред|четв|пятн|субб|воск|周|星期|po|út|st|čt|pá|so|ne)
    )""",
    re.IGNORECASE | re.VERBOSE,
)

_ORIGINAL = (
    r"original\s+(?:message|appointment|mail|e-?mail)|reply\s+message|ursprüngliche\s+(?:nachricht|mail|e-?mail)"
    r"|originalnachricht|message\s+d['’]origine|message\s+original|mensaje\s+original|mensagem\s+original"
    r"|messaggio\s+originale|oorspronkelijk\s+bericht|oprindelig\s+(?:besked|meddelelse|e-?mail)|opprinnelig\s+melding"
    r"|originalmeddelelse|ursprungligt?\s+meddelande|originalmeddelande|alkuperäinen\s+viesti|původní\s+(?:zpráva|e-?mail)"
    r"|pôvodná\s+správa|wiadomość\s+oryginalna|oryginalna\s+wiadomość|treść\s+oryginalnej\s+wiadomości|исходное\s+сообщение"
    r"|пересланное\s+исходное|оригинальное\s+сообщение|оригінальне\s+повідомлення|eredeti\s+üzenet|mesaj\s+original"
    r"|mesajul\s+original|orijinal\s+(?:mesaj|ileti)|özgün\s+ileti|αρχικό\s+μήνυμα|原始邮件|原始郵件|原邮件|原郵件|原始信件"
    r"|回复的原邮件|回复邮件|回复的邮件|邮件原件|原文|元のメッセージ|オリジナル(?:の)?メッセージ|원본\s*(?:메시지|메일)|원본메시지"
    r"|original\s+e-?mail|in\s+reply\s+to\s+message|antwort\s+auf|réponse\s+au\s+message"
)
_ORIGINAL_LINE = re.compile(
    rf"^[\s>*_]*(?:[-=_—─–－]{{2,}}\s*(?:{_ORIGINAL})\s*[:：]?\s*[-=_—─–－]*|(?:{_ORIGINAL})\s*[-=_—─–－]{{2,}})[\s*_]*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"^[\s>*_]*(?:[-=_—]{2,}\s*(?:forwarded|begin\s+forwarded|message\s+transféré|weitergeleitete?|doorgestuurd|mensaje"
    r"\s+reenviado|mensagem\s+encaminhada|messaggio\s+inoltrato|videresendt|vidarebefordrat|przekazana|пересланное"
    r"|перенаправленное|转发|轉寄|转寄|転送|전달).{0,60}"
    r"|begin\s+forwarded\s+message\s?:|début\s+du\s+message\s+(?:réexpédié|transféré)\s?:|anfang\s+der\s+weitergeleiteten"
    r"\s+(?:nachricht|e-?mail)\s?:?|inizio\s+messaggio\s+inoltrato\s?:|开始转发的邮件[:：]|以下是转发的邮件[:：])\s*$",
    re.IGNORECASE,
)
_ABOVE_LINE = re.compile(
    r"^.{0,60}(?:(?:please\s+)?(?:type|write|enter)?\s*(?:your\s+)?reply\s+above\s+this\s+line|(?:请|請)?在此(?:线|行|線|处|處)?(?:以上|之上|上方|上面)"
    r"(?:回复|回覆|答复|填写)|回复请写在此行(?:以上|上方)).{0,60}$",
    re.IGNORECASE,
)

# Names of header fields in the blocks that Outlook, QQ, 163, Apple Mail and others put above the old mail.
_LABELS = {
    "from": "from|von|de|da|van|fra|från|od|от|від|kimden|gönderen|lähettäjä|feladó|expeditor|από|dari|từ|发件人|寄件者|寄件人"
    "|發件人|差出人|送信者|보낸\\s?사람|보낸사람|mittente|expéditeur|remitente|remetente|absender|afzender|afsender|nadawca|avsändare",
    "date": "date|sent|datum|gesendet|envoyé(?:\\sle)?|enviado(?:\\s(?:el|em))?|enviada(?:\\sem)?|inviato|verzonden|data|fecha|dato"
    "|sendt|skickat|lähetetty|päivämäärä|päiväys|wysłano|odesláno|odoslané|дата|отправлено|надіслано|tarih|gönderildi|gönderme"
    "\\starihi|elküldve|dátum|trimis|ημερομηνία|dikirim|tanggal|ngày|发送时间|发送日期|日期|时间|寄件日期|傳送時間|傳送日期|發送時間"
    "|時間|送信日時|日付|보낸\\s?날짜|날짜|message\\sdu|message\\sof|message\\sdated",
    "to": "to|an|à|a|para|aan|til|till|vastaanottaja|do|komu|кому|kime|alıcı|címzett|către|προς|kepada|đến|收件人|收件者|宛先|받는\\s?사람"
    "|cc|kopie|copie(?:\\sà)?|copia|kopi|kopia|kopio|dw|копия|копія|másolat|抄送|副本|bcc|密送|참조|destinataire|destinatario|empfänger"
    "|reply-to|réponse\\sà|antwort\\san|responder\\sa|回复|答复给",
    "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|ämne|aihe|temat|předmět|předmet|predmet|тема|konu|tárgy"
    "|subiect|θέμα|subjek|perihal|chủ\\sđề|主题|主旨|主題|标题|標題|件名|제목|betrifft",
}
_LABEL = re.compile(
    r"^[\s*_|>]*(?:" + "|".join(f"(?P<{kind}>{names})" for kind, names in _LABELS.items()) + r")[\s*_|]*[:：|][*_]*(?:\s|$|(?=\S))",
    re.IGNORECASE,
)
_BLOCK_REACH = 8  # lines from the first field of such a block to its last

# --- what signatures look like --------------------------------------------------------------

_DASHES = re.compile(r"^\s*(?:--|—|__)[ \u00a0]*$")
_RULE = re.compile(r"^[\s>*]*[-=_*~#—─–－·]{3,}\s*$")
_FOOTER = re.compile(
    r"""^[\s(<\[*>_-]*(?:
      (?:sent|written|posted)\s(?:from|via|with|by|using)\s(?:my|a|an|the|outlook|mail|yahoo|gmail|aol|samsung|huawei|xiaomi
        |typeapp|mobile|windows|iphone|ipad|android|blackberry|galaxy|proton|airmail|spark|mailbird|nine|k-9|fairemail|bluemail
        |newton|boxer|superhuman|front|hey|edison|spike|zoho|tutanota|foxmail|coremail|wechat|thunderbird|postbox|lotus
        |[A-Z][\w-]*\s?(?:mail|app|phone|mobile|pro|plus|fab|\d\w*)).{0,80}
      |get\s(?:outlook|bluemail|typeapp)\sfor\s.{1,60} |(?:obtenir|obtenez|téléchargez)\soutlook\spour\s.{1,60}
      |(?:outlook\sfür|hol(?:en)?\ssie\ssich\soutlook).{1,60}
      |from\smy\s(?:iphone|ipad|android|mobile|phone|samsung|blackberry).{0,30}
      |envoyé\s(?:depuis|de|à\spartir\sde|par|via|avec)\s(?:mon|ma|l['’]|outlook|yahoo|mail|courrier|un|gmail|typeapp).{0,80}
      |(?:diese\s(?:nachricht|e-?mail)\swurde\s)?(?:von\s(?:meinem|meiner|mein)\s.{1,60}\s(?:gesendet|aus\sgesendet|verschickt))
      |gesendet\s(?:von|mit|über)\s(?:mein\w*|outlook|der|mail|yahoo|gmail|unterwegs|mobil\w*|i(?:phone|pad)).{0,80}
      |diese\snachricht\swurde\svon\s.{1,80}\sgesendet
      |enviado\s(?:desde|do|a\spartir\sdo|por|de)\s(?:mi|meu|el|outlook|o|yahoo|gmail|correo).{0,80}
      |inviato\s(?:da|dal|con)\s(?:il|iphone|ipad|mio|outlook|posta|yahoo|libero|android|smartphone|samsung|\w+).{0,60}
      |(?:verzonden|verstuurd)\s(?:met|vanaf|van|via)\s(?:mijn|outlook|een|mail|iphone|ipad|yahoo|gmail|android|\w+).{0,60}
      |sendt\s(?:fra|med)\s(?:min|mit|outlook|yahoo|e-post|\w+).{0,60} |skickat\sfrån\s(?:min|outlook|yahoo|e-post).{0,60}
      |lähetetty\s.{2,60} |wysłan[eoy]\s(?:z|przez)\s.{2,60} |odesláno\s(?:z|ze)\s.{2,60}
      |отправлено\s(?:с|из)\s.{2,60} |надіслано\s(?:з|із)\s.{2,60} |.{1,40}['’]?(?:den|dan|ımdan|imden)\sgönderildi
      |发自我的.{1,40} |發自我的.{1,40} |[从從].{1,30}(?:发送|發送|傳送|发出)(?:的邮件)? |来自我的.{1,30} |發送自.{1,30} |发送自.{1,30} |我的\s?(?:iphone|ipad).{0,20}
      |从\s?windows\s?版邮件发送 |通过.{1,30}(?:客户端|手机版)?发送 |(?:iphone|ipad|android|スマートフォン|携帯).{0,12}から送信(?:されました)?
      |나의\s?.{1,30}에서\s?보냄 |내\s?.{1,30}에서\s?보냄 |.{1,40}에서\s?보냄
    )[\s)>\]*._-]*(?:<https?://[^>\s]*>)?[\s.)>]*$""",
    re.IGNORECASE | re.VERBOSE,
)
_LIST_FOOTER = re.compile(
    r"mailing\slist|^\s*you\sreceived\sthis\s(?:message|email)\sbecause|to\sunsubscribe\sfrom|unsubscribe\s?:|/listinfo/"
    r"|^\s*reply\sto\sthis\semail\sdirectly",
    re.IGNORECASE,
)
_SEE_BELOW = re.compile(
    r"\b(?:in-?line|(?:answers?|comments?|replies|repl(?:y|ied)|responses?|answered|see|notes)\s(?:\w+\s){0,3}below|interspersed"
    r"|siehe\sunten|weiter\sunten|ci-dessous|más\sabajo|abaixo|zie\sonder|qui\ssotto)\b"
    r"|见下|見下|(?:写|寫|答|回复|回覆|批注|标注|標註|附)在?下[方面文]|下[方面文](?:红字|紅字|回复|批注|标红|蓝字)|红字|紅字|标红|蓝字|逐条",
    re.IGNORECASE,
)

_LONGEST_SIGNATURE = 12  # lines below `--` when it lacks the blank that would make it sure
_LONGEST_MARK = 400  # characters: no program writes longer lines above a quote
_LONGEST_ATTRIBUTION = 4  # lines
_MAYBE = re.compile(r"[>:：@|]|^\s*(?:--|__|—)|sent |get |from |envoy|gesendet|gönderildi|发|發|送|보냄|writ|wrot", re.IGNORECASE | re.MULTILINE)


def visible(text: str) -> str:
    """What the sender of a reply wrote; all of it when that cannot be told."""
    text = text.strip("\n").rstrip()
    if len(text) > CAPS.text // 8 or not _MAYBE.search(text):
        return text
    lines = text.split("\n")
    cut = _where_the_quote_begins(lines)
    if cut is None:
        return text
    own = _without_signature(_without_tail(lines[:cut], quoted=cut < len(lines)))
    kept = "\n".join(own).strip("\n").rstrip()
    if cut < len(lines) and _SEE_BELOW.search("\n".join(own[-4:])):
        return text
    return kept if kept.strip() else text


def is_forward(text: str) -> bool:
    return any(map(_FORWARDED.match, text.split("\n", 40)[:40]))


def _where_the_quote_begins(lines: Sequence[str]) -> int | None:
    """The line from which on all is quoted; None when own words stand among the quotes."""
    for at, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            continue
        if bare[0] == ">":
            start = _with_attribution(lines, at)
            return start if _only_quotes_follow(lines, at) else None
        if len(line) > _LONGEST_MARK:
            continue
        if _FORWARDED.match(line):
            return len(lines)
        if _ABOVE_LINE.match(line) or _ORIGINAL_LINE.match(line) or _is_header_block(lines, at):
            return at
        if size := _attribution_size(lines, at):
            after = next((i for i in range(at + size, len(lines)) if lines[i].strip()), len(lines))
            if after == len(lines) or not lines[after].lstrip().startswith(">"):
                return at
            return at if _only_quotes_follow(lines, after) else None
    return len(lines)


def _with_attribution(lines: Sequence[str], at: int) -> int:
    """Quoted lines whose attribution is not understood: a last line that ends in a colon and names a person or a day."""
    above = next((i for i in range(at - 1, -1, -1) if lines[i].strip()), None)
    if above is None or at - above > 2:
        return at
    line = lines[above].strip()
    if line.endswith((":", "：")) and _DATE.search(line) and _ANY_ADDRESS.search(line):
        return above
    return at


def _only_quotes_follow(lines: Sequence[str], at: int) -> bool:
    """Whether nothing from `at` on can be the sender's own words."""
    last_quote = max(i for i in range(at, len(lines)) if lines[i].lstrip().startswith(">"))
    i = at
    while i < len(lines):
        bare = lines[i].strip()
        if not bare or bare[0] == ">" or _RULE.match(bare) or _is_wrapped_rest(lines, i):
            i += 1
        elif _DASHES.match(lines[i]) or _is_footer(bare) or _is_list_footer(lines, i):
            if i > last_quote:
                return True
            i += 1
        elif size := _attribution_size(lines, i):
            i += size
        else:
            return False
    return True


def _is_wrapped_rest(lines: Sequence[str], at: int) -> bool:
    """The end of a quoted line that a mail program broke without marking it again."""
    before, here = lines[at - 1].rstrip(), lines[at].strip()
    follows = lines[at + 1].lstrip().startswith(">") if at + 1 < len(lines) else False
    if not (before.lstrip().startswith(">") and follows and len(before) >= 60):
        return False
    return before[-1] not in ".?!;:。？！；：…" and len(here) < len(before)


def _is_header_block(lines: Sequence[str], at: int) -> bool:
    """From, sent, to, subject of the old mail. Two towns after "From:" and "To:" are no mail."""
    first = _LABEL.match(lines[at])
    if first is None or first.lastgroup not in ("from", "date"):
        return False
    kinds, gap = {first.lastgroup}, 0
    block = [lines[at]]
    for line in lines[at + 1 : at + _BLOCK_REACH]:
        match = _LABEL.match(line)
        gap = 0 if match else gap + 1
        if gap > 2 or (not match and not line.strip() and len(kinds) > 2):
            break
        if match and match.lastgroup:
            kinds.add(match.lastgroup)
            block.append(line)
    if "from" not in kinds or len(kinds) < 3:
        return kinds == {"from", "date"} and bool(_ANY_ADDRESS.search(" ".join(block)) and _DATE.search(" ".join(block)))
    return bool("date" in kinds or "subject" in kinds)


def _attribution_size(lines: Sequence[str], at: int) -> int:
    """How many lines "On Monday, Ann wrote:" takes; 0 when there is none at `at`."""
    if len(lines[at]) > _LONGEST_MARK:
        return 0
    if not _STARTS.match(lines[at]):
        return _named_size(lines[at])
    joined = ""
    for size in range(1, _LONGEST_ATTRIBUTION + 1):
        if at + size > len(lines) or not lines[at + size - 1].strip():
            return 0
        joined = f"{joined} {lines[at + size - 1].strip()}".strip()
        if len(joined) > _LONGEST_MARK:
            return 0
        if _is_attribution(joined):
            return 0 if any(_is_attribution(_tail(lines, at + skip, at + size)) for skip in range(1, size)) else size
    return 0


def _tail(lines: Sequence[str], start: int, end: int) -> str:
    return " ".join(line.strip() for line in lines[start:end])


def _is_attribution(line: str) -> bool:
    if not _DATE.search(line):
        return False
    if _ENDS_WITH_VERB.search(line):
        return bool(_VERB_WITH_COLON.search(line) or _ANY_ADDRESS.search(line))
    return bool(_ENDS_WITH_ADDRESS.search(line) or (_VERB_INSIDE.search(line)))


def _named_size(line: str) -> int:
    """"Ann Lee <ann@x.org> wrote:", without a date; or with a name in front of the date."""
    if not line.rstrip().endswith((":", "：", "-", "wrote")):
        return 0
    bare = line.strip()
    if _VERB_WITH_COLON.search(bare):
        return int(bool(_ANY_ADDRESS.search(bare) or (_DATE.search(bare) and re.search(r"[写寫]道", bare))))
    return int(bool(_VERB_INSIDE.search(bare) and _ANY_ADDRESS.search(bare) and _DATE.search(bare)))


def _is_footer(bare: str) -> bool:
    return len(bare) < 160 and bool(_FOOTER.match(bare))


def _is_list_footer(lines: Sequence[str], at: int) -> bool:
    if len(lines[at]) < _LONGEST_MARK and _LIST_FOOTER.search(lines[at]):
        return True
    if not _RULE.match(lines[at]) and not _DASHES.match(lines[at]):
        return False
    rest = lines[at + 1 : at + 8]
    return len(lines) - at <= 12 and any(_LIST_FOOTER.search(line[:_LONGEST_MARK]) for line in rest)


def _without_tail(lines: Sequence[str], *, quoted: bool) -> Sequence[str]:
    """Rules and mobile footers at the very end, as often as they come."""
    end = len(lines)
    while end:
        bare = lines[end - 1].strip()
        if not bare or (quoted and _RULE.match(bare)) or _is_footer(bare):
            end -= 1
        else:
            break
    return lines[:end]


def _without_signature(lines: Sequence[str]) -> Sequence[str]:
    for at in range(len(lines) - 1, 0, -1):
        if _is_list_footer(lines, at) and (_RULE.match(lines[at]) or _DASHES.match(lines[at])):
            return _without_tail(lines[:at], quoted=False)
    for at, line in enumerate(lines):
        if not line.startswith("--") or line.rstrip(" \u00a0") != "--":
            continue
        short = len(lines) - at <= _LONGEST_SIGNATURE
        if any(line.strip() for line in lines[:at]) and (short or line != "--"):
            return _without_tail(lines[:at], quoted=False)
    return lines
