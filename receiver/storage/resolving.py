"""What people say of a failure; the fold never writes it. Part of the only writer."""

from dataclasses import dataclass
from uuid import UUID

from receiver.errors import Invalid, NotFound
from receiver.storage import audit
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Database, query
from receiver.storage.dimensions import is_within

MAX_NOTES = 4000


@dataclass(frozen=True, slots=True)
class Said:
    """That a failure is resolved, or open again, with notes."""

    resolved: bool
    notes: str = ""


def resolve(
    database: Database, failure_id: UUID, said: Said, who: Actor, project: str | None = None
) -> str:
    """Keep what a person says of a failure; gives its build's number.

    NotFound where there is no such failure in the project or below it, Invalid where the notes
    are too long.
    """
    text = said.notes.replace("\0", "").strip()
    if len(text) > MAX_NOTES:
        raise Invalid(fields={"notes": [f"At most {MAX_NOTES} characters."]})
    after = {"notes": text or None, "resolved": said.resolved}
    with database.transaction() as connection:
        found = connection.execute(
            query("failures/resolve_failure"), after | {"id": failure_id}
        ).fetchone()
        if found is None or not is_within(connection, found["project"], project):
            raise NotFound("There is no such failure.")
        number: str = found["build_number"]
        action = "failure.resolve" if said.resolved else "failure.reopen"
        before = {name: found[name] for name in after}
        target = Target("failure", number, failure_id)
        audit.note_change(connection, who, action, target, before, after)
    return number
