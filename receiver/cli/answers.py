"""What an answer of /api/v1 says: a document, or the error that it names."""

import requests

from receiver.domain.image_errors import Gate, NotAssignable, NotCurrent, Revoked
from receiver.domain.model import Json
from receiver.errors import (
    Ended,
    Forbidden,
    HttpError,
    Invalid,
    MilepostError,
    NotFound,
    Pruned,
    Taken,
    Unavailable,
)

ERRORS: tuple[type[HttpError], ...] = (
    *(NotFound, Pruned, Taken, Ended, Invalid),
    *(NotAssignable, NotCurrent, Revoked, Gate),
)


def error_of(response: requests.Response) -> MilepostError:
    """Return the error that the problem details name."""
    try:
        problem = response.json()
    except requests.JSONDecodeError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or f"The receiver answers {response.status_code}.")
    if response.status_code == 401:
        return Forbidden("The receiver does not know this MILEPOST_TOKEN.")
    if response.status_code in (403, 429):  # 429: after many wrong tokens, of which this is one
        return Forbidden(detail)
    if response.status_code >= 500:
        return Unavailable(detail)
    kind = next((each for each in ERRORS if each.code == problem.get("code")), None)
    if kind is Revoked:
        return Revoked(detail, problem.get("choices") or ())
    return kind(detail, fields=problem.get("errors")) if kind else MilepostError(detail)


def document_of(response: requests.Response) -> Json:
    """Return the object that an answer holds. Raises MilepostError where it holds none."""
    try:
        document = response.json()
    except requests.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise MilepostError(f"{response.url.partition('?')[0]} is no Milepost's API.")
    return document
