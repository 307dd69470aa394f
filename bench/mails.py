"""The mails of the benches: mixed as people's are, and the same for the same seed.

Chinese and English, 30 % HTML, 10 % with 200 kB attached, 20 % answers to earlier ones.
"""

import random
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

# 200 people: the guards against loops do not tell user1@ from user2@.
GIVEN = ("wei", "fang", "min", "jing", "li", "qiang", "lei", "jun", "yang", "yan")
FAMILY = (
    "wang", "zhang", "liu", "chen", "huang", "zhao", "zhou", "wu", "xu", "sun",
    "ma", "zhu", "hu", "guo", "he", "lin", "gao", "luo", "zheng", "liang",
)  # fmt: skip
TEXTS = (
    "三楼财务的打印机卡纸了,请尽快派人来看一下。",
    "收银机开不了机,黑屏,客人在排队。",
    "The network in the meeting room has been down since this morning.",
    "Outlook 打不开, it says the profile is damaged.",
    "电脑很慢,开机要十分钟,已经重启过。",
)


def mails(count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    opened: list[tuple[str, str, str]] = []
    for n in range(count):
        mail = EmailMessage(policy=SMTP)
        message_id, text = f"<{seed}.{n}@example.com>", chance.choice(TEXTS)
        subject = f"{text[:12]} {seed}-{n}"
        sender = f"{chance.choice(GIVEN)}.{chance.choice(FAMILY)}@example.com"
        if opened and chance.random() < 0.2:
            sender, answered, subject = chance.choice(opened)
            mail["In-Reply-To"] = mail["References"] = answered
            subject = f"Re: {subject}"
        else:
            opened.append((sender, message_id, subject))
        mail["From"], mail["To"], mail["Subject"] = sender, "desk@desk.test", subject
        mail["Date"], mail["Message-ID"] = "Mon, 23 Nov 2026 10:00:00 +0800", message_id
        mail.set_content(f"{text}\n\n{n}\n")
        if chance.random() < 0.3:
            mail.add_alternative(f"<html><body><p>{text}</p><p>{n}</p></body></html>", "html")
        if chance.random() < 0.1:
            data = chance.randbytes(200_000)
            mail.add_attachment(data, "application", "octet-stream", filename=f"{n}.zip")
        yield mail.as_bytes()
