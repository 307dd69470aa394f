"""One provider per file: its formats, its proof, its answer, its way to send."""

from collections.abc import Mapping

from channels.sms.gateways.aliyun import Aliyun
from channels.sms.gateways.capcom6 import Capcom6
from channels.sms.gateways.generic import Generic
from channels.sms.gateways.huawei import Huawei
from channels.sms.gateways.kannel import Kannel
from channels.sms.gateways.tencent import Tencent
from channels.sms.gateways.twilio import Twilio
from channels.sms.gateways.vonage import Vonage
from channels.sms.wire import Gateway

KINDS: Mapping[str, type[Gateway]] = {
    "aliyun": Aliyun,
    "capcom6": Capcom6,
    "generic": Generic,
    "huawei": Huawei,
    "kannel": Kannel,
    "tencent": Tencent,
    "twilio": Twilio,
    "vonage": Vonage,
}
"""By the name in the settings; the fields of each class are its settings."""
