"""How mail programs quote, forward and sign, in the languages that write to a desk."""
# ruff: noqa: E501  (what belongs to one language stays on one line)

import re

# --- what quoting looks like ----------------------------------------------------------------

ADDRESS = r"[^\s<>()\[\]]+@[^\s<>()\[\]]+"
MONTHS = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic"
    r"|fev|set|out|gen|mag|giu|lug|ott|mrt|mei|maj|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|янв|фев|мар|апр|ма[йя]|июн"
    r"|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|сер|вер|жов|гру|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo"
    r"|syys|loka|marras|joulu|led|úno|bře|dub|kvě|čer|srp|zář|říj|pro|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara"
)
DATE = re.compile(
    rf"""\b\d{{1,2}}[:.h]\d{{2}}\b            # 16:32, 17.50, 14h05
    |\b(?:19|20)\d\d\b                        # 2024
    |\b\d{{1,4}}[-/.]\s?\d{{1,2}}[-/.]\s?\d{{2,4}}\b   # 01/03/11, 4. 7. 2024
    |\b\d{{1,2}}\.?\s(?:de\s)?(?:{MONTHS})\w*
    |\d{{1,4}}\s?[年月日시년월일時时分]""",
    re.IGNORECASE | re.VERBOSE,
)

# "..., Ann wrote:" in the languages whose mail programs say so. The verb ends the line, with little after it.
VERBS = (
    r"wrote|writes|said|has\s+written|a\s+écrit|écrivait|écrit|nous\s+a\s+dit|geschrieben|schrieb(?:en\s+Sie)?"
    r"|escribi[óo]|ha\s+escrito|escribe|escreveu|ha\s+scritto|scrisse|scrive|het\s+volgende\s+geschreven|schreef"
    r"|geschreven|skrev|skriver|kirjoitti|napisa[łl]\(?a?\)?|napsal\(?a?\)?|píše|písal|написал\(?а?\)?|пишет|писал"
    r"|написав|пише|написа|a\s+scris|írta|ezt\s+írta|yazdı|şunu\s+yazdı|έγραψε|menulis|đã\s+viết|viết|เขียนว่า|เขียน"
    r"|写道|寫道|写了|寫了|来信|书写|のメール|さんは書きました|書きました|wrote\s*\(.{0,40}\)|님이\s*작성|작성"
)
ENDS_WITH_VERB = re.compile(
    rf"(?:^|[\s\d)>,，\"'”’日분시분분년분초분님]|[:：])(?:{VERBS})\s?[:：]?[\s>*_\"]*-*$",
    re.IGNORECASE,
)
VERB_WITH_COLON = re.compile(rf"(?:{VERBS})\s?[:：][\s>*_]*-*$", re.IGNORECASE)
VERB_INSIDE = re.compile(
    r"\b(?:schrieb|skrev|schreef|wrote|a écrit|escribió|escreveu|ha scritto|napisał(?:\(a\))?|kirjoitti|написал)\b.{0,200}[:：]$",
    re.IGNORECASE,
)
CHINESE_VERB = re.compile("[写寫]道")
ENDS_WITH_ADDRESS = re.compile(rf"[<(\[][\s]*(?:mailto:)?{ADDRESS}[\s]*[>)\]][\s>]*\s?[:：]$")
ANY_ADDRESS = re.compile(ADDRESS)
STARTS = re.compile(
    r"""^[\s*>"'“(<\[-]*(?:
      (?:on|at|in\smessage|le|am|el|em|il|op|den|på|w\sdniu|dnia|dňa|dne|in\sdata|kl|pe|ma|ti|ke|to|la|su|a|în|pe\sdata
        |la\sdata|vào|pada|στις|tarihinde|z\sdne|v|в|у|from|date|wiadomość|van|von|de|da)\b
      |在|于|於|\d|[<(]?"""
    + ADDRESS
    + r"""
      |(?:mon|tue|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lun|mar|mer|mié|jeu|jue
        |ven|vie|sam|sáb|dim|dom|seg|ter|qua|qui|sex|gio|sab|ma|di|wo|do|vr|za|zo|tir|tor|fre|lør|lör|søn|sön|ons|man|mån
        |pon|wt|śr|czw|pt|sob|nie|пн|вт|ср|чт|пт|сб|вс|нд|понед|вторн|сред|четв|пятн|субб|воск|周|星期|po|út|st|čt|pá|so|ne)
    )""",
    re.IGNORECASE | re.VERBOSE,
)

