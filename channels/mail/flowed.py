"""Text that its program broke for the journey (RFC 3676): a blank at the end means "goes on"."""

SIGNATURE = "-- "


def unflowed(text: str, *, spaced: bool = True) -> str:
    """Paragraphs as they were typed. `spaced`: the blank at a break is one of the sender's own."""
    out: list[str] = []
    open_depth = -1  # of the quote whose last line goes on; -1: none does
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        said = line[depth:].removeprefix(" ")  # put there so that "From" or ">" can begin a line
        goes_on = said.endswith(" ") and said != SIGNATURE
        if goes_on and not spaced:
            said = said[:-1]
        if depth == open_depth and said != SIGNATURE:
            out[-1] += said
        else:
            out.append(f"{'>' * depth} {said}" if depth else said)
        open_depth = depth if goes_on else -1
    return "\n".join(out)
