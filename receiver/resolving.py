"""What people say of a failure; the fold never writes it. Part of the only writer."""

from uuid import UUID

from receiver.db import Database, query
from receiver.errors import Invalid, NotFound

MAX_NOTES = 4000


def resolve(database: Database, failure_id: UUID, notes: str, *, resolved: bool = True) -> str:
    """Mark a failure resolved, or open again, with notes; gives its build's number.

    NotFound where there is no such failure, Invalid where the notes are too long.
    """
    text = notes.replace("\0", "").strip()
    if len(text) > MAX_NOTES:
        raise Invalid(fields={"notes": [f"At most {MAX_NOTES} characters."]})
    row = {"id": failure_id, "notes": text or None, "resolved": resolved}
    with database.transaction() as connection:
        found = connection.execute(query("resolve_failure"), row).fetchone()
    if found is None:
        raise NotFound("There is no such failure.")
    number: str = found["build_number"]
    return number
