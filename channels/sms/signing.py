"""How the Chinese clouds sign: ACS3 (Aliyun), TC3 (Tencent), SDK-HMAC and WSSE (Huawei)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{_quote(name)}={_quote(query[name])}" for name in sorted(query))


def _quote(text: str) -> str:
    return quote(text, safe="~")


def _canonical(headers: Mapping[str, str], names: Sequence[str]) -> str:
    return "".join(f"{name}:{headers[name].strip()}\n" for name in names)


def acs3(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    key_id: str,
    secret: str,
) -> str:
    """The Authorization header; `headers` (lower case, all of them signed) hold x-acs-…."""
    names = sorted(headers)
    signed = ";".join(names)
    request = "\n".join(
        (method, path, canonical_query(query), _canonical(headers, names), signed, sha256_hex(body))
    )
    to_sign = f"ACS3-HMAC-SHA256\n{sha256_hex(request.encode())}"
    signature = _mac(secret.encode(), to_sign).hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={signed},Signature={signature}"


def tc3(
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    key_id: str,
    secret: str,
) -> str:
    """The Authorization header of a POST to /; `headers` are lower case, all of them signed."""
    names = sorted(headers)
    signed = ";".join(names)
    canonical = _canonical({name: value.lower() for name, value in headers.items()}, names)
    request = "\n".join(("POST", "/", "", canonical, signed, sha256_hex(body)))
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    stamp = int(now.timestamp())
    to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{sha256_hex(request.encode())}"
    key = _mac(_mac(_mac(f"TC3{secret}".encode(), day), service), "tc3_request")
    signature = _mac(key, to_sign).hex()
    return (
        f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )


def sdk_hmac(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    names: Sequence[str],
    body: bytes,
    secret: str,
) -> str:
    """Huawei's signature over the named headers (lower case, x-sdk-date among them)."""
    directory = quote(path if path.endswith("/") else path + "/", safe="/~")
    request = "\n".join(
        (
            method,
            directory,
            canonical_query(query),
            _canonical(headers, names),
            ";".join(names),
            sha256_hex(body),
        )
    )
    to_sign = f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{sha256_hex(request.encode())}"
    return _mac(secret.encode(), to_sign).hex()


def wsse(key: str, secret: str, nonce: str, now: datetime) -> str:
    """Huawei's X-WSSE header. The digest is base64 over the *hexadecimal* SHA-256."""
    created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = base64.b64encode(sha256_hex(f"{nonce}{created}{secret}".encode()).encode()).decode()
    return (
        f'UsernameToken Username="{key}",PasswordDigest="{digest}",'
        f'Nonce="{nonce}",Created="{created}"'
    )
