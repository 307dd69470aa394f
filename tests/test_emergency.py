"""Three alike within half an hour are one matter, and one matter has one commander."""

from collections import Counter

from core.people import ENGINEERS, Person, Role
from core.ports import Tx
from core.register import amend
from core.rows import TimerRow
from core.ticket import Offer, Ticket
from tests.scenario import Scenario
from tests.test_story import accepted, asked, dispatched

NETWORK = "天河 全店断网 所有电脑都上不了网"
PAPER = "天河 打印机卡纸"
RANSOM = "天河 电脑中了勒索病毒 文件都打不开了 要付钱"


async def reported(desk: Scenario, *people: str, text: str = PAPER) -> list[Ticket]:
    for who in people:
        await desk.hears(who, text)
        await desk.time_passes(minutes=2)
    return await desk.tickets()


async def declared(desk: Scenario) -> tuple[Ticket, list[Ticket]]:
    first, *others = await reported(desk, "xu.lan", "feng.lei", "pan.yue")
    await desk.does("zhao.hong", "declare_emergency", first.number)
    await desk.time_passes(seconds=1)
    first, *others = await desk.tickets()
    return first, others


async def test_three_reports_of_one_thing_are_proposed_once_as_an_emergency(desk: Scenario) -> None:
    first, *_ = await reported(desk, "xu.lan", "feng.lei", "pan.yue", "ou.yan")
    assert desk.heard("zhao.hong").count("emergency_proposed") == 1
    proposal = desk.last("zhao.hong", "emergency_proposed")
    assert proposal.choices[0].action == "declare_emergency"
    assert proposal.choices[0].ticket == first.number


async def test_a_report_after_the_proposal_is_looked_at_and_adds_nothing(desk: Scenario) -> None:
    await reported(desk, "xu.lan", "feng.lei", "pan.yue")
    told = desk.heard("zhao.hong")
    await reported(desk, "ou.yan")
    assert desk.heard("zhao.hong") == told
    assert "watch" not in {timer.kind for timer in await desk.pending_timers()}


async def test_three_reports_by_one_person_are_no_emergency(desk: Scenario) -> None:
    for _ in range(3):
        await desk.hears("xu.lan", PAPER, detail={"new": "yes"})
        await desk.time_passes(minutes=2)
    assert "emergency_proposed" not in desk.heard("zhao.hong")


async def test_reports_far_apart_in_time_are_no_emergency(desk: Scenario) -> None:
    for who in ("xu.lan", "feng.lei", "pan.yue"):
        await desk.hears(who, PAPER)
        await desk.time_passes(minutes=31)
    assert "emergency_proposed" not in desk.heard("zhao.hong")


async def test_ransomware_needs_no_second_report(desk: Scenario) -> None:
    await reported(desk, "xu.lan", text=RANSOM)
    assert "emergency_proposed" in desk.heard("zhao.hong")


async def test_a_second_report_is_proposed_to_the_desk_as_a_duplicate(desk: Scenario) -> None:
    first, second = await reported(desk, "xu.lan", "feng.lei")
    proposal = desk.last("wen.ting", "duplicate_proposed")
    assert (proposal.choices[0].ticket, proposal.choices[0].arg) == (second.number, first.number)


async def test_a_linked_report_asks_nobody_and_has_the_result_of_its_matter(desk: Scenario) -> None:
    first, second = await reported(desk, "xu.lan", "feng.lei")
    await desk.does("wen.ting", "link_duplicate", second.number, first.number)
    open_offers = await desk.desk.store.read(
        lambda tx: tx.find(Offer, ticket_id=second.id, state="open")
    )
    assert open_offers == []
    assert "linked_to" in desk.heard("feng.lei")
    await desk.does("zhao.hong", "reassign", first.number, "huang.junjie")
    for action in ("accept", "arrive"):
        await desk.does("huang.junjie", action, first.number)
    await desk.does("huang.junjie", "resolve", first.number, "fixed")
    await desk.time_passes(seconds=1)
    assert (await desk.ticket(second.number)).status == "resolved"
    assert "resolved_check" in desk.heard("feng.lei")


async def test_a_matter_is_not_linked_to_itself_or_to_a_part_of_it(desk: Scenario) -> None:
    first, second = await reported(desk, "xu.lan", "feng.lei")
    assert (await desk.does("wen.ting", "link_duplicate", first.number, first.number)).refused
    await desk.does("wen.ting", "link_duplicate", second.number, first.number)
    assert (await desk.does("wen.ting", "link_duplicate", first.number, second.number)).refused


async def test_declaring_links_what_is_alike_and_tells_every_reporter(desk: Scenario) -> None:
    first, others = await declared(desk)
    assert first.emergency
    assert {other.duplicate_of for other in others} == {first.id}
    for who in ("xu.lan", "feng.lei", "pan.yue"):
        assert Counter(desk.heard(who))["emergency_news"] == 1, who


async def asked_now(desk: Scenario, ticket: Ticket) -> dict[str, str]:
    """Whose telephones ring for it, and by which step of the ladder."""

    def read(tx: Tx) -> dict[str, str]:
        staff = desk.desk.register.open(tx).staff
        offers = tx.find(Offer, ticket_id=ticket.id, state="open")
        return {str(staff[offer.person_id].code): offer.step for offer in offers}

    return await desk.desk.store.read(read)


