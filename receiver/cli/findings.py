"""What a check of `milepost doctor` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: good, odd or bad; and advice unless it is good."""

    what: str
    result: str
    text: str
    advice: str = ""
