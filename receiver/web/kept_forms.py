"""A form that somebody sent without being signed in: it waits in the sign-in form, so that nothing
which a person wrote is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request, url_for

from receiver.errors import HttpError
from receiver.web.forms import form_fields

PREFIX = "kept."
PATH = "kept_path"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the reader returns to, and the form that waits: its path, or none, and its fields."""

    back: str
    path: str
    fields: Mapping[str, str]


def kept_form() -> Kept:
    """Return what the sign-in form keeps of the request that needs it."""
    if request.method not in ("GET", "HEAD"):
        return _posted()
    if request.endpoint == "sign_in.form":
        return Kept(local_path(request.args.get("next", "")), "", {})
    return Kept(local_path(request.full_path.rstrip("?")), "", {})


def local_path(path: str) -> str:
    """Return a path of this receiver: a link must not lead a caller to another site."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_own and path.isprintable() else url_for("pages.overview")


def _posted() -> Kept:
    """A wrong token keeps what the sign-in form kept; another page's form is kept itself."""
    fields = _fields()
    if request.endpoint == "sign_in.sign_in":
        waiting = {
            name.removeprefix(PREFIX): text
            for name, text in fields.items()
            if name.startswith(PREFIX)
        }
        path = local_path(fields[PATH]) if fields.get(PATH) else ""
        return Kept(local_path(fields.get("next", "")), path, waiting)
    own = {name: text for name, text in fields.items() if name != "csrf"}
    if not own or _is_of_another_site():
        return Kept(_page_before(), "", {})
    return Kept(_page_before(), request.path, own)


def _is_of_another_site() -> bool:
    """Return whether the browser says so: nobody shall send another site's form by signing in."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _fields() -> Mapping[str, str]:
    if request.mimetype not in FORMS:
        return {}
    try:
        return form_fields()
    except HttpError:  # too large to be anybody's note
        return {}


def _page_before() -> str:
    """Return the page that the form was on, as the browser names it; only pages of this receiver
    do: the policy for referrers is same-origin."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return url_for("pages.overview")
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
