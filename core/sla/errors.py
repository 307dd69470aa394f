"""What the SLA engine refuses, by name."""


class SlaRefusal(ValueError):
    """Something that cannot be computed or saved as it was given."""


class NaiveMoment(SlaRefusal):
    """A moment without a zone: nobody could say which instant is meant."""

    def __init__(self) -> None:
        super().__init__("a moment needs a zone or an offset")


class NoWorkingTime(SlaRefusal):
    """A calendar under which no deadline would ever come."""

    def __init__(self, calendar: str, since: str, days: int) -> None:
        super().__init__(f"calendar {calendar!r} has no working time in {days} days from {since}")


class OutOfReach(SlaRefusal):
    """A moment so far away that no calendar goes there."""

    def __init__(self) -> None:
        super().__init__("working time is known from 1950 to 2200")


class WrongHours(SlaRefusal):
    """Hours, an amount of time or a calendar's definition that cannot be read."""


class WrongYear(SlaRefusal):
    """An import of a year of days that is empty or does not fit its form."""


class WrongPolicy(SlaRefusal):
    """A policy that cannot be loaded; `problems` has one sentence for each wrong value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
