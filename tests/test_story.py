"""The main job, from one message to five stars, as the whole desk plays it in memory."""

from tests.scenario import PHOTO, Scenario

PAPER = "打印机卡纸 三楼财务 天河"


async def test_one_message_is_a_report(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    ticket = await desk.latest()
    assert (ticket.status, ticket.site, ticket.category) == ("new", "GZ-TH", "printer")
    assert desk.heard("xu.lan") == ["ticket_opened"]


async def test_a_greeting_is_no_fault(desk: Scenario) -> None:
    await desk.hears("xu.lan", "你好")
    assert await desk.tickets() == []
    assert desk.heard("xu.lan") == ["home"]


async def test_more_words_within_the_settling_time_join_the_ticket(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(seconds=20)
    await desk.hears("xu.lan", "", files=(PHOTO,))
    assert len(await desk.tickets()) == 1


async def test_the_whole_story(desk: Scenario) -> None:
    await desk.hears("xu.lan", "打印机坏了 天河 急 请派人来现场")
    await desk.time_passes(minutes=1)
    ticket = await desk.latest()
    print(ticket)
    print([(s.action, s.to_status, dict(s.detail)) for s in await desk.journal()])
    for name, c in desk.channels.items():
        print(name, [(x.address, x.kind) for x in c.delivered])
