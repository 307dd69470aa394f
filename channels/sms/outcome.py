"""What a gateway's answer to a send means for the letter."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from core.errors import Unclear, Undeliverable


@dataclass(frozen=True, slots=True)
class Verdict:
    """How to take a provider's error code."""

    permanent: bool = True
    dead: bool = False  # the number itself cannot be reached
    after: float | None = None  # seconds until another try makes sense


LATER = Verdict(permanent=False, after=60)
LIMITED = Verdict(permanent=False, after=3600)
OURS = Verdict(permanent=False, after=900)  # credit, credentials: somebody of ours must act
DEAD = Verdict(dead=True)
NEVER = Verdict()


def refused(reason: str, verdict: Verdict) -> Undeliverable:
    return Undeliverable(
        reason,
        permanent=verdict.permanent,
        retry_after=verdict.after,
        address_dead=verdict.dead,
    )


def by_prefix(code: str, table: Mapping[str, Verdict], otherwise: Verdict) -> Verdict:
    """The verdict of the longest entry that the code begins with."""
    fitting = [prefix for prefix in table if code.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else otherwise


def check_status(response: httpx.Response) -> None:
    """Raises for every status but 2xx. A server's fault may come after it took the text."""
    status = response.status_code
    if response.is_success:
        return
    reason = f"HTTP {status}"
    if status in (429, 503):
        raise refused(reason, Verdict(permanent=False, after=retry_after(response)))
    if status in (401, 402, 403, 404, 407):
        raise refused(reason, OURS)
    if response.is_redirect:
        raise refused(reason, OURS)
    if status >= 500 or status == 408:
        raise Unclear(reason)
    raise refused(reason, NEVER)


def retry_after(response: httpx.Response, otherwise: float = 60) -> float:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else otherwise


def fields(response: httpx.Response) -> dict[str, object]:
    """The answer's JSON object. An unreadable answer leaves open whether the text went out."""
    try:
        answer = json.loads(response.content)
    except ValueError as broken:
        raise Unclear("the answer is no JSON") from broken
    if not isinstance(answer, dict):
        raise Unclear("the answer is no object")
    return answer