ORIGINAL = (
    r"original\s+(?:message|appointment|mail|e-?mail)|repl(?:y|ied)\s+message|ursprüngliche\s+(?:nachricht|mail|e-?mail)"
    r"|originalnachricht|message\s+d['’]origine|message\s+original|mensaje\s+original|mensagem\s+original"
    r"|messaggio\s+originale|oorspronkelijk\s+bericht|oprindelig\s+(?:besked|meddelelse|e-?mail)|opprinnelig\s+melding"
    r"|originalmeddelelse|ursprungligt?\s+meddelande|originalmeddelande|alkuperäinen\s+viesti|původní\s+(?:zpráva|e-?mail)"
    r"|pôvodná\s+správa|wiadomość\s+oryginalna|oryginalna\s+wiadomość|treść\s+oryginalnej\s+wiadomości|исходное\s+сообщение"
    r"|пересланное\s+исходное|оригинальное\s+сообщение|оригінальне\s+повідомлення|eredeti\s+üzenet|mesaj\s+original"
    r"|mesajul\s+original|orijinal\s+(?:mesaj|ileti)|özgün\s+ileti|αρχικό\s+μήνυμα|原始邮件|原始郵件|原邮件|原郵件|原始信件"
    r"|回复的原邮件|回复的邮件信息|回复邮件|回复的邮件|邮件原件|原文|元のメッセージ|オリジナル(?:の)?メッセージ|원본\s*(?:메시지|메일)|원본메시지"
    r"|original\s+e-?mail|in\s+reply\s+to\s+message|antwort\s+auf|réponse\s+au\s+message"
)
ORIGINAL_LINE = re.compile(
    rf"^[\s>*_]*(?:[-=_—─–－]{{2,}}(?:\s|&nbsp;)*(?:{ORIGINAL})(?:\s|&nbsp;)*[:：]?\s*[-=_—─–－]*"
    rf"|(?:{ORIGINAL})\s*[-=_—─–－]{{2,}}|-{{6,}}\s*original\s*-{{6,}})[\s*_]*$",
    re.IGNORECASE,
)
ENCLOSED = re.compile(r"^\s*-{2,}\s*(?:end|完|结束|結束|fin|ende)\b.{0,40}-{2,}\s*$", re.IGNORECASE)
FORWARDED = re.compile(
    r"^[\s>*_]*(?:[-=_—]{2,}\s*(?:forwarded|begin\s+forwarded|message\s+transféré|weitergeleitete?|doorgestuurd|mensaje"
    r"\s+reenviado|mensagem\s+encaminhada|messaggio\s+inoltrato|videresendt|vidarebefordrat|przekazana|пересланное"
    r"|перенаправленное|转发|轉寄|转寄|転送|전달).{0,60}"
    r"|begin\s+forwarded\s+message\s?:|début\s+du\s+message\s+(?:réexpédié|transféré)\s?:|anfang\s+der\s+weitergeleiteten"
    r"\s+(?:nachricht|e-?mail)\s?:?|inizio\s+messaggio\s+inoltrato\s?:|开始转发的邮件[:：]|以下是转发的邮件[:：])\s*$",
    re.IGNORECASE,
)
ABOVE_LINE = re.compile(
    r"^.{0,60}(?:(?:please\s+)?(?:type|write|enter)?\s*(?:your\s+)?reply\s+above\s+this\s+line|(?:请|請)?在此(?:线|行|線|处|處)?(?:以上|之上|上方|上面)"
    r"(?:回复|回覆|答复|填写)|回复请写在此行(?:以上|上方)).{0,60}$",
    re.IGNORECASE,
)

