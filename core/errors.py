"""Refusals by name. One door turns them into words; nothing here is a fault of ours."""


class Refusal(Exception):
    """The desk understood and declines. `kind` is a catalog key, `params` its slots."""

    kind = "refused"

    def __init__(self, **params: str | int) -> None:
        super().__init__(self.kind, params)
        self.params = params


class NotAllowed(Refusal):
    """This person may not do that to this ticket."""

    kind = "refused_not_allowed"


class Unproven(NotAllowed):
    """It may well be that person, but a number that anybody can write proves nothing."""

    kind = "refused_unproven"


class IllegalMove(Refusal):
    """The ticket's state does not know that action (R-036)."""

    kind = "refused_illegal_move"


class NoSuchTicket(Refusal):
    """No ticket has that number, or its check digit shows a slip of the finger."""

    kind = "refused_no_such_ticket"


class TakenByAnother(Refusal):
    """Somebody else won the job."""

    kind = "refused_taken"


class Stale(Refusal):
    """A button of an old card, or forged data."""

    kind = "refused_stale_button"


class Missing(Refusal):
    """The action needs something that was not said."""

    kind = "refused_missing"


class WrongSiteCode(Missing):
    """Not the code of that site: spoken wrongly, or scanned elsewhere."""

    kind = "refused_site_code"


class CallForm(Refusal):
    """A call is logged with who rang and what for."""

    kind = "refused_call_form"


class BadCode(Refusal):
    """A binding code, site code or PIN that is unknown, used up or expired."""

    kind = "refused_bad_code"


class Undeliverable(Exception):
    """A carrier said no. Permanent: no other try can help at this address."""

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        retry_after: float | None = None,
        address_dead: bool = False,
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after = retry_after  # seconds, where the carrier names them
        self.address_dead = address_dead  # blocked, deactivated, no such mailbox


class Unclear(Exception):
    """The answer was lost: the carrier may have taken the letter."""


class StorageBusy(Exception):
    """The database cannot take a write now: confirm nothing, try again."""


class FileTooLarge(Exception):
    """More than the carrier hands out, or than we take."""


class FileVanished(Exception):
    """The carrier no longer has it."""
