"""Several gateways at once, and clouds that take nothing but reviewed templates."""

from dataclasses import replace

import pytest

from channels.sms.wire import Filled, Sms
from core.errors import Undeliverable
from core.people import Address
from core.rows import OutboxRow
from tests.scenario import MAIL, MemoryChannel, a_desk
from tests.sms_servers import golden
from tests.sms_servers.clouds import SIGNATURE, FakeAliyun, FakeHuawei, FakeTencent
from tests.sms_servers.phones import GATEWAY, SECTION, Phones
from tests.test_sms_story import USER, ringing, status
from tests.test_story import DEAD_TILL

SECOND = replace(GATEWAY, name="second")
clouds = pytest.mark.parametrize("cloud", [FakeAliyun, FakeTencent, FakeHuawei])


class CloudPhones(Phones):
    """Telephones that a cloud reaches with templates, and that answer through its hook."""

    def __init__(self, scenario, cloud):
        self.cloud = cloud
        super().__init__(scenario, [cloud.section], [cloud.gateway])

    def _carry(self, request):
        return self.cloud(request)

    async def says(self, number, text, *, key=None, seconds=15):
        await self.scenario.time_passes(seconds=seconds)
        self.keys += 1
        at = self.desk.now()
        return await self.hook(self.cloud.reply(key or f"k{self.keys}", number, text, at))

    async def reports(self, letter, *, delivered=True):
        return await self.hook(self.cloud.report(letter, delivered, self.desk.now()))


async def rows(phones, kind, /, **where):
    return await phones.desk.store.read(lambda tx: tx.find(kind, order="id", **where))


def letters(phones, number, kind):
    return [one for one in phones.cloud.sent if (one["to"], one["kind"]) == (number, kind)]


@clouds
async def test_a_job_is_offered_taken_and_announced_by_templates_alone(tmp_path, cloud):
    async with a_desk(tmp_path) as scenario:
        phones = CloudPhones(scenario, cloud())
        await phones.says(USER, DEAD_TILL)
        await scenario.time_passes(minutes=1)
        number = (await scenario.latest()).number
        engineer = await ringing(phones, number)
        [offer] = letters(phones, engineer, "job_offered")
        await phones.says(engineer, "1")
        [coming] = letters(phones, USER, "engineer_assigned")
        name = (await phones.owner(engineer)).name
        assert await status(phones, number) == "accepted"
        assert (offer["values"][0], coming["values"][:2]) == (number, [number, name])


@clouds
async def test_a_clouds_report_moves_the_letter_it_names(tmp_path, cloud):
    async with a_desk(tmp_path) as scenario:
        phones = CloudPhones(scenario, cloud())
        await phones.says(USER, "天河 三楼财务 打印机卡纸")
        [opened] = letters(phones, USER, "ticket_opened")
        codes = [await phones.reports(opened) for _ in range(2)]
        [letter] = await rows(phones, OutboxRow)
        assert (codes, letter.state) == ([200, 200], "delivered")


@clouds
async def test_what_a_cloud_could_not_deliver_goes_to_the_next_address(tmp_path, cloud):
    async with a_desk(tmp_path) as scenario:
        phones = CloudPhones(scenario, cloud())
        await phones.says(USER, DEAD_TILL)
        await scenario.time_passes(minutes=1)
        engineer = await ringing(phones, (await scenario.latest()).number)
        person = await phones.owner(engineer)
        mail = MemoryChannel("mail", MAIL)
        scenario.channels["mail"] = mail
        phones.desk.channels = {**phones.desk.channels, "mail": MAIL}
        address = Address(person_id=person.id, channel="mail", value="li@example.com")
        await phones.desk.store.write(lambda tx: tx.insert(address))
        [offer] = letters(phones, engineer, "job_offered")
        await phones.reports(offer, delivered=False)
        await scenario.settle()
        assert [letter.kind for letter in mail.delivered] == ["job_offered"]


ORDER = Sms(
    reference="letter-7", to=golden.PHONE,
    filled=Filled(
        template="T100", signature=SIGNATURE, values=(("code", "100427"),), text="单号100427",
    ),
)  # fmt: skip


@clouds
@pytest.mark.parametrize(
    ("wrong_key", "change"),
    [
        (True, {}),
        (False, {"signature": "别家公司"}),
        (False, {"template": "T1"}),
        (False, {"values": (("code", "请打13800138000"),)}),
        (False, {"values": (("code", "长" * 36),)}),
    ],
    ids=["key", "signature", "template", "mobile number", "length"],
)
def test_these_clouds_are_no_rubber_stamps(cloud, wrong_key, change):
    fake = cloud()
    keys = {
        "aliyun": "access_key_secret", "tencent": "secret_key", "huawei": "app_secret",
    }  # fmt: skip
    gateway = fake.gateway
    if wrong_key:
        gateway = replace(gateway, **{keys[gateway.name]: "x"})
    assert ORDER.filled is not None
    sms = replace(ORDER, filled=replace(ORDER.filled, **change))
    with pytest.raises(Undeliverable):
        gateway.read_answer(fake(gateway.build(sms, golden.NOW)), sms)
    assert fake.sent == []


# --- two at once ---


async def reported_by_two(scenario):
    """Two gateways of one kind, and a letter that went out by the first."""
    second = SECTION.model_copy(update={"name": SECOND.name})
    phones = Phones(scenario, [SECTION, second], [GATEWAY, SECOND])
    await phones.says(USER, "天河 三楼财务 打印机卡纸")
    return phones, phones.sent[0]["reference"]


async def said_by(phones, gateway, reference, state="sms.failed"):
    event = {"type": state, "data": {"reference": reference}}
    await phones.hook(golden.generic_event(gateway, f"k-{state}", event, phones.desk.now()))
    [letter] = await rows(phones, OutboxRow)
    return letter.state


async def test_a_report_of_another_gateway_moves_no_letter(tmp_path):
    async with a_desk(tmp_path) as scenario:
        phones, reference = await reported_by_two(scenario)
        assert await said_by(phones, SECOND, reference) == "sent"


async def test_the_same_words_of_the_gateway_that_sent_it_do(tmp_path):
    async with a_desk(tmp_path) as scenario:
        phones, reference = await reported_by_two(scenario)
        assert await said_by(phones, GATEWAY, reference, "sms.delivered") == "delivered"


async def test_a_report_that_overtakes_the_answer_to_the_sending_is_heard(tmp_path):
    async with a_desk(tmp_path) as scenario:
        phones, reference = await reported_by_two(scenario)
        early = {"state": "sending", "receipt": ""}
        await phones.desk.store.write(lambda tx: tx.update_where(OutboxRow, {}, **early))
        assert await said_by(phones, GATEWAY, reference, "sms.delivered") == "delivered"


async def test_answers_leave_by_the_gateway_that_a_person_wrote_to(tmp_path):
    async with a_desk(tmp_path) as scenario:
        phones, _ = await reported_by_two(scenario)
        data = {"from": USER, "text": "状态"}
        await scenario.time_passes(minutes=1)
        event = {"type": "sms.received", "data": data}
        await phones.hook(golden.generic_event(SECOND, "k9", event, phones.desk.now()))
        answer = (await rows(phones, OutboxRow, kind="ticket_status"))[-1]
        assert answer.receipt.startswith("second:")
