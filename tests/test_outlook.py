"""The forecast: what will be late unless somebody acts, hourly and on demand, in both languages."""

from datetime import timedelta

from core import outlook
from core.ports import Tx
from tests.scenario import Scenario
from tests.test_story import accepted, dispatched, resolved

ASKED = "forecast"


async def asks(desk: Scenario, who: str) -> str:
    """Somebody types /forecast; the lines of the answer, or of the refusal."""
    await desk.asks(who, ASKED)
    return str(desk.last(who).params.get("lines", ""))


async def speaks(desk: Scenario, who: str, language: str) -> None:
    from core.people import Person
    from core.register import CHANGES

    def body(tx: Tx) -> None:
        person = tx.first(Person, code=who)
        assert person is not None
        tx.update(person, language=language)
        tx.next(CHANGES)

    await desk.desk.store.write(body)


def about(lines: str, words: str) -> str:
    return next((line for line in lines.splitlines() if words in line), "")


async def test_a_job_that_nobody_has_taken_says_until_when_it_must_be(desk: Scenario) -> None:
    number = await dispatched(desk)
    line = about(await asks(desk, "zhao.hong"), "到达现场")
    assert line == f"{number} · 香洲营业部：12:00 前不接单，到达现场就会超时（期限 13:00）"


async def test_an_accepted_job_says_when_its_engineer_must_be_on_the_road(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    await speaks(desk, "zhao.hong", "en")
    line = about(await asks(desk, "zhao.hong"), "arrival")
    assert line.startswith(f"{number}, Xiangzhou branch, Zhou Min: ")
    assert "the arrival on site will be late unless on the road by 12:" in line
    assert line.endswith("(due 13:00)")


async def test_what_is_late_already_says_so(desk: Scenario) -> None:
    await accepted(desk)
    await desk.time_passes(hours=4)
    line = about(await asks(desk, "zhao.hong"), "到达现场")
    assert "到达现场已过期限 13:00，请立即处理" in line


async def test_the_road_may_be_longer_than_what_is_left(desk: Scenario) -> None:
    await accepted(desk)
    await desk.time_passes(hours=2, minutes=58)
    line = about(await asks(desk, "zhao.hong"), "到达现场")
    assert "前就该出发，到达现场（期限 13:00）恐怕要超时" in line


async def test_a_clock_that_somebody_ended_is_not_forecast(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "arrive", number)
    assert "到达现场" not in await asks(desk, "zhao.hong")


async def test_a_complaint_on_a_closed_ticket_is_forecast_in_its_last_hours(
    desk: Scenario,
) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.does("tang.wei", "complain", number, text="迟到")
    await desk.time_passes(days=2, hours=5)  # Wednesday at three; an answer is due at six
    assert number in about(await asks(desk, "zhao.hong"), "投诉答复")


async def test_the_desk_and_the_manager_may_ask_and_engineers_may_not(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    for who in ("wen.ting", "qin.yu"):
        assert number in await asks(desk, who)
    await asks(desk, engineer)
    assert desk.heard(engineer)[-1] == "refused"


async def test_supervisors_on_duty_hear_it_every_hour_while_something_is_in_danger(
    desk: Scenario,
) -> None:
    await desk.desk.store.write(lambda tx: outlook.plan(tx, desk.moment))
    await desk.time_passes(hours=2)
    assert "forecast" not in desk.heard("zhao.hong")
    await dispatched(desk)
    await desk.time_passes(hours=2)
    assert desk.heard("zhao.hong").count("forecast") == 2
    assert "forecast" not in desk.heard("wen.ting")


async def test_an_hour_that_was_missed_is_not_made_up_for(desk: Scenario) -> None:
    await desk.desk.store.write(lambda tx: outlook.plan(tx, desk.moment))
    await dispatched(desk)
    desk.moment += timedelta(hours=5)  # the desk was off
    await desk.settle()
    assert desk.heard("zhao.hong").count("forecast") == 1


async def test_with_nothing_in_danger_the_answer_says_so(desk: Scenario) -> None:
    assert await asks(desk, "zhao.hong") == "接下来几小时没有将要超时的工单。"
