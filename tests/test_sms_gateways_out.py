"""What we ask the providers to send, and what their answers mean."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import httpx
import pytest
from standardwebhooks import Webhook
from tencentcloud.common.sign import Sign

from channels.sms.gateways.kannel import Kannel
from channels.sms.wire import Filled, Sms
from core.errors import Unclear, Undeliverable
from tests.sms_servers.golden import (
    ALIYUN,
    CAPCOM6,
    GENERIC,
    HUAWEI,
    KANNEL,
    NOW,
    PHONE,
    TENCENT,
    TWILIO,
    VONAGE,
)

TEXT = "工单100427已受理😀"
SMS = Sms(reference="letter-7", to=PHONE, text=TEXT)
FILLED = replace(
    SMS,
    text="",
    filled=Filled(
        template="SMS_1",
        signature="新科电子",
        values=(("code", "100427"), ("name", "李娜")),
        text="单号100427已安排李娜工程师",
    ),
)


def form(request):
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def query(request):
    return dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))


def answered(status, body=b"", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers=headers)


def refusal(gateway, response, sms=SMS):
    with pytest.raises(Undeliverable) as refused:
        gateway.read_answer(response, sms)
    return refused.value


# --- requests ---


def test_chinese_goes_through_kannel_as_ucs2_named_utf8():
    sent = query(KANNEL.build(SMS, NOW))
    assert (sent["coding"], sent["charset"], sent["text"], sent["to"]) == (
        "2", "utf-8", TEXT, PHONE,
    )  # fmt: skip


def test_kannel_is_told_where_to_report_with_our_reference():
    gateway = Kannel(dlr_url="https://desk.example.com/hooks/sms/kannel/T")
    sent = query(gateway.build(replace(SMS, reference="a/b&c"), NOW))
    assert sent["dlr-url"].startswith(
        "https://desk.example.com/hooks/sms/kannel/T?letter=a%2Fb%26c&status=%d&"
    )


def test_the_telephone_gets_our_reference_and_a_time_to_live():
    sent = json.loads(CAPCOM6.build(SMS, NOW).content)
    assert (sent["id"], sent["phoneNumbers"], sent["textMessage"], sent["ttl"]) == (
        "letter-7", [PHONE], {"text": TEXT}, 86_400,
    )  # fmt: skip


def test_a_reference_too_long_for_the_telephone_is_the_same_on_every_try():
    long = replace(SMS, reference="x" * 80)
    first, second = (json.loads(CAPCOM6.build(long, NOW).content)["id"] for _ in range(2))
    assert first == second == CAPCOM6.read_answer(answered(202), long).id


def test_twilio_gets_a_form_with_basic_authentication():
    request = TWILIO.build(SMS, NOW)
    basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert basic == f"{TWILIO.account_sid}:{TWILIO.auth_token}"
    assert form(request) == {"To": PHONE, "From": TWILIO.sender, "Body": TEXT}


def test_vonage_is_told_when_a_text_needs_unicode():
    types = [form(VONAGE.build(replace(SMS, text=text), NOW))["type"] for text in ("ok €", TEXT)]
    assert types == ["text", "unicode"]


def test_the_generic_hook_is_signed_so_that_the_same_secret_proves_it():
    library = Webhook(GENERIC.secrets[0])
    request = GENERIC.build(SMS, datetime.now(UTC))  # the library reads the wall clock
    event = library.verify(request.content.decode(), dict(request.headers))
    assert event["data"] == {"reference": "letter-7", "to": PHONE, "text": TEXT}
    assert request.headers["webhook-id"] == "letter-7"


# What alibabacloud_tea_openapi 0.4.6 signs for FILLED at NOW with "ak" and "sk" (its client brings
# a dozen packages, hence only its answer).
ACS3 = (
    "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
    "x-acs-date;x-acs-signature-nonce;x-acs-version,"
    "Signature=78f06fd4a0664cf4d48ebcb59654c9234fe419294abb0a710f17358e340fa824"
)


def test_aliyuns_own_client_signed_the_same():
    assert ALIYUN.build(FILLED, NOW).headers["authorization"] == ACS3


def test_aliyun_gets_the_template_with_named_variables_and_our_reference():
    sent = query(ALIYUN.build(FILLED, NOW))
    assert json.loads(sent["TemplateParam"]) == {"code": "100427", "name": "李娜"}
    assert (sent["PhoneNumbers"], sent["SignName"], sent["OutId"]) == (
        "13800138000", "新科电子", "letter-7",
    )  # fmt: skip


def test_each_try_has_its_own_nonce():
    nonces = {
        ALIYUN.build(replace(FILLED, attempts=n), NOW).headers["x-acs-signature-nonce"]
        for n in range(3)
    }
    assert len(nonces) == 3


def test_tencents_own_client_would_sign_the_same():
    request = TENCENT.build(FILLED, NOW)
    canonical = "\n".join((
        "POST", "/", "", "content-type:application/json; charset=utf-8",
        "host:sms.tencentcloudapi.com", "x-tc-action:sendsms", "",
        "content-type;host;x-tc-action", hashlib.sha256(request.content).hexdigest(),
    ))  # fmt: skip
    day = f"{NOW:%Y-%m-%d}"
    to_sign = "\n".join((
        "TC3-HMAC-SHA256", str(int(NOW.timestamp())), f"{day}/sms/tc3_request",
        hashlib.sha256(canonical.encode()).hexdigest(),
    ))  # fmt: skip
    signature = Sign.sign_tc3("key", day, "sms", to_sign)
    assert request.headers["authorization"].endswith(f"Signature={signature}")


def test_tencent_gets_the_variables_in_their_order():
    sent = json.loads(TENCENT.build(FILLED, NOW).content)
    assert (sent["TemplateParamSet"], sent["PhoneNumberSet"]) == (["100427", "李娜"], [PHONE])


def test_huawei_gets_a_password_digest_over_the_hexadecimal_hash():
    request = HUAWEI.build(FILLED, NOW)
    said = dict(
        pair.split("=", 1)
        for pair in request.headers["x-wsse"].removeprefix("UsernameToken ").split(",")
    )
    nonce, created = said["Nonce"].strip('"'), said["Created"].strip('"')
    hexadecimal = hashlib.sha256(f"{nonce}{created}s3".encode()).hexdigest()
    assert base64.b64decode(said["PasswordDigest"].strip('"')).decode() == hexadecimal
    assert created == "2026-11-22T06:30:00Z"


def test_huawei_gets_the_variables_as_a_json_list():
    sent = form(HUAWEI.build(FILLED, NOW))
    assert json.loads(sent["templateParas"]) == ["100427", "李娜"]


@pytest.mark.parametrize("cloud", [ALIYUN, TENCENT, HUAWEI], ids=lambda cloud: cloud.name)
def test_a_cloud_refuses_free_text_before_it_leaves(cloud):
    with pytest.raises(Undeliverable):
        cloud.build(SMS, NOW)


def test_building_is_pure():
    later = NOW + timedelta(seconds=1)
    for gateway in (ALIYUN, HUAWEI):
        same, again, other = (gateway.build(FILLED, at) for at in (NOW, NOW, later))
        assert same.headers == again.headers != other.headers


# --- answers ---

TENCENT_OK = {"Response": {"SendStatusSet": [{"SerialNo": "s1", "Code": "Ok"}]}}
HUAWEI_OK = {"code": "000000", "result": [{"smsMsgId": "h1", "status": "000000"}]}


@pytest.mark.parametrize(
    ("gateway", "response", "receipt"),
    [
        (KANNEL, answered(202, b"0: Accepted for delivery"), "letter-7"),
        (KANNEL, answered(202, b"3: Queued for later delivery"), "letter-7"),
        (CAPCOM6, answered(202, {"id": "letter-7", "state": "Pending"}), "letter-7"),
        (CAPCOM6, answered(409, {"message": "exists"}), "letter-7"),
        (TWILIO, answered(201, {"sid": "SM1", "status": "queued"}), "SM1"),
        (VONAGE, answered(200, {"messages": [{"status": "0", "message-id": "A"}]}), "letter-7"),
        (ALIYUN, answered(200, {"Code": "OK", "BizId": "b1"}), "b1"),
        (TENCENT, answered(200, TENCENT_OK), "s1"),
        (HUAWEI, answered(200, HUAWEI_OK), "h1"),
        (GENERIC, answered(204), "letter-7"),
    ],
)
def test_a_yes_brings_the_receipt_that_reports_will_name(gateway, response, receipt):
    assert gateway.read_answer(response, SMS).id == receipt


def tencent(code):
    return answered(200, {"Response": {"SendStatusSet": [{"Code": code}]}})


@pytest.mark.parametrize(
    ("gateway", "response"),
    [
        (KANNEL, answered(503, b"Temporal failure, try again later.")),
        (KANNEL, answered(403, b"Authorization failed")),
        (CAPCOM6, answered(503, {"code": "QueueLimitExceeded"})),
        (CAPCOM6, answered(401)),
        (TWILIO, answered(429, {"code": 20429})),
        (TWILIO, answered(401, {"code": 20003})),
        (VONAGE, answered(200, {"messages": [{"status": "1"}]})),
        (ALIYUN, answered(400, {"Code": "isv.BUSINESS_LIMIT_CONTROL"})),
        (ALIYUN, answered(400, {"Code": "isv.AMOUNT_NOT_ENOUGH"})),
        (TENCENT, tencent("LimitExceeded.PhoneNumberThirtySecondLimit")),
        (TENCENT, answered(200, {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}})),
        (HUAWEI, answered(200, {"code": "E200038", "result": []})),
        (GENERIC, answered(302)),
    ],
)
def test_a_passing_trouble_is_tried_again_later(gateway, response):
    refused = refusal(gateway, response)
    assert (refused.permanent, bool(refused.retry_after)) == (False, True)


@pytest.mark.parametrize(
    ("gateway", "response"),
    [
        (KANNEL, answered(400, b"Malformed number")),
        (CAPCOM6, answered(400)),
        (TWILIO, answered(400, {"code": 21617})),
        (VONAGE, answered(200, {"messages": [{"status": "6", "error-text": "unroutable"}]})),
        (ALIYUN, answered(400, {"Code": "isv.SMS_TEMPLATE_ILLEGAL"})),
        (TENCENT, tencent("InvalidParameterValue.TemplateParameterFormatError")),
        (HUAWEI, answered(200, {"code": "E200037"})),
        (GENERIC, answered(422)),
    ],
)
def test_what_no_other_try_can_help_goes_to_the_next_address(gateway, response):
    assert refusal(gateway, response).permanent


@pytest.mark.parametrize(
    ("gateway", "response"),
    [
        (TWILIO, answered(400, {"code": 21211})),
        (TWILIO, answered(400, {"code": 21610})),
        (VONAGE, answered(200, {"messages": [{"status": "7"}]})),
        (ALIYUN, answered(400, {"Code": "isv.MOBILE_NUMBER_ILLEGAL"})),
        (TENCENT, tencent("FailedOperation.PhoneNumberInBlacklist")),
    ],
)
def test_a_number_that_cannot_be_reached_is_named_dead(gateway, response):
    assert refusal(gateway, response).address_dead


@pytest.mark.parametrize(
    ("gateway", "response"),
    [
        (TWILIO, answered(502, b"<html>")),
        (VONAGE, answered(500)),
        (VONAGE, answered(200, b"OK")),
        (VONAGE, answered(200, {"messages": []})),
        (ALIYUN, answered(200, b"<html>")),
        (TENCENT, answered(200, [])),
        (TENCENT, answered(200, {"Response": {}})),
        (HUAWEI, answered(504)),
        (GENERIC, answered(500)),
        (CAPCOM6, answered(500)),
    ],
)
def test_an_answer_that_leaves_it_open_is_unclear(gateway, response):
    with pytest.raises(Unclear):
        gateway.read_answer(response, SMS)


def test_a_named_wait_is_kept():
    refused = refusal(CAPCOM6, answered(429, **{"retry-after": "17"}))
    assert refused.retry_after == 17
