"""The trial's mail pane: a newcomer writes a mail and sees what the desk answers."""

import asyncio

from bot.trial.desk import TrialProgram

WANG = "wang.fang@example.com"


async def test_a_report_by_mail_and_an_answer_to_what_came_back(tmp_path):
    async with TrialProgram(tmp_path) as trial:
        mail = trial.world.mail
        assert mail is not None
        await mail.write(WANG, "打印机卡纸", "三楼财务 天河")

        async def to_wang(many: int) -> list:
            found: list = []

            async def look() -> None:
                while len(found) < many:
                    found[:] = [x for x in await mail.letters() if x.recipient == WANG]
                    await asyncio.sleep(0.02)

            await asyncio.wait_for(look(), 20)
            return found

        (received, *_) = await to_wang(1)
        assert "打印机卡纸" in received.subject
        await mail.write(WANG, f"Re: {received.subject}", "取消")
        cancelled = (await to_wang(2))[-1]
        assert cancelled.at >= received.at
        letters = await mail.letters()
        assert [letter.incoming for letter in letters].count(True) == 2
