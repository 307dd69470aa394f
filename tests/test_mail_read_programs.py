"""Replies as the programs write them that people answer a desk with: only their own words stay."""
# ruff: noqa: E501  (a line of a mail stays a line)

import base64
import struct
from urllib.parse import quote

import pytest

from channels.mail import rtf
from channels.mail.parse import show

DESK = "IT服务台 <desk@x.cn>"
BLOCK = f"发件人: {DESK}\n发送时间: 2026年11月20日 10:15\n收件人: 王\n主题: 已受理\n\n您的报修已受理。\n"
ENGLISH = "From: IT desk <desk@x.cn>\nSent: Friday, November 20, 2026 10:15 AM\nTo: Wang\nSubject: Got it\n\nWe got it.\n"
REPLIES = {
    "Outlook": ("还是不行。\n\n王小明", f"\n\n{BLOCK}"),
    "Outlook, English": ("Still broken.", f"\n\n________________________________\n{ENGLISH}"),
    "Outlook, bold labels": ("好了", "\n\n________________________________\n*发件人:* 服务台\n*发送时间:* 2026年11月20日\n*收件人:* 王\n*主题:* 已受理\n\n您的\n"),
    "Outlook, Taiwan": ("好的", "\n\n寄件者: IT <d@x.tw>\n寄件日期: 2026年11月20日 上午 10:15\n收件者: w\n主旨: x\n\nx"),
    "Outlook, German": ("Danke", "\n\nVon: IT <d@x.cn>\nGesendet: Freitag, 20. November 2026 10:15\nAn: W\nBetreff: x\n\nWe\n"),
    "Outlook, French": ("Merci", "\n\nDe : IT <d@x.cn>\nEnvoyé : vendredi 20 novembre 2026 10:15\nÀ : W\nObjet : x\n\nWe\n"),
    "Outlook for iOS": ("好的", f"\n\n获取 Outlook for iOS\n________________________________\n{BLOCK}"),
    "Outlook for Android": ("ok", f"\n\nGet Outlook for Android<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Outlook for iOS, Chinese": ("好的", f"\n\n获取适用于 iOS 的 Outlook<https://aka.ms/x>\n________________________________\n{BLOCK}"),
    "Outlook for iOS, Taiwan": ("好的", f"\n\n取得 iOS 版 Outlook<https://aka.ms/x>\n________________________________\n{BLOCK}"),
    "Outlook for Android, Japanese": ("はい", f"\n\nAndroid 版 Outlook を入手<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Outlook for Android, Korean": ("네", f"\n\nAndroid용 Outlook 다운로드<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Outlook for iOS, Spanish": ("Sí", f"\n\nObtener Outlook para iOS<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Outlook for iOS, Dutch": ("Ja", f"\n\nOutlook voor iOS downloaden<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Outlook for iOS, Russian": ("Да", f"\n\nСкачать Outlook для iOS<https://aka.ms/x>\n________________________________\n{ENGLISH}"),
    "Windows mail": ("ok", f"\n\n从 Windows 版邮件发送\n\n{BLOCK}"),
    "Foxmail": ("重启以后好了。\n\n\n\nwang@x.cn", f"\n \n{BLOCK.replace(': ', '： ')}"),
    "QQ": ("收到，谢谢！", f"\n\n\n------------------ 原始邮件 ------------------\n{BLOCK}"),
    "QQ, entities left in": ("收到，谢谢！", f"\n\n\n------------------&nbsp;原始邮件&nbsp;------------------\n{BLOCK}"),
    "QQ on a telephone": ("好的", f"\n发自我的iPhone\n\n\n------------------ 原始邮件 ------------------\n{BLOCK}"),
    "WeCom": ("已处理", '\n\n\n\n------------------ Original ------------------\nFrom:  "IT"<desk@x.cn>;\nDate:  Fri, Nov 20, 2026 10:15 AM\nTo:  "w"<w@x.cn>;\nSubject:  x\n\nWe'),
    "WeCom on a telephone": ("收到", f"\n\n\n发自我的企业微信\n\n\n\n----------回复的邮件信息----------\n{DESK} 在 2026年11月20日 周五 10:15 写道：\n\nx"),
    "163": ("换过墨盒了还是不行", '\n\n\n\n\n\n\n\n在 2026-11-20 10:15:00，"IT服务台" <desk@x.cn> 写道：\n您的报修已受理\n'),
    "163, its master": ("收到", f"\n\n签名由网易邮箱大师定制\n\n在2026年11月20日 10:15，{DESK} 写道：\n您的"),
    "163, a table": ("收到", "\n\n---- 回复的原邮件 ----\n| 发件人 | IT<desk@x.cn> |\n| 日期 | 2026年11月20日 10:15 |\n| 收件人 | w |\n| 主题 | x |\nx"),
    "163, an English table": ("收到", "\n\n---- Replied Message ----\n| From | IT<d@x.cn> |\n| Date | 11/20/2026 10:15 |\n| To | w |\n| Subject | x |\nx"),
    "Sina": ("好的", "\n----- 原始邮件 -----\n发件人：IT<desk@x.cn>\n收件人：w\n主题：x\n日期：2026年11月20日 10点15分\n\nWe"),
    "Coremail": ("还没好", f"\n\n-----原始邮件-----\n{BLOCK}"),
    "DingTalk": ("已经好了", f"\n------------------------------------------------------------------\n{BLOCK.replace('主题', '主　题')}"),
    "Gmail": ("好的，明天上午在。", f"\n\n{DESK} 于2026年11月20日周五 10:15写道：\n\n> 您的报修已受理\n"),
    "Gmail, wrapped": ("好的", "\n\nIT服务台 <desk@a-very-long-domain-name-of-a-company.example.com.cn>\n于2026年11月20日周五 10:15写道：\n\n> 您的\n"),
    "Gmail, Taiwan": ("好的", "\n\nIT服務台 <desk@x.tw> 於 2026年11月20日 週五 上午10:15寫道：\n\n> 您的\n"),
    "Gmail, Japanese": ("はい", "\n\n2026年11月20日(金) 10:15 IT desk <desk@x.cn>:\n\n> We\n"),
    "Gmail, Korean": ("네", "\n\n2026년 11월 20일 (금) 오전 10:15, IT desk <desk@x.cn>님이 작성:\n\n> We\n"),
    "Gmail, Russian": ("Да", "\n\nпт, 20 нояб. 2026 г. в 10:15, IT desk <desk@x.cn>:\n\n> We\n"),
    "Apple Mail": ("可以", f"\n\n发自我的 iPhone\n\n> 2026年11月20日 上午10:15，{DESK} 写道：\n> \n> 您的报修已受理\n"),
    "Apple Mail, Taiwan": ("好", "\n\n從我的 iPhone 傳送\n\n> IT <d@x.tw> 於 2026年11月20日 上午10:15 寫道：\n> \n> x"),
    "Thunderbird": ("还没好", "\n\n在 2026/11/20 10:15, IT服务台 写道:\n> 您的报修已受理\n"),
    "Thunderbird, German": ("Nein", "\n\nAm 20.11.26 um 10:15 schrieb IT desk:\n> We\n"),
    "Yahoo": ("Thanks", "\n\n    On Friday, November 20, 2026 at 10:15:00 AM GMT+8, IT desk <desk@x.cn> wrote:  \n \n We got it"),
    "Huawei": ("好的", f"\n\n发自我的华为手机\n\n-------- 原始邮件 --------\n{BLOCK}"),
    "Xiaomi": ("好的", "\n\n\n来自 小米手机\n\n在 desk <desk@x.cn>，2026年11月20日 上午10:15写道：\n\n您的"),
    "Spark": ("ok", "\n\nSent via Spark\nOn 20 Nov 2026 at 10:15 AM +0800, IT <d@x.cn>, wrote:\n> x"),
    "Outlook for Mac, Taiwan": ("好的", "\n\n從: IT <d@x.tw>\n日期: 2026年11月20日 星期五 上午10:15\n至: w <w@x.tw>\n主旨: x\n\nx"),
    "Windows mail, Russian": ("Да", "\n\nОт: IT desk\nОтправлено: \u200eпятница\u200e, \u200e20\u200e \u200eноября\u200e \u200e2026\u200e г. \u200e10\u200e:\u200e15\nКому: W\n\nWe"),
    "Yahoo, Taiwan": ("好", "\n\nIT <d@x.tw> 於 2026/11/20 (週五) 10:15 AM 寫道﹕\n\nx"),
    "139": ("还没好", f"\n\n----邮件原文----\n{BLOCK.replace('主题', '主 题')}"),
    "Aliyun": ("好了", "\n------------------------------------------------------------------\n发件人：IT<desk@x.cn>\n日　期：2026年11月20日 10:15:00\n收件人：w\n主　题：x\n\nx"),
    "WeCom, a title without rules": ("收到", "\n\n原始邮件\n发件人：ITdesk@x.cn\n发件时间：2026年11月20日 10:15\n收件人：w\n主题：x\n\nx"),
    "QQ, English, entities left in": ("ok", "\n\n------------------&nbsp;Original&nbsp;------------------\nFrom: &nbsp;\"IT\";<desk@x.cn>;\nDate: &nbsp;Fri, Nov 20, 2026 10:15 AM\nSubject: &nbsp;x\n\nx"),
    "163, the sender's card": ("收到", f"\n\n| |\n王\n|\n|\nwang@126.com\n|\n签名由网易邮箱大师定制\n\n在2026年11月20日 10:15，{DESK} 写道：\n您的"),
    "Android": ("ok", "\n\n---- Ann Lee wrote ----\n\nWe got it"),
    "Zimbra, French": ("Oui", "\n\n----- Mail original -----\nDe: \"IT\" <d@x.fr>\nÀ: w\nEnvoyé: Vendredi 20 Novembre 2026 10:15:00\nObjet: x\n\nx"),
    "Thunderbird, Dutch": ("Ja", "\n\n-------- Origineel bericht --------\nOnderwerp: \tx\nDatum: \tFri, 20 Nov 2026 10:15:00 +0100\nVan: \tIT <d@x.nl>\nAan: \tw\n\nx"),
    "Thunderbird, Polish": ("Tak", "\n\nW dniu 20.11.2026 o 10:15, IT desk pisze:\n> x\n"),
    "Gmail, Croatian": ("Da", "\n\npet, 20. stu 2026. u 10:15 IT desk <d@x.hr> napisao je:\n\n> x\n"),
    "Gmail, Hebrew": ("כן", "\n\n\u202bבתאריך יום ו׳, 20 בנוב׳ 2026 ב-10:15 מאת \u202aIT desk\u202c\u200f <\u202ad@x.il\u202c\u200f>:\u202c\n\n> x\n"),
    "a name that begins like a day": ("ok", "\n\nMartin Moon <m@x.cn> wrote:\n\n> x\n"),
    "Lotus, many recipients": ("收到", "\n\nFrom: IT <d@x.cn>\nTo: a <a@x.cn>; b <b@x.cn>;\n c <c@x.cn>;\n d <d@x.cn>;\n e <e@x.cn>\nDate: 2026-11-20 10:15\nSubject: x\n\nx"),
    "Gmail of 2011": ("ok", "\n\n2026/11/20 IT desk <desk@x.cn>\n\n> We got it\n"),
    "Proton Mail": ("ok", "\n\nSent from Proton Mail <https://proton.example/mail/home> for iOS.\n\n-------- Original Message --------\nOn Friday, 11/20/26 at 10:15 IT <d@x.cn> wrote:\n\n> x"),
    "163, a footer with a link": ("好", f"\n\n签名由 网易邮箱大师 <https://mail.x.cn/dashi?from={'a' * 150}> 定制\n\n在2026年11月20日 10:15，{DESK} 写道：\nx"),
    "a desk that asks for words above a line": ("ok", "\n\n##- Please type your reply above this line -##\n\nWe got it"),
    "tobit david": ("Ja", "\n\nOriginal Message processed by david®\nTicket 20. November 2026, 10:15 Uhr\nVon IT\n\nx"),
    "a signature below two dashes": ("好了\n\n祝好！", "\n\n-- \n王小明\n电话 1234\n"),
    "a digit for the survey": ("5", '\n\n\n\n在 2026-11-20 10:15:00，"desk" <desk@x.cn> 写道：\n\n1 差\n5 好\n'),
}  # fmt: skip
WHOLE = {
    "a log with rules of its own": "以下是错误信息:\n----- Original Message -----\n这行是程序打印的\n----- End -----\n请帮忙",
    "answers between the lines": '在 2026-11-20 10:15:00，"IT" <desk@x.cn> 写道：\n> 在哪一层？\n三楼\n> 哪个房间？\n305',
    "an answer below the quote": "On 20/11/2026 10:15, IT desk wrote:\n> We got it\n\nIt is the second printer.",
    "words above and below it": "说过了\n\n在 2026/11/20 10:15, IT 写道:\n> x\n\n另外还有一台也坏了",
    "a log with marks": "日志如下：\n> error 1\n> error 2\n请看",
    "a numbered list": "1. 试过重启\n2. 试过换线\n-----\n还是不行",
    "a removal with a day": "请搬家\n\nFrom: 5F 501\nTo: 3F 305\nDate: Friday 20 November",
    "a removal with a subject": "Please move it\n\nFrom: Guangzhou\nTo: Shenzhen\nDate: 20 November\nSubject: a printer",
    "a removal, in Chinese": "请搬家\n\n从: 5楼\n至: 3楼\n时间: 2026年11月20日",
    "a header for evidence": "可疑邮件的信头\n\nReceived: from x (1.2.3.4)\nFrom: 银行 <bank@evil.example>\nDate: Tue, 12 May 2026 10:15:36 +0200\nSubject: 中奖\n\n请核实",
    "a mail that is shown": f"我收到这样一封邮件:\n\n{BLOCK}\n是不是诈骗？",
    "a mail to act on": f"请处理下面的邮件\n\n{BLOCK.strip()}",
    "a mail to act on, English": f"Please handle the request below.\n\n{ENGLISH.strip()}",
    "a forward behind marks": "供应商说了\n\n> Begin forwarded message:\n>\n> From: a@b.example\n> Subject: x\n>\n> 明天到货",
    "a forward without rules": "See what they say\n\nForwarded message:\n\n*From:* A <a@b.example>\n*Date:* Friday, November 20, 2026\n*Subject:* x\n\nTomorrow.",
    "words that share the line of the quote": "Yes.\nIt works again --- On Fri, Nov 20, 2026 at 10:15 AM, d@x.cn wrote:\n> x",
    "a rule with a verb": "see\n\n--- what the printer wrote ---\nPC LOAD LETTER\nplease help",
    "two halves of a mail": "CPU: i5\n--\n另外请看一下内存。",
    "two towns": "From: Beijing\nTo: Guangzhou\nThe parcel is late.",
    "a story about a mail": "我在 2026-11-20 10:15 发现 张三 <z@x.cn> 写道：密码错误\n请处理",
    "a notice of the company": "好了\n\n【本邮件来自公司外部，请谨慎点击链接】",
    "a forward": "请看\n\n---------- Forwarded message ---------\n发件人： 李 <li@x.cn>\nDate: 2026年11月20日周五 10:15\nSubject: 打印机\nTo: w\n\n打印机坏了",
    "dashes in a list": "- 打印机\n-- 型号 HP\n- 电脑",
}  # fmt: skip
PAGES = {
    "Outlook": ("还没好", '<div class=WordSection1><p class=MsoNormal>还没好<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div style="border-top:solid #E1E1E1 1.0pt"><p class=MsoNormal><b>发件人:</b> IT <br><b>发送时间:</b> 2026年11月20日 10:15<br><b>收件人:</b> w<br><b>主题:</b> x</p></div><p class=MsoNormal>您的</p></div>'),
    "Outlook for iOS": ("好的", '<div dir="ltr">好的</div><div id="ms-outlook-mobile-signature"><div>获取 <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div></div><hr><div id="divRplyFwdMsg"><b>发件人:</b> IT<br><b>发送时间:</b> Friday, November 20, 2026<br><b>收件人:</b> w<br><b>主题:</b> x</div><div>您的</div>'),
    "Gmail": ("好的", '<div dir="ltr">好的</div><br><div class="gmail_quote"><div class="gmail_attr">IT &lt;<a href="mailto:d@x.cn">d@x.cn</a>&gt; 于2026年11月20日周五 10:15写道：<br></div><blockquote>您的</blockquote></div>'),
    "QQ": ("收到", "<div>收到</div><div><br></div><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div><div><b>发件人:</b>&nbsp;\"desk\" &lt;d@x.cn&gt;;</div><div><b>发送时间:</b>&nbsp;2026年11月20日(星期五) 上午10:15</div><div><b>主题:</b>&nbsp;x</div></div><div>您的</div>"),
    "163": ("还不行", '<div>还不行<br/></div><br/><pre><br/>在 2026-11-20 10:15:00，"IT" &lt;d@x.cn&gt; 写道：\n</pre><blockquote id="isReplyContent"><div>您的</div></blockquote>'),
    "Apple Mail": ("Yes", '<html><body>Yes<br><div>Sent from my iPhone</div><div><br><blockquote type="cite">On 20 Nov 2026, at 10:15, IT &lt;d@x.cn&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div>We</div></blockquote></body></html>'),
}  # fmt: skip


@pytest.mark.parametrize("prefix", ["Fwd", "转发", "轉寄", "WG", "VS", "PD", "İLT", "Fw[2]"])
def test_what_is_forwarded_in_a_thread_stays_whole(prefix):
    text = f"请看\n\n{BLOCK.strip()}"
    raw = raw_reply(text).replace(b"Subject: Re:", f"Subject: {prefix}:".encode())
    assert show(raw)["visible"] == text


FOOTERS = [
    "发自我的 iPhone", "发自网易邮箱大师", "发自 Foxmail for iPhone", "发自企业微信", "来自飞书邮箱", "来自 Outlook for iOS", "来自我的华为手机",
    "从我的华为手机发送", "从 Windows 10 版邮件发送", "從我的 iPhone 傳送", "由企业微信发送", "使用 Outlook for Android 发送", "通过我的手机发送",
    "Sent from my iPhone", "Sent from Mailbox for iPad", "Sent from my HTC M8 Android phone. Please excuse typos", "Sent from DingTalk",
    "Von Samsung-Tablet gesendet", "Envoyé depuis mon smartphone Samsung Galaxy.", "Enviado desde mi iPhone", "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone", "Skickat från min iPhone", "Sendt fra min iPad", "Lähetetty iPhonesta", "Wysłane z iPhone'a",
    "Odesláno z iPhonu", "Отправлено из мобильной Почты Mail.ru", "Надіслано з iPhone", "Trimis de pe iPhone-ul meu", "Küldve az iPhone-omról",
    "Στάλθηκε από το iPhone μου", "Dikirim dari iPhone saya", "Được gửi từ iPhone của tôi", "iPhone'umdan gönderildi", "iPhoneから送信", "나의 iPhone에서 보냄",
]  # fmt: skip
LAST_WORDS = [
    "从昨天下午开始邮件就无法发送", "从昨天开始一直用邮箱发送", "来自华为手机的同事反映同样的问题", "来自我的主管的要求，请今天处理", "来自小米电视的报错",
    "通过邮件也没有办法发送", "用手机发送文件报错", "发自内心感谢你们", "我的 iPhone 收不到邮件",
    "Sent from the warehouse yesterday, two boxes are missing", "Sent by a courier on Monday, it never arrived", "Sent from Outlook but it never came",
    "Get Outlook for everyone on floor 3 please", "Von meinem Kollegen gesendet", "Envoyé par ma collègue hier", "Enviado por el técnico ayer",
    "Inviato da Mario ieri, non arriva", "Verzonden met PostNL, nog niet aangekomen", "Sendt fra lageret i går", "Lähetetty eilen, ei ole saapunut",
    "Wysłane z magazynu wczoraj", "Отправлено из бухгалтерии вчера", "나는 3층에서 보냄",
]  # fmt: skip


@pytest.mark.parametrize("footer", FOOTERS)
@pytest.mark.parametrize("quoted", ["", "\n\nOn Fri, Nov 20, 2026, IT <d@x.cn> wrote:\n> x\n"])
def test_what_a_telephone_adds_to_a_mail_is_hidden(footer, quoted):
    assert reply(f"还是不行\n\n{footer}{quoted}")["visible"] == "还是不行"


@pytest.mark.parametrize("last", LAST_WORDS)
def test_last_words_that_begin_like_such_a_footer_stay(last):
    assert reply(f"还是不行\n\n{last}\n\n> x\n")["visible"] == f"还是不行\n\n{last}"


def reply(text: str | bytes, kind: str = "text/plain; charset=utf-8", head: str = "") -> dict:
    return show(raw_reply(text, kind, head))


def raw_reply(text: str | bytes, kind: str = "text/plain; charset=utf-8", head: str = "") -> bytes:
    body = text if isinstance(text, bytes) else text.encode()
    named = f"{head}From: a@b.cn\nTo: desk@x.cn\nSubject: Re: x\nIn-Reply-To: <1@x>\nMIME-Version: 1.0\n"
    typed = f"Content-Type: {kind}\n" if kind else ""
    return (f"{named}{typed}\n".encode() + body).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(("own", "quoted"), REPLIES.values(), ids=REPLIES)
def test_of_a_reply_its_senders_words_are_shown(own, quoted):
    assert reply(own + quoted)["visible"] == own


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_nothing_that_the_sender_wrote_is_hidden(text):
    assert reply(text)["visible"] == text


@pytest.mark.parametrize(("own", "page"), PAGES.values(), ids=PAGES)
def test_of_a_page_its_senders_words_are_shown(own, page):
    assert reply(page, "text/html; charset=utf-8")["visible"] == own


UNLABELLED = {
    "big5": "印表機壞了，請處理",
    "euc-jp": "プリンタが動きません。三階の経理部です。確認をお願いします。",
    "cp932": "プリンタが動きません。三階の経理部です。確認をお願いします。",
    "iso-2022-jp": "プリンタが動きません",
    "euc-kr": "프린터가 작동하지 않습니다. 삼층 회계부입니다. 확인 부탁드립니다.",
    "gb18030": "三楼财务的打印机卡纸了，请尽快派人来看一下。",
    "utf-8": "三楼财务的打印机卡纸了",
}


@pytest.mark.parametrize(("codec", "text"), UNLABELLED.items(), ids=UNLABELLED)
def test_text_without_a_label_is_read_by_what_its_language_writes_most(codec, text):
    assert reply(text.encode(codec), "")["text"].strip() == text


@pytest.mark.parametrize("codec", ["big5", "gb18030"])
def test_a_western_label_on_chinese_is_not_believed(codec):
    text = "請派人來看一下，謝謝。" if codec == "big5" else "请派人来看一下，谢谢。"
    assert reply(text.encode(codec), "text/plain; charset=iso-8859-1")["text"].strip() == text


@pytest.mark.parametrize("text", ["Grüße aus Köln", "Très bien, à bientôt", "Señor Muñoz, mañana"])
def test_western_text_stays_western(text):
    assert reply(text.encode("latin-1"), "text/plain; charset=iso-8859-1")["text"].strip() == text


def test_a_circled_digit_is_read_in_japanese_mail():
    raw = b"\x1b$B%W%j%s%?\x1b(B \x1b$B-!\x1b(B"
    assert reply(raw, "text/plain; charset=iso-2022-jp")["text"].strip() == "プリンタ ①"


def test_a_subject_that_was_encoded_twice_is_decoded_twice():
    once = base64.b64encode("打印机坏了".encode("gb2312")).decode()
    twice = base64.b64encode(f"=?gb2312?B?{once}?=".encode()).decode()
    assert reply("x", head=f"Subject: =?utf-8?B?{twice}?=\n")["subject"] == "打印机坏了"


NAMES = {
    "plain beside extended": f"filename=\"gz.png\"; filename*=UTF-8''{quote('故障.png')}",
    "extended beside plain": f"filename*=UTF-8''{quote('故障.png')}; filename=\"gz.png\"",
    "cut inside a character": "filename*0*=UTF-8''%E6%95%85%E9;\n filename*1*=%9A%9C.png",
    "as in a link": f'filename="{quote("故障.png")}"',
}


@pytest.mark.parametrize("disposition", NAMES.values(), ids=NAMES)
def test_a_file_has_the_name_its_sender_gave_it(disposition):
    part = f"--b\nContent-Type: image/png\nContent-Disposition: attachment; {disposition}\n\nx\n--b--\n"
    (file,) = reply(part, "multipart/mixed; boundary=b")["attachments"]
    assert file["name"] == "故障.png"


FLOWED = {
    "a paragraph": ("This is a \nlong line.\n\nSecond.", "", "This is a long line.\n\nSecond."),
    "Chinese": ("这是一行很长 \n的文字\n结束", "; delsp=yes", "这是一行很长的文字\n结束"),
    "stuffed": (" From me\n >no quote", "", "From me\n>no quote"),
    "a signature": ("Yes \nplease\n-- \nWang", "", "Yes please\n-- \nWang"),
    "quotes of two depths": ("> We \n> got it\n>> Old", "", "> We got it\n>> Old"),
}


@pytest.mark.parametrize(("text", "more", "meant"), FLOWED.values(), ids=FLOWED)
def test_lines_broken_for_the_journey_are_whole_again(text, more, meant):
    assert reply(text, f"text/plain; charset=utf-8; format=flowed{more}")["text"] == meant


def test_outlooks_packed_text_is_unpacked():
    """The example of MS-OXRTFCP, 4.1.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c64"
        "7d0a800fa0"
    )
    read = rtf.unpacked(packed, 1_000)
    assert read == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.to_text(read) == "hello world"


def test_a_few_packed_bytes_cannot_fill_the_memory():
    bomb = struct.pack("<IIII", 100, 2**31, 0x75465A4C, 0) + b"\xff" + b"\x00\x0f" * 8
    assert len(rtf.unpacked(bomb * 1_000, 10_000)) <= 10_000


def winmail() -> bytes:
    said = rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0 Arial;}}\f0 \'b4\'f2\'d3\'a1\'bb\'fa\'bb\'b5\'c1\'cb\par \u21333?}"
    body = struct.pack("<IIII", len(said) + 12, len(said), 0x414C454D, 0) + said
    properties = struct.pack("<IHHII", 1, 0x102, 0x1009, 1, len(body)) + body
    attribute = struct.pack("<BII", 1, 0x00069003, len(properties)) + properties + b"\0\0"
    tnef = b"\x78\x9f\x3e\x22\1\0" + attribute
    kind = "application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64"
    return raw_reply(base64.encodebytes(tnef), kind)


def test_a_mail_of_nothing_but_rtf_has_its_text():
    assert show(winmail())["text"] == "打印机坏了\n单"


def letters() -> list[bytes]:
    """All of them, for those who want to break them."""
    plain = [raw_reply(own + quoted) for own, quoted in REPLIES.values()]
    pages = [raw_reply(page, "text/html; charset=utf-8") for _, page in PAGES.values()]
    codes = [raw_reply(text.encode(codec), "") for codec, text in UNLABELLED.items()]
    flowed = [
        raw_reply(text, f"text/plain; format=flowed{more}") for text, more, _ in FLOWED.values()
    ]
    return [*plain, *pages, *codes, *flowed, winmail()]


def test_a_page_hidden_in_rtf_is_taken_out():
    hidden = rb"{\rtf1\ansi\fromhtml1{\fonttbl{\f0 Arial;}}{\*\htmltag64 <p>}Printer {\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 old & broken{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}}"
    assert rtf.is_page(hidden)
    assert rtf.to_page(hidden) == "<p>Printer <b>old &amp; broken</b></p>"
