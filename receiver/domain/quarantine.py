"""Quarantine: a forge's delivery that cannot be used is kept with the reason, to be replayed."""

from receiver.domain.delivery import Content
from receiver.errors import Invalid

MAX_REASON = 500


def quarantine(error: Invalid) -> Content:
    """Return the content of a delivery that is kept unused; with field names, never the input."""
    fields = [f"{name}: {' '.join(texts)}" for name, texts in error.fields.items()]
    reason = " ".join([error.detail, *fields])[:MAX_REASON]
    return Content(outcome="quarantined", reason=reason)
