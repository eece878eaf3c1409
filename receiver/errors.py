"""Every error that the receiver raises on purpose, each with its HTTP status and stable code.

    MilepostError
    ├── ConfigError          settings or TOML files are wrong; lists every problem
    ├── EmbeddedError        the embedded PostgreSQL cannot run here
    ├── MigrationError       the schema and the files disagree
    └── HttpError
        ├── Malformed        400
        ├── WrongHost        400, the Host header names another host
        ├── NotFound         404
        ├── WrongMethod      405
        ├── WrongType        415
        ├── TooLarge         413
        ├── Unauthorized     401
        ├── Closed           401, pages and API need a token here
        ├── Forbidden        403, the token does not allow it
        ├── Conflict         409
        ├── Pruned           409, the body of the delivery was pruned
        ├── SenderGone       409, the sender of the delivery was removed
        ├── Taken            409, the name or number exists already
        ├── InUse            409, other rows refer to it, and are named
        ├── Cycle            409, a project as its own ancestor
        ├── Ended            409, the build already finished
        ├── Invalid          422, names each wrong field
        │   ├── Undecodable  422, the body is not valid JSON
        │   └── TooManyEvents 422, the build has too many events or (TooManyChecks) checks
        ├── RateLimited      429, after many wrong signatures or tokens
        └── Unavailable      503, try again
            ├── Contended    503, another transaction was in the way; retried before it is reported
            ├── SenderUnavailable 503, it is disabled, or no key here decrypts its secret
            ├── ReadOnly     503, the database takes no changes: it is a standby
            └── SchemaMissing  503, the schema is that of an older release

Those of channels and revocations are in domain/image_errors.py.

An error's text is a sentence that a user may see; it never repeats input or a secret.
"""

from collections.abc import Mapping, Sequence

ON_STANDBY = "This receiver reads a standby of the database, which takes no changes."


class MilepostError(Exception):
    """Something went wrong that the user can do something about."""


class ConfigError(MilepostError):
    """Settings are wrong; `problems` holds one sentence for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class EmbeddedError(MilepostError):
    """The embedded PostgreSQL cannot run here."""


class MigrationError(MilepostError):
    """The database's schema does not fit the migration files."""


class HttpError(MilepostError):
    """A request that fails; answered as problem details (RFC 9457)."""

    status = 500
    code = "internal"
    title = "Internal error"
    explains = False  # whether its own description is the detail

    def __init__(
        self,
        detail: str = "",
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or (self.explains and self.__doc__) or self.title
        super().__init__(self.detail)
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})


class NotFound(HttpError):
    """There is nothing at this address; `choices` are the builds that may be meant."""

    status, code, title = 404, "not-found", "Not found"
    choices: tuple[str, ...] = ()


class Malformed(HttpError):
    """The request is malformed."""

    status, code, title = 400, "malformed", "Malformed request"


class WrongHost(HttpError):
    """Set MILEPOST_EXTERNAL_URL or MILEPOST_TRUSTED_HOSTS to the host name of this receiver."""

    status, code, title = 400, "wrong-host", "Unknown host name"
    explains = True


class WrongMethod(HttpError):
    """The route does not allow this method."""

    status, code, title = 405, "wrong-method", "Method not allowed"


class WrongType(HttpError):
    """The route does not accept the content type or encoding of the body."""

    status, code, title = 415, "unsupported-type", "Unsupported content type"


class TooLarge(HttpError):
    """The body is larger than the route accepts."""

    status, code, title = 413, "too-large", "Body too large"


class Unauthorized(HttpError):
    """The signature is invalid; one text for every reason, so that it helps no guess.

    `reason` is for pages, never in the answer: no-signature, wrong-signature or wrong-time.
    """

    status, code, title = 401, "unauthorized", "Invalid signature"

    def __init__(self, reason: str = "wrong-signature") -> None:
        super().__init__()
        self.reason = reason


class Closed(HttpError):
    """A token is needed: in the form, or as Authorization: Bearer (milepost token create)."""

    status, code, title = 401, "closed", "Authentication required"
    explains = True

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class Forbidden(HttpError):
    """The caller is known, and lacks the permission."""

    status, code, title = 403, "forbidden", "Not allowed"


class Conflict(HttpError):
    """This delivery id was used before with another body or query; the first delivery stays."""

    status, code, title = 409, "conflict", "Delivery id already used for another body"


class Pruned(HttpError):
    """The body of this delivery was pruned, so it cannot be read again."""

    status, code, title = 409, "pruned", "The delivery's body was pruned"


class SenderGone(HttpError):
    """The sender of this delivery was removed: make it again, or leave the delivery as it is."""

    status, code, title = 409, "sender-gone", "The delivery's sender is gone"

    def __init__(self, source: str, sender: str) -> None:
        super().__init__(
            f"There is no {source} sender {sender} any more, so nothing was changed. Make it again"
            f" with `milepost sender add {sender} --source {source}`, then replay."
        )


class Taken(HttpError):
    """The name or number exists already."""

    status, code, title = 409, "taken", "Name or number already taken"


class InUse(HttpError):
    """Other rows refer to this one; `references` holds their count and a few names, by table."""

    status, code, title = 409, "in-use", "Still in use"

    def __init__(self, detail: str, references: Mapping[str, Mapping[str, object]]) -> None:
        super().__init__(detail)
        self.references = dict(references)


class Cycle(HttpError):
    """A project cannot be its own ancestor."""

    status, code, title = 409, "cycle", "A project cannot be its own ancestor"


class Ended(HttpError):
    """The build already finished: there is nothing to cancel."""

    status, code, title = 409, "ended", "Build already finished"


class Invalid(HttpError):
    """The body is valid JSON with invalid fields; `fields` names each of them."""

    status, code, title = 422, "invalid", "Invalid request"


class Undecodable(Invalid):
    """The body is not one valid JSON document."""

    code, title = "undecodable", "Invalid JSON"


class TooManyEvents(Invalid):
    """The build has so many events that it takes no more stages or resources."""

    code, title = "too-many-events", "Too many events of one build"

    def __init__(self, number: str, most: int) -> None:
        super().__init__(
            f"The build {number} has {most} events and takes no more stages and resources; its"
            " verdict, artifacts and manifest are still taken. Give each image a build number of"
            " its own."
        )


class TooManyChecks(TooManyEvents):
    """The build has so many checks that it takes no more of them."""

    def __init__(self, number: str, most: int) -> None:
        HttpError.__init__(
            self,
            f"The build {number} has {most} checks and takes no more of them: build the image"
            " again.",
        )


class RateLimited(HttpError):
    """Too many wrong signatures or tokens came from this address; a valid one is still accepted."""

    status, code, title = 429, "too-many-guesses", "Too many failed authentications"
    explains = True

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


class Unavailable(HttpError):
    """The database is away or too busy; the sender should try again."""

    status, code, title = 503, "unavailable", "Database unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 3) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Contended(Unavailable):
    """Another transaction was in the way; a retry may pass at once."""


class SenderUnavailable(Unavailable):
    """The sender is disabled, or no key here decrypts its secret; it should try again later."""

    code, title = "sender-unavailable", "Sender cannot be verified now"


class ReadOnly(Unavailable):
    """The database takes no changes: it is a standby, or set to read-only."""

    code, title = "read-only", "Database read-only"


class SchemaMissing(Unavailable):
    """The database lacks a table or column of this release: run milepost migrate."""

    code, title = "migrate", "Database schema out of date"
    explains = True
