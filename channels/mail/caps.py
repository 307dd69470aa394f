"""How much of a mail is looked at, so that no mail can hold up the others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Bytes unless said otherwise. What lies beyond a cap is left out, and the mail says so."""

    raw: int = 40 * 1024 * 1024
    stub: int = 64 * 1024  # what is still read of a mail over `raw`
    header_block: int = 256 * 1024
    header: int = 16 * 1024
    recipients_header: int = 128 * 1024
    recipients: int = 1_000  # people
    parts: int = 500
    depth: int = 20  # multiparts inside multiparts
    text: int = 2 * 1024 * 1024
    html: int = 1024 * 1024
    unpacked_files: int = 100  # out of winmail.dat and uuencode
    file_name: int = 200


CAPS = Caps()