# Names of header fields in the blocks that Outlook, QQ, 163, Apple Mail and others put above the old mail.
LABELS = {
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
LABEL = re.compile(
    r"^[\s*_|>]*(?:"
    + "|".join(f"(?P<{kind}>{names})" for kind, names in LABELS.items())
    + r")[\s*_|]*[:：|][*_]*(?:\s|$|(?=\S))",
    re.IGNORECASE,
)

# --- what signatures look like --------------------------------------------------------------

DASHES = re.compile(r"^\s*(?:--|—|__)[ \u00a0]*$")
RULE = re.compile(r"^[\s>*]*[-=_*~#—─–－·]{3,}\s*$")
FOOTER = re.compile(
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
      |(?:获取|取得|下载|下載)\s?(?:适用于|適用於)?\s?(?:ios|android|windows|mac)\s?(?:版)?\s?的?\s?outlook
      |(?:obten(?:er|ha)|obter|descargar|baixar|ottieni|scarica|télécharger|скачать|получить)\s(?:o\s)?outlook\s(?:para|per|pour|для)\s\S{1,20}
      |(?:ios|android)\s?(?:版の?|用の?)\s?outlook\s?を入手 |outlook\sfor\s\w{2,10}\s?を入手 |\w{2,10}용\s?outlook\s?(?:다운로드|받기|가져오기)
      |outlook\svoor\s\w{2,10}\s(?:downloaden|ophalen)
      |(?:获取|取得|下载)\s?outlook\s(?:for|版).{1,40} |.{0,4}签名由.{1,20}(?:定制|提供)
      |来自\s?(?:我的|小米|华为|荣耀|三星|魅族|vivo|oppo|iphone|ipad|android|安卓|网易|qq|foxmail).{0,30}
      |发自我的.{1,40} |發自我的.{1,40} |[从從].{1,30}(?:发送|發送|傳送|发出)(?:的邮件)? |来自我的.{1,30} |發送自.{1,30} |发送自.{1,30} |我的\s?(?:iphone|ipad).{0,20}
      |从\s?windows\s?版邮件发送 |通过.{1,30}(?:客户端|手机版)?发送 |(?:iphone|ipad|android|スマートフォン|携帯).{0,12}から送信(?:されました)?
      |나의\s?.{1,30}에서\s?보냄 |내\s?.{1,30}에서\s?보냄 |.{1,40}에서\s?보냄
    )[\s)>\]*._-]*(?:<https?://[^>\s]*>)?[\s.)>]*$""",
    re.IGNORECASE | re.VERBOSE,
)
LIST_FOOTER = re.compile(
    r"mailing\slist|^\s*you\sreceived\sthis\s(?:message|email)\sbecause|to\sunsubscribe\sfrom|unsubscribe\s?:|/listinfo/"
    r"|^\s*reply\sto\sthis\semail\sdirectly",
    re.IGNORECASE,
)
SEE_BELOW = re.compile(
    r"\b(?:in-?line|(?:answers?|comments?|replies|repl(?:y|ied)|responses?|answered|see|notes)\s(?:\w+\s){0,3}below|interspersed"
    r"|siehe\sunten|weiter\sunten|ci-dessous|más\sabajo|abaixo|zie\sonder|qui\ssotto)\b"
    r"|见下|見下|(?:写|寫|答|回复|回覆|批注|标注|標註|附)在?下[方面文]|下[方面文](?:红字|紅字|回复|批注|标红|蓝字)|红字|紅字|标红|蓝字|逐条",
    re.IGNORECASE,
)

MAYBE = re.compile(
    r"[>:：@|]|^\s*(?:--|__|—)|sent |get |from |envoy|gesendet|gönderildi|发|發|送|보냄|writ|wrot",
    re.IGNORECASE | re.MULTILINE,
)
