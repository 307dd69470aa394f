"""Whether From may be believed: what our own mail server found out (RFC 8601), nothing else."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "none"]

_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_SPLIT = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_METHOD = re.compile(r"\s*([a-z][a-z0-9-]*)(?:/\d+)?\s*=\s*([a-z]+)\b", re.IGNORECASE)
_PROPERTY = re.compile(r'([a-z]+)\.([a-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Result:
    method: str
    value: str
    about: dict[str, str]


def verdict(domain: str, fields: Sequence[str], trusted: Collection[str]) -> Verdict:
    """DMARC, or DKIM and SPF both for the domain in From.

    Only the topmost field of a server that we trust counts. Whatever stands below may have come
    with the mail: anyone can write our server's name into a header.
    """
    wanted = {name.lower() for name in trusted}
    field = next((field for field in fields if _server(field) in wanted), None)
    if field is None or not domain:
        return "none"
    results = list(_results(field))
    dmarc = {
        result.value
        for result in results
        if result.method == "dmarc" and _speaks_of(result, domain)
    }
    if dmarc:
        return "pass" if dmarc == {"pass"} else "fail" if "fail" in dmarc else "none"
    dkim = [result for result in results if result.method == "dkim"]
    spf = [result for result in results if result.method == "spf"]
    if _aligned(dkim, domain, ("header.d", "header.i")) and _aligned(
        spf, domain, ("smtp.mailfrom",)
    ):
        return "pass"
    failed = [any(result.value == "fail" for result in found) for found in (dkim, spf)]
    return "fail" if all(failed) else "none"


def _server(field: str) -> str:
    words = _without_comments(field).split(";")[0].split()
    return words[0].strip('"').lower() if words else ""


def _without_comments(field: str) -> str:
    """Comments may hold anything the sender likes, `dmarc=pass` for one; they nest."""
    for _ in range(8):
        shorter = _COMMENT.sub(" ", field)
        if shorter == field:
            break
        field = shorter
    return field.partition("(")[0] if "(" in field else field


def _results(field: str) -> Iterator[_Result]:
    for piece in _SPLIT.split(_without_comments(field)[:8192])[1:]:
        if method := _METHOD.match(piece):
            about = {
                f"{kind}.{name}".lower(): value.strip('"').lower()
                for kind, name, value in _PROPERTY.findall(piece)
            }
            yield _Result(method[1].lower(), method[2].lower(), about)


def _speaks_of(result: _Result, domain: str) -> bool:
    return result.about.get("header.from", domain).rpartition("@")[2] == domain


def _aligned(results: Sequence[_Result], domain: str, keys: tuple[str, ...]) -> bool:
    """A pass for the domain itself or one above it; a domain below may belong to somebody else."""
    passed = [result for result in results if result.value == "pass"]
    domains = [
        result.about[key].rpartition("@")[2]
        for result in passed
        for key in keys
        if key in result.about
    ]
    return any(
        domain == found or ("." in found and domain.endswith(f".{found}")) for found in domains
    )
