"""Every error the receiver raises on purpose, each with its HTTP status and stable code.

    MilepostError
    ├── ConfigError          settings or TOML files are wrong; lists every problem
    ├── EmbeddedError        the embedded PostgreSQL cannot run here
    ├── MigrationError       the schema and the files disagree
    └── HttpError
        ├── Malformed        400
        ├── WrongHost        400, asked by a name that is not this receiver's
        ├── NotFound         404
        ├── WrongMethod      405
        ├── WrongType        415
        ├── TooLarge         413
        ├── Unauthorized     401
        ├── Closed           401, pages and API need a token
        ├── Forbidden        403, the token does not reach so far
        ├── Conflict         409
        ├── Pruned           409, a delivery whose body is gone
        ├── Taken            409, the name or number is another's
        ├── InUse            409, says what still refers to it
        ├── Cycle            409, a project below itself
        ├── Ended            409, there is nothing left to cancel
        ├── Invalid          422, names each wrong field
        │   └── Undecodable  422, the body is no sane JSON
        ├── TooManyGuesses   429, after many wrong signatures or tokens
        └── Unavailable      503, try again
            └── Contended    503, another transaction was in the way; tried again before it is told

An error's text is a sentence a user may see; it never echoes input or a secret.
"""

from collections.abc import Mapping, Sequence


class MilepostError(Exception):
    """Something went wrong that the user can do something about."""


class ConfigError(MilepostError):
    """Settings are wrong; `problems` holds one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class EmbeddedError(MilepostError):
    """The embedded PostgreSQL cannot run here."""


class MigrationError(MilepostError):
    """The database's schema does not fit the migration files."""


class HttpError(MilepostError):
    """An answer that is not a success, as RFC 9457 problem details."""

    status = 500
    code = "internal"
    title = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})


class NotFound(HttpError):
    """There is nothing at this address."""

    status, code, title = 404, "not-found", "Not found"


class Malformed(HttpError):
    """The request itself is broken."""

    status, code, title = 400, "malformed", "Broken request"


class WrongHost(HttpError):
    """Set MILEPOST_EXTERNAL_URL or MILEPOST_TRUSTED_HOSTS to the name that is in use."""

    status, code, title = 400, "wrong-host", "This receiver has another name"

    def __init__(self) -> None:
        super().__init__(self.__doc__ or "")


class WrongMethod(HttpError):
    """Only POST delivers."""

    status, code, title = 405, "wrong-method", "Method not allowed"


class WrongType(HttpError):
    """The body's type or encoding is not taken here."""

    status, code, title = 415, "unsupported-type", "Unsupported content type"


class TooLarge(HttpError):
    """The body is larger than this route takes."""

    status, code, title = 413, "too-large", "Body too large"


class Unauthorized(HttpError):
    """The request is not signed rightly; one answer, whatever the reason."""

    status, code, title = 401, "unauthorized", "Not signed rightly"


class Closed(HttpError):
    """Show a token: in the sign-in form, or as Authorization: Bearer (milepost token create)."""

    status, code, title = 401, "closed", "Pages and API are closed here"

    def __init__(self) -> None:
        super().__init__(self.__doc__ or "", headers={"WWW-Authenticate": "Bearer"})


class Forbidden(HttpError):
    """The caller is known, and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class Conflict(HttpError):
    """This delivery id was used before with another body or query; the first one is kept."""

    status, code, title = 409, "conflict", "Delivery id already used for another body"


class Pruned(HttpError):
    """The delivery's body was pruned: there is nothing left to read."""

    status, code, title = 409, "pruned", "The delivery's body was pruned"


class Taken(HttpError):
    """There is one of this name or number already."""

    status, code, title = 409, "taken", "Name or number already taken"


class InUse(HttpError):
    """Others still refer to it; `references` holds their count and a few names, by table."""

    status, code, title = 409, "in-use", "Still in use"

    def __init__(self, detail: str, references: Mapping[str, Mapping[str, object]]) -> None:
        super().__init__(detail)
        self.references = dict(references)


class Cycle(HttpError):
    """A project cannot be below itself."""

    status, code, title = 409, "cycle", "A project cannot be below itself"


class Ended(HttpError):
    """The build has ended: there is nothing left to cancel."""

    status, code, title = 409, "ended", "The build has ended"


class Invalid(HttpError):
    """The body is readable but wrong; `fields` names each wrong field."""

    status, code, title = 422, "invalid", "Invalid request"


class Undecodable(Invalid):
    """The body is not one sane JSON document."""

    code, title = "undecodable", "Body is not sane JSON"


class TooManyGuesses(HttpError):
    """Too many wrong signatures or tokens came from this address; the right one still counts."""

    status, code, title = 429, "too-many-guesses", "Too many wrong proofs"

    def __init__(self, retry_after: int) -> None:
        super().__init__(self.__doc__ or "", headers={"Retry-After": str(retry_after)})


class Unavailable(HttpError):
    """The database is away or too busy; the sender should try again."""

    status, code, title = 503, "unavailable", "Database unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 3) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Contended(Unavailable):
    """Another transaction was in the way; the same may pass at once."""
