"""Chinese SMS clouds that check what the real ones check, and telephones that answer through them.

Each refuses with its own codes: a wrong signature, a nonce used twice, an unknown template or
signature, a variable that is missing, too long, or says what variables may not say.
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import replace
from itertools import count
from urllib.parse import parse_qsl, quote

import httpx
from pydantic import SecretStr
from tencentcloud.common.sign import Sign

from bot.settings import Sms
from channels.sms.gateways.aliyun import Aliyun
from channels.sms.gateways.tencent import Tencent
from channels.sms.standard import STANDARD
from channels.sms.wire import CHINA
from tests.sms_servers import golden
from tests.sms_servers.golden import TOKEN

SIGNATURE, HOTLINE = "新科电子", "4001234567"
_REFUSED = re.compile(r"【|】|://|www\.|1[3-9]\d{9}|POS机|评价|问卷|移动|联通|电信")


def _sha(data):
    return hashlib.sha256(data).hexdigest()


class Cloud:
    """What all of them keep: the reviewed templates, what was sent, which ids it got."""

    longest = 35

    def __init__(self, gateway):
        self.gateway = gateway
        self.templates = {kind: f"T{place}" for place, kind in enumerate(STANDARD, 100)}
        self.kinds = {template: kind for kind, template in self.templates.items()}
        self.sent = []
        self.ids = count(1)
        self.nonces = set()

    @property
    def section(self):
        kind = self.gateway.name
        return Sms(
            name=kind, kind=kind, token=SecretStr(TOKEN), signature=SIGNATURE, hotline=HOTLINE,
            templates=self.templates,
        )  # fmt: skip

    def accept(self, to, template, signature, values, reference):
        """The problem in our own words, or the id under which it goes out."""
        if signature != SIGNATURE:
            return "signature", ""
        if template not in self.kinds:
            return "template", ""
        if any(not 1 <= len(v) <= self.longest or _REFUSED.search(v) for v in values):
            return "variable", ""
        if not re.fullmatch(r"1[3-9]\d{9}", to):
            return "number", ""
        known = f"{self.gateway.name}-{next(self.ids)}"
        self.sent.append({
            "to": f"+86{to}", "kind": self.kinds[template], "values": values, "id": known,
            "reference": reference,
        })  # fmt: skip
        return "", known

    def fresh(self, nonce):
        seen = nonce in self.nonces
        self.nonces.add(nonce)
        return not seen


class FakeAliyun(Cloud):
    def __init__(self):
        super().__init__(Aliyun(access_key_id="ak", access_key_secret="sk"))

    def __call__(self, request):
        headers = request.headers
        if not hmac.compare_digest(self._proof(request), headers.get("authorization", "")):
            return self._no("SignatureDoesNotMatch", 400)
        if not self.fresh(headers["x-acs-signature-nonce"]):
            return self._no("SignatureNonceUsed", 400)
        said = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        values = json.loads(said["TemplateParam"])
        wrong, known = self.accept(
            said["PhoneNumbers"], said["TemplateCode"], said["SignName"], list(values.values()),
            said["OutId"],
        )  # fmt: skip
        codes = {
            "signature": "isv.SMS_SIGNATURE_ILLEGAL", "template": "isv.SMS_TEMPLATE_ILLEGAL",
            "variable": "isv.PARAM_LENGTH_LIMIT", "number": "isv.MOBILE_NUMBER_ILLEGAL",
        }  # fmt: skip
        if wrong:
            return self._no(codes[wrong])
        return httpx.Response(200, json={"Code": "OK", "BizId": known, "RequestId": "r"})

    def _no(self, code, status=200):
        return httpx.Response(status, json={"Code": code, "Message": code})

    def _proof(self, request):
        """As Aliyun writes it down in "V3 request structure and signature"."""
        query = "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}"
            for name, value in sorted(parse_qsl(request.url.query.decode()))
        )
        names = sorted(n for n in request.headers if n.startswith("x-acs-") or n == "host")
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
        canonical = "\n".join(("POST", "/", query, lines, ";".join(names), _sha(request.content)))
        to_sign = f"ACS3-HMAC-SHA256\n{_sha(canonical.encode())}"
        proof = hmac.new(b"sk", to_sign.encode(), hashlib.sha256).hexdigest()
        return f"ACS3-HMAC-SHA256 Credential=ak,SignedHeaders={';'.join(names)},Signature={proof}"

    def report(self, letter, delivered, now):
        return golden.json_call(self.gateway, [{
            "phone_number": letter["to"][3:], "send_time": "2026-11-23 10:00:00",
            "report_time": "2026-11-23 10:00:05", "success": delivered,
            "err_code": "DELIVERED" if delivered else "UNDELIV", "err_msg": "", "sms_size": "1",
            "biz_id": letter["id"], "out_id": letter["reference"],
        }])  # fmt: skip

    def reply(self, key, number, text, at):
        message = golden.aliyun_message(key, text) | {
            "phone_number": number[3:],
            "send_time": f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        }  # fmt: skip
        return golden.json_call(self.gateway, [message])


class FakeTencent(Cloud):
    longest = 12

    def __init__(self):
        super().__init__(Tencent(secret_id="id", secret_key="key", app_id="1400"))

    def __call__(self, request):
        if not hmac.compare_digest(self._proof(request), request.headers["authorization"][-64:]):
            return self._error("AuthFailure.SignatureFailure")
        said = json.loads(request.content)
        if said["SmsSdkAppId"] != "1400":
            return self._error("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        [number] = said["PhoneNumberSet"]
        wrong, known = self.accept(
            number.removeprefix("+86"), said["TemplateId"], said["SignName"],
            said["TemplateParamSet"], said["SessionContext"],
        )  # fmt: skip
        codes = {
            "signature": "FailedOperation.SignatureIncorrectOrUnapproved",
            "template": "FailedOperation.TemplateIncorrectOrUnapproved",
            "variable": "InvalidParameterValue.TemplateParameterLengthLimit",
            "number": "InvalidParameterValue.IncorrectPhoneNumber",
        }
        status = {"SerialNo": known, "PhoneNumber": number, "Code": codes.get(wrong, "Ok")}
        return httpx.Response(200, json={"Response": {"SendStatusSet": [status]}})

    def _error(self, code):
        return httpx.Response(200, json={"Response": {"Error": {"Code": code}}})

    def _proof(self, request):
        stamp = int(request.headers["x-tc-timestamp"])
        signed = re.search(r"Credential=id/([\d-]+)/sms", request.headers["authorization"])
        assert signed is not None
        day = signed[1]
        names = ("content-type", "host", "x-tc-action")
        lines = "".join(f"{name}:{request.headers[name].lower()}\n" for name in names)
        canonical = "\n".join(("POST", "/", "", lines, ";".join(names), _sha(request.content)))
        to_sign = "\n".join(
            ("TC3-HMAC-SHA256", str(stamp), f"{day}/sms/tc3_request", _sha(canonical.encode()))
        )
        return Sign.sign_tc3("key", day, "sms", to_sign)

    def report(self, letter, delivered, now):
        return golden.json_call(self.gateway, [{
            "user_receive_time": "2026-11-23 10:00:05", "nationcode": "86",
            "mobile": letter["to"][3:], "report_status": "SUCCESS" if delivered else "FAIL",
            "errmsg": "DELIVRD" if delivered else "UNDELIV", "description": "", "sid": letter["id"],
        }])  # fmt: skip

    def reply(self, key, number, text, at):
        return golden.json_call(self.gateway, {
            "extend": "", "mobile": number[3:], "nationcode": "86", "sign": SIGNATURE,
            "text": text, "time": int(at.timestamp()),
        })  # fmt: skip


class FakeHuawei(Cloud):
    longest = 20

    def __init__(self):
        super().__init__(replace(
            golden.HUAWEI, sender="8820", status_callback="https://desk.example.com/hooks"
        ))  # fmt: skip

    @property
    def section(self):
        return super().section.model_copy(update={"kind": "huawei"})

    def __call__(self, request):
        said = dict(re.findall(r'(\w+)="([^"]*)"', request.headers["x-wsse"]))
        digest = _sha(f"{said['Nonce']}{said['Created']}s3".encode())
        if said["Username"] != "app" or said["PasswordDigest"] != _base64(digest):
            return httpx.Response(401, json={"code": "E000103"})
        if not self.fresh(said["Nonce"]):
            return httpx.Response(401, json={"code": "E000104"})
        fields = dict(parse_qsl(request.content.decode()))
        values = json.loads(fields["templateParas"])
        if any(re.search(r"[.。'<>{}]", value) for value in values):
            return httpx.Response(200, json={"code": "E200037"})
        wrong, known = self.accept(
            fields["to"].removeprefix("+86"), fields["templateId"], fields["signature"], values,
            fields["extend"],
        )  # fmt: skip
        codes = {
            "signature": "E200028", "template": "E200037", "variable": "E200040",
            "number": "E200041",
        }  # fmt: skip
        if wrong:
            return httpx.Response(200, json={"code": codes[wrong]})
        result = [{"originTo": fields["to"], "smsMsgId": known, "status": "000000"}]
        return httpx.Response(200, json={"code": "000000", "result": result})

    def report(self, letter, delivered, now):
        fields = {
            "smsMsgId": letter["id"], "total": "1", "sequence": "1", "source": "1",
            "status": "DELIVRD" if delivered else "UNDELIV", "updateTime": "2026-11-23T02:00:05Z",
        }  # fmt: skip
        return golden.huawei_call(self.gateway, fields, now)

    def reply(self, key, number, text, at):
        fields = {"smsMsgId": key, "from": number, "to": "8820", "body": text}
        return golden.huawei_call(self.gateway, fields, at)


def _base64(hexadecimal):
    return base64.b64encode(hexadecimal.encode()).decode()