async def test_everybody_fit_is_asked_at_once_whatever_their_role(desk: Scenario) -> None:
    first, _ = await declared(desk)

    def fit(tx: Tx) -> set[str | None]:
        book = desk.desk.register.open(tx)
        outside = book.with_role(Role.FIELD_ENGINEER, Role.BACKUP_ENGINEER)
        on = book.on_duty(outside, desk.moment)
        return {p.code for p in on if "广州" in p.cities and "printer" in p.skills}

    ringing = await asked_now(desk, first)
    assert ringing.keys() == await desk.desk.store.read(fit)
    assert set(ringing.values()) == {"field_engineer", "backup_engineer"}


async def test_whoever_is_first_to_accept_leads_on_site_and_the_others_are_told(
    desk: Scenario,
) -> None:
    first, _ = await declared(desk)
    backup, *_ = [who for who, step in (await asked_now(desk, first)).items() if "backup" in step]
    others = (await asked_now(desk, first)).keys() - {backup}
    await desk.does(backup, "accept", first.number)
    assert await asked_now(desk, first) == {}
    for who in others:
        assert desk.last(who, "offer_taken").params["engineer"] == (await desk.person(backup)).name


async def helpers(desk: Scenario) -> list[Person]:
    """Who is sent besides whoever has the job."""
    staff = await desk.desk.store.read(lambda tx: desk.desk.register.open(tx).staff)
    return [p for p in staff.values() if "second_engineer" in desk.heard(p.code or "")]


async def test_where_somebody_has_the_job_two_more_of_the_city_are_sent(desk: Scenario) -> None:
    number = await dispatched(desk, PAPER)
    engineer = await asked(desk, number)
    await desk.does(engineer, "accept", number)
    await desk.does("zhao.hong", "declare_emergency", number)
    sent = await helpers(desk)
    assert len(sent) == 2
    assert engineer not in {person.code for person in sent}
    assert all("广州" in person.cities for person in sent)


async def test_where_the_city_has_nobody_left_help_comes_from_the_nearest_one(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)

    def leave_nobody(tx: Tx) -> None:
        for person in desk.desk.register.open(tx).with_role(*ENGINEERS):
            if "珠海" in person.cities and person.code != engineer:
                amend(tx, person, capacity=0)

    await desk.desk.store.write(leave_nobody)
    await desk.does("zhao.hong", "declare_emergency", number)
    sent = await helpers(desk)
    assert len(sent) == 2
    assert not any("珠海" in person.cities for person in sent)


async def test_the_supervisor_is_asked_when_all_of_them_are_silent(desk: Scenario) -> None:
    first, _ = await declared(desk)
    await desk.time_passes(minutes=4)
    assert set((await asked_now(desk, first)).values()) == {"service_supervisor"}


async def test_the_managers_and_the_customers_own_it_are_told(desk: Scenario) -> None:
    await declared(desk)
    for who in ("qin.yu", "he.jing", "wen.ting"):
        assert "emergency_declared" in desk.heard(who), who


async def test_there_is_news_every_half_hour_until_it_is_stood_down(desk: Scenario) -> None:
    first, _ = await declared(desk)
    await desk.time_passes(minutes=91)
    assert desk.heard("qin.yu").count("emergency_round") == 3
    await desk.does("zhao.hong", "stand_down", first.number)
    await desk.time_passes(hours=2)
    assert desk.heard("qin.yu").count("emergency_round") == 3


async def test_standing_down_tells_everybody_and_leaves_a_time_line(desk: Scenario) -> None:
    first, _ = await declared(desk)
    await desk.does("zhao.hong", "stand_down", first.number)
    for who in ("xu.lan", "feng.lei", "pan.yue", "qin.yu"):
        assert desk.heard(who).count("emergency_over") == 1, who
    assert "emergency declared" in str(desk.last("qin.yu", "emergency_report").params["lines"])


async def test_a_second_declaration_changes_nothing(desk: Scenario) -> None:
    first, _ = await declared(desk)
    before = (await desk.ticket(first.number)).version
    assert not (await desk.does("wen.ting", "declare_emergency", first.number)).refused
    assert (await desk.ticket(first.number)).version == before
    rounds = await desk.desk.store.read(
        lambda tx: tx.find(TimerRow, kind="emergency_round", state="pending")
    )
    assert len(rounds) == 1


async def test_who_declares_is_answered_with_who_leads_and_how_to_end_it(desk: Scenario) -> None:
    await declared(desk)
    told = desk.last("zhao.hong", "emergency_declared")
    assert told.params["commander"] == (await desk.person("zhao.hong")).name
    assert [choice.action for choice in told.choices] == ["stand_down"]


async def test_who_stands_it_down_is_answered_once(desk: Scenario) -> None:
    first, _ = await declared(desk)
    await desk.does("zhao.hong", "stand_down", first.number)
    assert desk.heard("zhao.hong").count("emergency_over") == 1
    assert "note_kept" not in desk.heard("zhao.hong")


async def test_the_customers_own_it_that_reported_it_hears_once(desk: Scenario) -> None:
    await desk.hears("he.jing", "打印机卡纸 三楼财务")
    await desk.time_passes(minutes=1)
    await desk.does("zhao.hong", "declare_emergency", (await desk.latest()).number)
    heard = desk.heard("he.jing")
    assert ("emergency_declared" in heard, "emergency_news" in heard) == (True, False)


async def test_a_link_is_answered_with_both_numbers(desk: Scenario) -> None:
    first, second = await reported(desk, "xu.lan", "feng.lei")
    await desk.does("wen.ting", "link_duplicate", second.number, first.number)
    told = desk.last("wen.ting", "duplicate_linked").params
    assert told == {"number": second.number, "parent": first.number}
