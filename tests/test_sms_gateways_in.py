"""What the providers report: their formats, their proofs, their keys."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator
from vonage_http_client.auth import Auth

from channels.sms.gateways.vonage import Vonage
from channels.sms.wire import Forged, HookRequest, Malformed, Unreadable
from core.messages import Inbound, Report
from tests.sms_servers import golden
from tests.sms_servers.golden import (
    ALIYUN,
    ALL,
    CAPCOM6,
    FORM,
    GENERIC,
    HUAWEI,
    KANNEL,
    NOW,
    PHONE,
    TENCENT,
    TEXT,
    TWILIO,
    UNSIGNED,
    VONAGE,
    message,
)

SIGNED = [gateway for gateway in ALL if gateway not in UNSIGNED]


def by_name(gateway):
    return gateway.name


each = pytest.mark.parametrize("gateway", ALL, ids=by_name)
each_signed = pytest.mark.parametrize("gateway", SIGNED, ids=by_name)


def only(gateway, request):
    [news] = gateway.parse(request)
    return news


@each
def test_a_text_arrives_with_its_sender_in_one_spelling(gateway):
    inbound = only(gateway, message(gateway))
    assert (inbound.sender, inbound.text, inbound.channel) == (PHONE, TEXT, "sms")


@each
def test_a_text_keeps_the_moment_it_was_sent(gateway):
    assert only(gateway, message(gateway)).occurred_at == NOW


@each
def test_a_sender_is_a_claim(gateway):
    assert only(gateway, message(gateway)).trust == "claimed"


@each
def test_a_redelivery_carries_the_same_key_and_another_text_another(gateway):
    first, again, other = (only(gateway, message(gateway, key)) for key in ("a1", "a1", "b2"))
    assert first.external_id == again.external_id != other.external_id


@each
def test_a_genuine_call_is_believed(gateway):
    gateway.authenticate(message(gateway), NOW)


@each_signed
def test_a_changed_text_is_refused(gateway):
    request = message(gateway)
    forged = replace(
        request,
        body=request.body.replace("坏".encode(), "好".encode()).replace(b"%E5%9D%8F", b"%E5%A5%BD"),
        query=request.query.replace("%E5%9D%8F", "%E5%A5%BD"),
    )
    assert forged != request
    with pytest.raises(Forged):
        gateway.authenticate(forged, NOW)


@each_signed
def test_a_call_without_a_signature_is_refused(gateway):
    request = message(gateway)
    query = request.query.partition("&sig=")[0]
    with pytest.raises(Forged):
        gateway.authenticate(replace(request, headers={}, query=query), NOW)


@pytest.mark.parametrize("gateway", [CAPCOM6, VONAGE, HUAWEI, GENERIC], ids=by_name)
@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(minutes=-16)], ids=str)
def test_a_stale_call_is_refused(gateway, age):
    with pytest.raises(Forged):
        gateway.authenticate(message(gateway), NOW + age)


HEADERS = st.dictionaries(
    st.sampled_from([
        "x-signature", "x-timestamp", "x-twilio-signature", "authorization", "x-sdk-date",
        "webhook-id", "webhook-timestamp", "webhook-signature", "content-type",
    ]),
    st.text(max_size=30) | st.sampled_from(["application/json", FORM, "v1,===", "9" * 40, "½"]),
)  # fmt: skip


@each
@settings(max_examples=40)
@given(headers=HEADERS, query=st.text(max_size=40), body=st.binary(max_size=80))
def test_no_call_is_too_odd_to_be_refused_by_name(gateway, headers, query, body):
    request = HookRequest(
        method="POST", url="https://d/h", query=query, headers=headers, body=body, received_at=NOW
    )
    if gateway in SIGNED:
        with pytest.raises(Forged):
            gateway.authenticate(request, NOW)
    try:
        pieces = gateway.split(request)
    except Malformed:
        return
    for piece in pieces:
        assert all(isinstance(news, Inbound | Report | Unreadable) for news in gateway.parse(piece))


FIELDS = st.sampled_from([
    "phone_number", "content", "send_time", "sequence_id", "success", "biz_id", "mobile", "text",
    "time", "nationcode", "report_status", "sid", "event", "payload", "id", "type", "data", "from",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("gateway", [ALIYUN, TENCENT, CAPCOM6, GENERIC, VONAGE], ids=by_name)
@settings(max_examples=60)
@given(value=JSON)
def test_any_json_is_read_or_named_unreadable(gateway, value):
    body = json.dumps(value).encode()
    request = golden.request(gateway, headers={"content-type": "application/json"}, body=body)
    for news in gateway.parse(request):
        assert isinstance(news, Inbound | Report | Unreadable)


# --- one provider's habits ---


def test_twilios_own_validator_agrees_with_our_signature():
    validator = RequestValidator(TWILIO.auth_token)
    fields = {"Body": "打印机坏了 & =", "From": PHONE, "MessageSid": "SM1", "A b": ""}
    request = golden.twilio_call(TWILIO, fields)
    assert validator.validate(request.url, fields, request.headers["x-twilio-signature"])


def test_a_json_body_of_twilio_is_proven_by_its_hash():
    validator = RequestValidator(TWILIO.auth_token)
    body = b'{"MessageSid":"SM1"}'
    query = f"bodySHA256={validator.compute_hash(body.decode())}"
    request = golden.request(
        TWILIO, query=query, headers={"content-type": "application/json"}, body=body
    )
    proof = validator.compute_signature(request.url, {})
    signed = replace(request, headers={**request.headers, "x-twilio-signature": proof})
    TWILIO.authenticate(signed, NOW)
    with pytest.raises(Forged):
        TWILIO.authenticate(replace(signed, body=b"{}"), NOW)


def test_the_standard_webhooks_library_signs_what_we_believe():
    library = Webhook(GENERIC.secrets[0])
    body = '{"type":"sms.received","data":{"from":"13800138000","text":"1"}}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": "v1,AAAA " + library.sign("msg_1", NOW, body),
    }
    GENERIC.authenticate(golden.request(GENERIC, headers=headers, body=body.encode()), NOW)


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_vonages_own_client_signs_what_we_believe(method):
    theirs = Auth(api_key="key", api_secret="s", signature_secret="sign", signature_method=method)
    fields = {"msisdn": "8613800138000", "text": "a&b=c 打印机", "timestamp": "1795329000"}
    ours = Vonage(signature_secret="sign", signature_method=method)
    assert ours.signature(fields) == theirs.sign_params(dict(fields))


def test_huaweis_own_signer_signs_what_we_believe():
    body = json.dumps({"smsMsgId": "1", "body": TEXT})
    request = SdkRequest(
        method="POST", schema="https", host="desk.example.com",
        resource_path=golden.path(HUAWEI), query_params=[("a", "b c")],
        header_params={"Content-Type": "application/json", "X-Sdk-Date": f"{NOW:%Y%m%dT%H%M%SZ}"},
        body=body,
    )  # fmt: skip
    signed = Signer(BasicCredentials(HUAWEI.push_key, HUAWEI.push_secret)).sign(request)
    headers = {name.lower(): value for name, value in signed.header_params.items()}
    HUAWEI.authenticate(
        golden.request(HUAWEI, query="a=b+c", headers=headers, body=body.encode()), NOW
    )


def test_one_odd_element_leaves_the_rest_of_a_batch_readable():
    batch = [golden.aliyun_message("1"), {"content": "no sender"}, 7, golden.aliyun_message("2")]
    news = [only(ALIYUN, piece) for piece in ALIYUN.split(golden.json_call(ALIYUN, batch))]
    assert [type(one) for one in news] == [Inbound, Unreadable, Unreadable, Inbound]


def test_an_id_may_be_a_number_or_a_text():
    by_number, by_text = (
        only(ALIYUN, golden.json_call(ALIYUN, [golden.aliyun_message(key)])) for key in (99, "99")
    )
    assert by_number.external_id == by_text.external_id == "99"


def test_gbk_bytes_are_read():
    request = golden.json_call(ALIYUN, [golden.aliyun_message("1", "打印机坏了")], coding="gbk")
    assert only(ALIYUN, request).text == "打印机坏了"


def test_a_gbk_form_is_read():
    body = b"smsMsgId=1&from=13800138000&to=1&body=%B4%F2%D3%A1%BB%FA%BB%B5%C1%CB"
    request = golden.request(HUAWEI, headers={"content-type": FORM}, body=body)
    assert only(HUAWEI, request).text == "打印机坏了"


@pytest.mark.parametrize(
    "body", [b'{"id":"1","id":"2"}', b"{", b"[" * 100_000, b'{"a":NaN}', b"9" * 9000, b"\xff\xfe"]
)
def test_malformed_json_is_refused(body):
    with pytest.raises(Malformed):
        ALIYUN.split(
            golden.request(ALIYUN, headers={"content-type": "application/json"}, body=body)
        )


def test_a_form_field_that_comes_twice_is_refused():
    with pytest.raises(Malformed):
        HUAWEI.split(golden.request(HUAWEI, headers={"content-type": FORM}, body=b"to=1&to=2"))


@pytest.mark.parametrize(
    ("status", "state"),
    [("1", "delivered"), ("2", "failed"), ("8", "accepted"), ("16", "failed")],
)
def test_a_kannel_report_names_our_own_reference(status, state):
    query = f"letter=letter-7&status={status}&smscid=1&reply=NACK&time=2026-11-22+06:30:00"
    report = only(KANNEL, golden.request(KANNEL, method="GET", query=query))
    assert (report.receipt, report.state, report.at) == ("letter-7", state, NOW)


def test_kannels_text_is_read_by_the_charset_it_names():
    query = "from=13800138000&to=1&id=1&smsc=a&charset=UTF-16BE&text=%62%53%53%70%67%3A"
    assert only(KANNEL, golden.request(KANNEL, method="GET", query=query)).text == "打印机"


@pytest.mark.parametrize(
    ("event", "state"),
    [("sms:sent", "accepted"), ("sms:delivered", "delivered"), ("sms:failed", "failed")],
)
def test_the_telephones_reports_name_our_own_reference(event, state):
    payload = {"messageId": "letter-7", "phoneNumber": PHONE, "reason": "RESULT_ERROR"}
    report = only(CAPCOM6, golden.capcom6_event(CAPCOM6, event, "e1", payload))
    assert (report.receipt, report.state, report.reason) == ("letter-7", state, "RESULT_ERROR")


def test_a_heartbeat_is_no_news():
    assert CAPCOM6.parse(golden.capcom6_event(CAPCOM6, "system:ping", "e1", {})) == []


def test_what_the_telephone_cannot_tell_us_in_words_is_kept_for_a_person():
    news = only(CAPCOM6, golden.capcom6_event(CAPCOM6, "mms:received", "e1", {"sender": PHONE}))
    assert isinstance(news, Unreadable)


@pytest.mark.parametrize(
    ("status", "state"),
    [("sent", "accepted"), ("delivered", "delivered"), ("undelivered", "failed")],
)
def test_a_twilio_status_moves_its_letter(status, state):
    fields = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": "30005"}
    report = only(TWILIO, golden.twilio_call(TWILIO, fields))
    assert (report.receipt, report.state, report.external_id) == ("SM1", state, f"SM1:{status}")


def test_a_twilio_picture_comes_as_a_promise_to_fetch_it():
    fields = {
        "MessageSid": "MM1", "From": PHONE, "Body": "", "NumMedia": "1",
        "MediaUrl0": "https://api.twilio.com/m/1", "MediaContentType0": "image/jpeg",
    }  # fmt: skip
    [file] = only(TWILIO, golden.twilio_call(TWILIO, fields)).files
    assert (file.source, file.type) == ("https://api.twilio.com/m/1", "image/jpeg")


def test_a_vonage_report_names_our_own_reference():
    fields = {
        "msisdn": PHONE[1:], "to": "DESK", "network-code": "46000", "messageId": "0A1",
        "price": "0.03", "status": "delivered", "scts": "2611220630", "err-code": "0",
        "message-timestamp": "2026-11-22 06:30:00", "client-ref": "letter-7",
    }  # fmt: skip
    report = only(VONAGE, golden.vonage_call(VONAGE, fields))
    assert (report.receipt, report.state, report.at) == ("letter-7", "delivered", NOW)


def test_vonage_may_also_post_json():
    body = {"msisdn": "447700900001", "to": "1", "messageId": "A1", "text": "hi", "type": "text"}
    inbound = only(VONAGE, golden.json_call(VONAGE, body))
    assert (inbound.sender, inbound.text) == ("+447700900001", "hi")


def test_the_parts_of_a_vonage_text_tell_their_places():
    fields = {
        "msisdn": PHONE[1:], "to": "1", "messageId": "A1", "text": "x", "type": "unicode",
        "concat": "true", "concat-ref": "16", "concat-total": "2", "concat-part": "1",
    }  # fmt: skip
    detail = only(VONAGE, golden.vonage_call(VONAGE, fields)).detail
    assert (detail["concat-ref"], detail["concat-total"], detail["concat-part"]) == ("16", "2", "1")


def test_an_aliyun_report_names_our_own_reference():
    report = only(ALIYUN, golden.json_call(ALIYUN, [{
        "phone_number": "13800138000", "send_time": "2026-11-22 14:29:00", "success": False,
        "report_time": "2026-11-22 14:30:00", "err_code": "UNDELIV", "err_msg": "未送达",
        "sms_size": "1", "biz_id": "932702304080415357^0", "out_id": "letter-7",
    }]))  # fmt: skip
    assert (report.receipt, report.state, report.at, report.reason) == (
        "letter-7", "failed", NOW, "UNDELIV",
    )  # fmt: skip


def test_two_numbers_of_one_aliyun_batch_are_two_reports():
    batch = [
        {"phone_number": number, "success": True, "biz_id": "9"}
        for number in ("13800138000", "13800138001")
    ]
    read = ALIYUN.parse(golden.json_call(ALIYUN, batch))
    keys = {news.external_id for news in read if isinstance(news, Report)}
    assert len(keys) == 2


def test_a_tencent_report_names_the_serial_number():
    report = only(TENCENT, golden.json_call(TENCENT, [{
        "user_receive_time": "2026-11-22 14:30:00", "nationcode": "86", "mobile": "13800138000",
        "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功",
        "sid": "2019:-1234",
    }]))  # fmt: skip
    assert (report.receipt, report.state, report.at) == ("2019:-1234", "delivered", NOW)


def test_the_parts_of_a_huawei_report_are_separate_news():
    def report(sequence):
        fields = {"smsMsgId": "h1", "total": "2", "sequence": sequence, "status": "DELIVRD"}
        return only(HUAWEI, golden.huawei_call(HUAWEI, fields))

    assert report("1").external_id != report("2").external_id


def test_an_unknown_end_is_no_news_of_delivery():
    fields = {"smsMsgId": "h1", "status": "UNKNOWN"}
    assert HUAWEI.parse(golden.huawei_call(HUAWEI, fields)) == []


def test_a_generic_report_says_whether_another_try_can_help():
    data = {"reference": "letter-7", "reason": "no such number", "permanent": True}
    report = only(GENERIC, golden.generic_event(GENERIC, "e", {"type": "sms.failed", "data": data}))
    assert (report.receipt, report.state, report.permanent) == ("letter-7", "failed", True)


@each
def test_a_machines_text_is_filed_and_never_answered(gateway):
    maker = golden.message(gateway)
    machine = replace(
        maker,
        query=maker.query.replace("8613800138000", "10086").replace("13800138000", "10086"),
        body=maker.body.replace(b"138 0013 8000", b"10086")
        .replace(b"%2B8613800138000", b"10086")
        .replace(b"13800138000", b"10086"),
    )
    assert (only(gateway, machine).automatic, only(gateway, maker).automatic) == (True, False)


def test_a_report_with_a_status_that_nobody_documented_is_no_news():
    report = {"mobile": "13800138000", "report_status": "WAITING", "sid": "1"}
    assert TENCENT.parse(golden.json_call(TENCENT, [report])) == []


def test_a_stamp_beyond_every_calendar_is_replaced_by_the_arrival():
    far = golden.json_call(
        TENCENT, {"mobile": "13800138000", "text": "1", "time": 10**30, "nationcode": "86"}
    )
    assert only(TENCENT, far).occurred_at == NOW == datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
