"""Calls of every provider, made from its documented formats, signed as it signs."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from channels.sms import signing
from channels.sms.gateways.aliyun import Aliyun
from channels.sms.gateways.capcom6 import Capcom6
from channels.sms.gateways.generic import Generic, signed
from channels.sms.gateways.huawei import Huawei
from channels.sms.gateways.kannel import Kannel
from channels.sms.gateways.tencent import Tencent
from channels.sms.gateways.twilio import Twilio
from channels.sms.gateways.vonage import Vonage
from channels.sms.wire import Gateway, HookRequest

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
TOKEN = "kC0v7N2mQ4xR8sT1wY5zB3"  # what stands in the path; 22 characters are 128 bits
TEXT = "打印机坏了😀"
PHONE = "+8613800138000"
FORM = "application/x-www-form-urlencoded"
DESK = "https://desk.example.com"

KANNEL = Kannel(username="desk", password="secret", sender="95588")
CAPCOM6 = Capcom6(signing_key="Kq9tZr3v", url="http://127.0.0.1:8080/message")
TWILIO = Twilio(account_sid="AC" + "0" * 32, auth_token="auth_token_12345", sender="+15005550006")
VONAGE = Vonage(
    api_key="key", api_secret="secret", signature_secret="sign", signature_method="sha256"
)
ALIYUN = Aliyun(access_key_id="ak", access_key_secret="sk")
TENCENT = Tencent(secret_id="id", secret_key="key", app_id="1400")
HUAWEI = Huawei(app_key="app", app_secret="s3", push_key="push", push_secret="pushed")
GENERIC = Generic(secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))
ALL: tuple[Gateway, ...] = (
    KANNEL, CAPCOM6, TWILIO, VONAGE, ALIYUN, TENCENT, HUAWEI, GENERIC,
)  # fmt: skip
UNSIGNED = (KANNEL, ALIYUN, TENCENT)


def path(gateway: Gateway) -> str:
    return f"/hooks/sms/{gateway.name}/{TOKEN}"


def request(gateway, *, method="POST", query="", headers=None, body=b"") -> HookRequest:
    url = DESK + path(gateway) + (f"?{query}" if query else "")
    return HookRequest(
        method=method, url=url, query=query, headers=headers or {}, body=body, received_at=NOW
    )


def message(gateway: Gateway, key: str = "m1", text: str = TEXT, now: datetime = NOW):
    """A text from PHONE, as this provider reports it."""
    return _MAKERS[type(gateway)](gateway, key, text, now)


def _kannel(gateway, key, text, now):
    query = urlencode({
        "from": "13800138000", "to": "95588", "text": text, "time": f"{now:%Y-%m-%d %H:%M:%S}",
        "id": key, "smsc": "fake", "charset": "UTF-8", "coding": "0", "udh": "",
    })  # fmt: skip
    return request(gateway, method="GET", query=query)


def capcom6_event(gateway, event, key, payload, now=NOW):
    body = json.dumps(
        {
            "deviceId": "ffffffffceb0b1db0000018e937c815b",
            "event": event,
            "id": key,
            "payload": payload,
            "webhookId": "LreFUt-Z3sSq0JufY9uWB",
        },
        ensure_ascii=False,
    ).encode()
    stamp = str(int(now.timestamp()))
    proof = hmac.new(gateway.signing_key.encode(), body + stamp.encode(), hashlib.sha256)
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-signature": proof.hexdigest(),
        "x-timestamp": stamp,
    }
    return request(gateway, headers=headers, body=body)


def _capcom6(gateway, key, text, now):
    payload = {
        "messageId": "abc123",
        "message": text,
        "sender": "13800138000",
        "recipient": None,
        "simNumber": 1,
        "receivedAt": "2026-11-22T14:30:00.000+08:00",
    }
    return capcom6_event(gateway, "sms:received", key, payload, now)


def twilio_call(gateway, fields):
    unsigned = request(gateway, headers={"content-type": FORM}, body=urlencode(fields).encode())
    headers = {**unsigned.headers, "x-twilio-signature": gateway.signature(unsigned)}
    return request(gateway, headers=headers, body=unsigned.body)


def _twilio(gateway, key, text, now):
    return twilio_call(
        gateway,
        {
            "ToCountry": "US", "MessageSid": key, "SmsSid": key, "SmsStatus": "received",
            "AccountSid": gateway.account_sid, "From": PHONE, "To": "+15005550006", "Body": text,
            "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01",
        },
    )  # fmt: skip


def vonage_call(gateway, fields, now=NOW):
    fields = {**fields, "timestamp": str(int(now.timestamp())), "nonce": "aaa-bbb"}
    fields["sig"] = gateway.signature(fields)
    return request(gateway, method="GET", query=urlencode(fields))


def _vonage(gateway, key, text, now):
    return vonage_call(
        gateway,
        {
            "msisdn": PHONE[1:], "to": "447700900000", "messageId": key, "text": text,
            "type": "unicode", "keyword": "打印机坏了", "message-timestamp": "2026-11-22 06:30:00",
        },
        now,
    )  # fmt: skip


def json_call(gateway, value, coding="utf-8"):
    body = json.dumps(value, ensure_ascii=False).encode(coding)
    return request(gateway, headers={"content-type": "application/json"}, body=body)


def aliyun_message(key, text=TEXT):
    return {
        "phone_number": "13800138000", "send_time": "2026-11-22 14:30:00", "content": text,
        "sign_name": "新科电子", "dest_code": "8881", "sequence_id": key,
    }  # fmt: skip


def _aliyun(gateway, key, text, now):
    return json_call(gateway, [aliyun_message(key, text)])


def _tencent(gateway, key, text, now):
    return json_call(
        gateway,
        {
            "extend": key, "mobile": "13800138000", "nationcode": "86", "sign": "新科电子",
            "text": text, "time": int(NOW.timestamp()),
        },
    )  # fmt: skip


def huawei_call(gateway, fields, now=NOW):
    body = urlencode(fields).encode()
    headers = {
        "content-type": FORM,
        "host": "desk.example.com",
        "x-sdk-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    names = ["content-type", "host", "x-sdk-date"]
    proof = signing.sdk_hmac("POST", path(gateway), {}, headers, names, body, gateway.push_secret)
    headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={gateway.push_key}, "
        f"SignedHeaders={';'.join(names)}, Signature={proof}"
    )
    return request(gateway, headers=headers, body=body)


def _huawei(gateway, key, text, now):
    fields = {
        "smsMsgId": key, "from": PHONE, "to": "10690400999304584", "body": text,
        "createTime": "2026-11-22T06:30:00Z",
    }  # fmt: skip
    return huawei_call(gateway, fields, now)


def generic_event(gateway, key, event, now=NOW):
    headers, body = signed(gateway.secrets, key, event, now)
    return request(gateway, headers=headers, body=body)


def _generic(gateway, key, text, now):
    data = {"from": "138 0013 8000", "text": text, "to": "95588"}
    event = {"type": "sms.received", "timestamp": "2026-11-22T06:30:00Z", "data": data}
    return generic_event(gateway, key, event, now)


_MAKERS = {
    Kannel: _kannel, Capcom6: _capcom6, Twilio: _twilio, Vonage: _vonage, Aliyun: _aliyun,
    Tencent: _tencent, Huawei: _huawei, Generic: _generic,
}  # fmt: skip
