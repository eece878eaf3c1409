"""The driver's errors, as requests and commands tell of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from receiver import log
from receiver.errors import (
    ON_STANDBY,
    Contended,
    HttpError,
    Invalid,
    MigrationError,
    MilepostError,
    ReadOnly,
    SchemaMissing,
    Unavailable,
)

# What an old schema lacks. A function is named with the types that it takes, so a column of another
# type may be one of these as well.
MISSING = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
)

# These make a pool's other connections useless as well: a demoted primary still passes its check,
# and a migration made their prepared statements stale.
STALE = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.FeatureNotSupported)
ANSWERS: tuple[tuple[type[psycopg.Error], type[Unavailable], str], ...] = (
    (PoolTimeout, Unavailable, "The database did not answer in time."),
    (psycopg.errors.FeatureNotSupported, Unavailable, "The schema changed meanwhile."),
    (
        psycopg.errors.IdleInTransactionSessionTimeout,
        Unavailable,
        "The database waited too long for us.",
    ),
    (psycopg.errors.ForeignKeyViolation, Contended, "A name was merged meanwhile."),
    (psycopg.errors.DeadlockDetected, Contended, "The database is busy."),
)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the driver's errors as MilepostError, for commands."""
    try:
        yield
    except MISSING as error:
        raise MigrationError("The schema is old: run milepost migrate") from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise ReadOnly(
            "The database takes no changes: it is a standby, or set to read-only. Let DATABASE_URL "
            "lead to the primary, such as by target_session_attrs=read-write."
        ) from error
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database is away: {error}") from error
    except psycopg.Error as error:
        raise MilepostError(f"The database refuses this: {error}") from error


def translated(error: psycopg.Error, *, is_standby: bool = False) -> HttpError | None:
    """Return the error of a request; None for an error of our own code.

    A standby refuses changes as read-only, and those of unlogged tables as no feature of it.
    """
    if isinstance(error, STALE) and is_standby:
        return ReadOnly(ON_STANDBY)
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return ReadOnly("The database takes no changes at the moment.")
    if isinstance(error, MISSING):
        log.unexpected(error)  # a defect of ours would look the same
        return SchemaMissing()
    if isinstance(error, (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)):
        # Our checks missed it. A 503 would be wrong: trying again does not help.
        log.unexpected(error)
        return Invalid("The database cannot hold such a value.")
    for kind, answer, text in ANSWERS:
        if isinstance(error, kind):
            return answer(text)
    return Unavailable(_reason(error)) if isinstance(error, psycopg.OperationalError) else None


def _reason(error: psycopg.OperationalError) -> str:
    code = error.sqlstate or ""
    if code.startswith("53"):
        return "The database is out of resources."
    return "The database is busy." if code in ("55P03", "57014") else "It went away."
