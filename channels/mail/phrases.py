"""How mail programs quote, forward and sign, in the languages that write to a desk."""
# ruff: noqa: E501  (what belongs to one language stays on one line)

import re

# --- what quoting looks like ----------------------------------------------------------------

COLONS = (":", "：", "﹕")
ADDRESS = r"[^\s<>()\[\]]+@[^\s<>()\[\]]+"
MONTHS = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic"
    r"|fev|set|out|gen|mag|giu|lug|ott|mrt|mei|maj|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|янв|фев|мар|апр|ма[йя]|июн"
    r"|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|сер|вер|жов|гру|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo"
    r"|syys|loka|marras|joulu|led|úno|bře|dub|kvě|čer|srp|zář|říj|pro|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara"
)
CLOCK = re.compile(r"\d{1,2}\s?[:.：h点點時时시]\s?\d{2}")
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
    r"|написав|пише|написа|написао/ла|napisao\s+je|napisala|je\s+napisal|pisze|napísal\(?a?\)?|rašė|rakstīja|a\s+scris|írta|ezt\s+írta|yazdı|şunu\s+yazdı|έγραψε|menulis|đã\s+viết|viết|เขียนว่า|เขียน"
    r"|写道|寫道|写了|寫了|来信|书写|のメール|さんは書きました|書きました|wrote\s*\(.{0,40}\)|님이\s*작성|작성"
)
ENDS_WITH_VERB = re.compile(
    rf"(?:^|[\s\d)>,，\"'”’日분시분분년분초분님]|[:：﹕])(?:{VERBS})\s?[:：﹕]?[\s>*_\"]*-*$",
    re.IGNORECASE,
)
VERB_WITH_COLON = re.compile(rf"(?:{VERBS})\s?[:：﹕][\s>*_]*-*$", re.IGNORECASE)
VERB_INSIDE = re.compile(
    r"\b(?:schrieb|skrev|schreef|wrote|a écrit|escribió|escreveu|ha scritto|napisał(?:\(a\))?|kirjoitti|написал)\b.{0,200}[:：﹕]$",
    re.IGNORECASE,
)
CHINESE_VERB = re.compile("[写寫]道")
ENDS_WITH_ADDRESS = re.compile(rf"[<(\[][\s]*(?:mailto:)?{ADDRESS}[\s]*[>)\]][\s>]*\s?[:：﹕]$")
ANY_ADDRESS = re.compile(r"[^\s<>()\[\]]@[^\s<>()\[\]]")
# "It works. On 3 March, Ann <ann@x.org> wrote:", where the sender's own words share the line.
SHARED_LINE = re.compile(
    r".*[\w.!?)](?:\s*-{2,}\s*|\s+)(?:On|At|Am|Le|El|Il|Op|Em|Den)\s(?=\D{0,16}\d)"
)
ENDS_IN_BRACKETS = re.compile(r"[<(\[][^\s<>()\[\]@]+@[^\s<>()\[\]@]+[>)\]]$")
STARTS = re.compile(
    r"""^[\s*>"'“(<\[-]*+(?:
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
    r"|mail\s+original|courriel\s+original|messaggio\s+originale|(?:oorspronkelijk|origineel)\s+bericht|oprindelig\s+(?:besked|meddelelse|e-?mail)|opprinnelig\s+melding"
    r"|originalmeddelelse|ursprungligt?\s+meddelande|originalmeddelande|alkuperäinen\s+viesti|původní\s+(?:zpráva|e-?mail)"
    r"|pôvodná\s+správa|wiadomość\s+oryginalna|oryginalna\s+wiadomość|treść\s+oryginalnej\s+wiadomości|исходное\s+сообщение"
    r"|пересланное\s+исходное|оригинальное\s+сообщение|оригінальне\s+повідомлення|eredeti\s+üzenet|mesaj\s+original"
    r"|mesajul\s+original|orijinal\s+(?:mesaj|ileti)|özgün\s+ileti|αρχικό\s+μήνυμα|原始邮件|原始郵件|原邮件|原郵件|原始信件"
    r"|回复的原邮件|邮件原文|原始邮件内容|回复的邮件信息|回复邮件|回复的邮件|邮件原件|原文|元のメッセージ|オリジナル(?:の)?メッセージ|원본\s*(?:메시지|메일)|원본메시지"
    r"|original\s+e-?mail|in\s+reply\s+to\s+message|antwort\s+auf|réponse\s+au\s+message"
)
ORIGINAL_LINE = re.compile(
    rf"^[\s>*]*+_?(?:[-=_—─–－]{{2,}}+(?:\s|&nbsp;)*+(?:{ORIGINAL})(?:\s|&nbsp;)*[:：﹕]?\s*[-=_—─–－]*"
    rf"|(?:{ORIGINAL})\s*[-=_—─–－]{{2,}}|-{{6,}}(?:\s|&nbsp;)*original(?:\s|&nbsp;)*-{{6,}}"
    rf"|-{{3,}}\s?(?:on\s.{{0,20}}\d.{{0,60}}|[^@]{{1,60}}@.{{1,60}}|(?-i:[A-Z])[\w.'’-]+(?:\s(?-i:[A-Z])[\w.'’-]+){{0,3}})\s(?:{VERBS})\s?-{{3,}}"
    r"|original\s+message\s+processed\s+by\s.{1,60})[\s*_]*$",
    re.IGNORECASE,
)
ORIGINAL_TITLE = re.compile(rf"^[\s>*_]*+(?:{ORIGINAL})[\s:：*_]*$", re.IGNORECASE)
ENCLOSED = re.compile(r"^\s*-{2,}\s*(?:end|完|结束|結束|fin|ende)\b.{0,40}-{2,}\s*$", re.IGNORECASE)
FORWARDED = re.compile(
    r"^[\s>*]*+_?(?:[-=_—]{2,}+\s*+(?:forwarded|fwd|begin\s+forwarded|message\s+transféré|weitergeleitete?|doorgestuurd|mensaje"
    r"\s+reenviado|mensagem\s+encaminhada|messaggio\s+inoltrato|videresendt|vidarebefordrat|przekazana|пересланное"
    r"|перенаправленное|转发|轉寄|转寄|転送|전달).{0,60}"
    r"|(?:begin\s+)?forwarded\s+message\s?:|début\s+du\s+message\s+(?:réexpédié|transféré)\s?:|anfang\s+der\s+weitergeleiteten"
    r"\s+(?:nachricht|e-?mail)\s?:?|inizio\s+messaggio\s+inoltrato\s?:|开始转发的邮件[:：﹕]|以下是转发的邮件[:：﹕])\s*$",
    re.IGNORECASE,
)
ABOVE_LINE = re.compile(
    r"^.{0,60}(?:(?:please\s+)?(?:type|write|enter)?\s*(?:your\s+)?reply\s+above\s+this\s+line|(?:请|請)?在此(?:线|行|線|处|處)?(?:以上|之上|上方|上面)"
    r"(?:回复|回覆|答复|填写)|回复请写在此行(?:以上|上方)).{0,60}$",
    re.IGNORECASE,
)

# Names of header fields in the blocks that Outlook, QQ, 163, Apple Mail and others put above the old mail.
LABELS = {
    "from": "from|從|从|von|de|da|van|fra|från|od|от|від|kimden|gönderen|lähettäjä|feladó|expeditor|από|dari|từ|发件人|寄件者|寄件人"
    "|發件人|差出人|送信者|보낸\\s?사람|보낸사람|mittente|expéditeur|remitente|remetente|absender|afzender|afsender|nadawca|avsändare",
    "sent": "sent|gesendet|envoyé(?:\\sle)?|enviado(?:\\s(?:el|em))?|enviada(?:\\sem)?|inviato|verzonden|sendt|skickat|lähetetty|wysłano"
    "|odesláno|odoslané|отправлено|надіслано|gönderildi|gönderme\\starihi|elküldve|trimis|dikirim|发送时间|发送日期|发件时间|寄件日期"
    "|傳送時間|傳送日期|發送時間|送信日時|보낸\\s?날짜",
    "date": "date|datum|data|fecha|dato|päivämäärä|päiväys|дата|tarih|dátum|ημερομηνία|tanggal|ngày|日\\s*期|时\\s*间|時間|日時|日付|날짜"
    "|message\\sdu|message\\sof|message\\sdated",
    "to": "to|an|à|a|para|aan|til|till|vastaanottaja|do|komu|кому|kime|alıcı|címzett|către|προς|kepada|đến|收件人|收件者|宛先|받는\\s?사람"
    "|cc|kopie|copie(?:\\sà)?|copia|kopi|kopia|kopio|dw|копия|копія|másolat|至|抄\\s*送(?:至)?|副本|bcc|密送|참조|destinataire|destinatario|empfänger"
    "|reply-to|réponse\\sà|antwort\\san|responder\\sa|回复|答复给",
    "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|ogg|ämne|aihe|temat|předmět|předmet|predmet|тема|konu|tárgy"
    "|subiect|θέμα|subjek|perihal|chủ\\sđề|主\\s*题|主旨|主題|标题|標題|件名|제목|betrifft",
}
LABEL = re.compile(
    r"^[\s*_|>]*(?:"
    + "|".join(f"(?P<{kind}>{names})" for kind, names in LABELS.items())
    + r")[\s*_|]*[:：﹕|][*_]*(?:\s|$|(?=\S))",
    re.IGNORECASE,
)

# Fields that people copy out of a mail's source, and that no mail program puts above a quote.
TRACE = re.compile(
    r"^\s*(?:received|return-path|message-id|delivered-to|authentication-results|received-spf|dkim-signature|mime-version|x-[\w-]+):\s",
    re.IGNORECASE,
)

# --- what signatures look like --------------------------------------------------------------

SENTENCE = re.compile(r"[。！？!?：:；;]\s*$")
DASHES = re.compile(r"^\s*(?:--|—|__)[ \u00a0]*$")
BARS = re.compile(r"^\s*\|[\s|]*$")
RULE = re.compile(r"^[\s>*]*[-=_*~#—─–－·]{3,}\s*$")
# A footer is a line that says nothing but what the mail was sent with. "Sent from the warehouse on Monday" begins alike
# and is the matter itself, so a thing that mails are sent with has to stand in it, and no word that such lines do not have.
DEVICE = (
    r"(?:i(?:phon[eua]|pad|pod|mac)|galaxy|samsung|huawei|honor|xiaomi|redmi|poco|oppo|vivo|oneplus|meizu|pixel|nokia|lumia|xperia"
    r"|htc|motorola|blackberry|android|ios|windows|mac(?:book|os)?|outlook|foxmail|coremail|thunderbird|postbox|lotus|typeapp"
    r"|airmail|mailbox|mailbird|bluemail|fairemail|fastmail|hotmail|gmail|icloud|aol|gmx|web\.de|k-9|proton\w*|spark|newton"
    r"|boxer|superhuman|spike|zoho|tutanota|edison|wechat|wecom|dingtalk|lark|feishu|yahoo|mail\.ru|smartphone|smartfon\w*"
    r"|cell(?:phone)?|phone|tablet\w*|pc|laptop|computer|device|mobi[lt]\w*|móvil|celular|téléphone|portable|telef[oó]n\w*|puhel\w*"
    r"|ordinateur|handy|gsm|Яндекс\w*|почт\w*|мобил\w*|телефон\w*|смартфон\w*|планшет\w*|mail(?=\s(?:for|app|für|pour|para|per)\b))"
)
_NAMED = r"(?-i:[A-ZÀ-ÞА-Я0-9][\w.+'’-]*|[a-z]+\d[\w-]*)"  # a brand or a model
_MINE = (
    r"(?:my|a|an|the|mon|ma|un|une|l['’]|mein\w*|der|dem|einem|mi|mis|el|la|meu|minha|o|mio|mia|il|lo|dal|mijn|een|min|mitt|mit"
    r"|moj\w*|mého|mojego|мо\w+|приложени\w+|pe|τη?ο|το|az|a|saya|tôi|meva|meu|mobile|old|new|personal|work|own)"
)
_SMALL = r"(?:for|on|by|from|with|via|app|mail|device|f[üo]r|auf|pour|sur|para|de|en|no|di|per|su|voor|op|på|till|til|pro|dla|для|на|με|saya|của|tôi|meu|ul|μου|שלי|phone|mobile|email|e-mail)"
THING = rf"(?:{_MINE}\s?){{0,3}}(?:{_NAMED}\s){{0,4}}{DEVICE}[\w'’-]*(?:[\s-](?:{_NAMED}|{DEVICE}\w*|{_SMALL})){{0,6}}"
_EXCUSE = r"(?:[\s.,;:!–—-]+(?:please\s|pls\s|sorry|excuse|forgive|pardon|brief)[^\n]{0,80}(?:excuse|forgive|pardon|ignore|typo|brevity|brief|thumb|autocorrect)[^\n]{0,40}|[\s.,;:!–—-]+(?:excuse|forgive|pardon|please)\s[^\n]{0,60})?"
# "sent from" and its sisters
SENT = (
    r"(?:sent|written|posted|typed)\s(?:from|via|with|by|using|on)|from(?=\smy\s)|envoyée?\s(?:depuis|de|à\spartir\sde|par|via|avec)"
    r"|gesendet\s(?:von|mit|über|aus|per)|enviad[oa]\s(?:desde|con|por|do|da|de|pel[oa]|via|através\sd[eo]|a\spartir\sd[eo])"
    r"|enviat\s(?:des\sdel?|amb)|inviat[oa]\s(?:da|dal|dallo|con|tramite)|(?:verzonden|verstuurd)\s(?:met|vanaf|van|via|vanuit)"
    r"|skickat\s(?:från|med|via)|sendt\s(?:fra|med|via)|lähetetty|wysłan[eoy]\s(?:ze?|przez|za\spomocą)"
    r"|(?:odesláno|odoslané|poslan[éo])\s(?:zo?|ze|iz|pomocí)|отправлено\s(?:с|со|из|через)|надіслано\s(?:з|із|зі|через)"
    r"|trimis\s(?:de\spe|din|cu)|στάλθηκε\sαπό|küldve|dikirim\s(?:dari|melalui)|(?:được|đã)\sgửi\stừ|נשלח\sמ-?(?:ה-?)?|مُ?رسلة?\sمن(?:\sالـ?)?"
)
_ZH_BRAND = r"(?:小米|红米|华为|荣耀|三星|魅族|一加|中兴|vivo|oppo|iphone|ipad|android|安卓|网易|新浪|搜狐|阿里|钉钉|飞书|企业微信|微信|qq|foxmail|outlook|手机)"
_ZH_THING = (
    rf"(?:我的\s?)?(?:手机\s?)?{_ZH_BRAND}?[a-z0-9\s.+-]{{0,16}}?(?:版\s?)?(?:手机|手機|平板|电脑|電腦|邮箱|邮件应用|邮件|郵件|客户端|企业微信|微信|飞书|钉钉"
    r"|outlook|foxmail|iphone|ipad|android|mail)(?:\s(?:for|on)\s\w{2,10})?(?:客户端|应用)?\s?"
)
_SYSTEM = r"(?:ios|android|windows|mac)"
LINK = re.compile(r"<https?://[^<>\s]*>")
FOOTER = re.compile(
    rf"""^[\s(<\[*>_-]*+(?:
      (?:{SENT})\s?{THING}{_EXCUSE} |(?:sent|written)\sfrom\smy(?:\s{_NAMED}){{1,3}}{_EXCUSE}
      |(?:diese\s(?:nachricht|e-?mail)\swurde\s)?von\s{THING}(?:\smit\s{THING})?(?:\saus)?\s(?:gesendet|verschickt)
      |{DEVICE}['’]?\w*\sgönderildi |(?:나의|내)?\s?(?:[\w\s]{{0,12}}{DEVICE}[\w\s]{{0,12}}|휴대폰|핸드폰|모바일|네이버\s?메일)에서\s?보냄
      |(?:iphone|ipad|android|スマートフォン|携帯).{{0,12}}から送信(?:されました)?
      |(?:get|obtenir|obtenez|télécharge[rz]|obten(?:er|ha|ga)|descargar|baixar|ottieni|scarica|hanki|hent|skaffa|pobierz|получить|скачать)\s
        (?:o\s|program\s)?(?:outlook|bluemail|typeapp)\s(?:for|pour|para|per|für|dla|till?|для)\s{_SYSTEM}\w*
      |(?:holen\ssie\ssich\soutlook\sfür\s{_SYSTEM}|outlook\s(?:für|for|voor)\s{_SYSTEM}\s?(?:beziehen|holen|laden|herunterladen|downloaden|ophalen|を入手))
      |{_SYSTEM}\s?(?:版の?|用の?)\s?outlook\s?を入手
      |{_SYSTEM}용\s?outlook\s?(?:다운로드|받기|가져오기)
      |(?:获取|取得|下载|下載)\s?(?:(?:适用于|適用於)?\s?{_SYSTEM}\s?(?:版)?\s?的?\s?outlook|outlook\s?(?:for|版)\s?\w{{2,10}})
      |.{{0,4}}签名由.{{1,20}}(?:定制|提供) |yahoo\smail:\s.{{1,40}}
      |(?:发自|發自)\s?(?:我的.{{1,40}}|{_ZH_BRAND}.{{0,24}})
      |(?:来自|來自)\s?(?:我的\s?)?{_ZH_BRAND}[a-z0-9\s.+-]{{0,12}}(?:手机|手機|平板|(?:专属商务|企业)?邮箱|邮箱大师|邮件|客户端|for\s\w+)?
      |(?:[从從]|通过|通過|使用|用|由|发送自|發送自)\s?{_ZH_THING}(?:(?:发送|發送|傳送|发出)(?:的邮件)?)
      |发送自\s?{_ZH_THING}
    )[\s)>\]*._-]*(?:<?https?://[^>\s]*>?)?[\s.)>]*$""",
    re.IGNORECASE | re.VERBOSE,
)
LIST_FOOTER = re.compile(
    r"mailing\slist|^\s*you\sreceived\sthis\s(?:message|email)\sbecause|to\sunsubscribe\sfrom|unsubscribe\s?:|/listinfo/"
    r"|^\s*reply\sto\sthis\semail\sdirectly",
    re.IGNORECASE,
)
SEE_BELOW = re.compile(
    r"\b(?:in-?line|below|interspersed|siehe\sunten|weiter\sunten|ci-dessous|más\sabajo|abaixo|zie\sonder|hieronder|qui\ssotto|di\sseguito"
    r"|poniżej|nedan|nedenfor|ниже)\b"
    r"|[见見]下|如下|[以后後]下[邮郵]件|(?:写|寫|答|回复|回覆|批注|标注|標註|附)在?下[方面文]|下[方面文列](?:的|这|這|那|邮|郵|红字|紅字|回复|批注|标红|蓝字)"
    r"|以下(?:的|这|這|邮|郵|是|为)|红字|紅字|标红|蓝字|逐条|下記",
    re.IGNORECASE,
)

# Marks that turn the direction of writing, and blanks without width, which mail programs put around names.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What stands in every text that could be trimmed, for most have nothing of the kind.
MAYBE = re.compile(
    r"[>:：﹕@|]|^\s*(?:--|__|—)|above this|在此|此行|writ|wrot|original",
    re.IGNORECASE | re.MULTILINE,
)
