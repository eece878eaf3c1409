"""`/setup`: make, rotate and remove senders; for administrators.

A secret is in one answer alone, the one that made it: nobody can read it again.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.errors import ConfigError, HttpError, Invalid, Taken, Unavailable
from receiver.ingest.sender_store import SenderStore
from receiver.web import auth
from receiver.web.context import services
from receiver.web.forms import form_fields
from receiver.web.pages.setup import base_url, blueprint, show_page
from receiver.web.pages.setup_lines import setup_lines

MAX_PROJECTS = 50


@blueprint.post("/setup/senders")
def create() -> Response:
    """Make a sender, and show its secret this once; show the form as it was sent, with what is
    wrong, where that cannot be."""
    auth.require_admin()
    fields = form_fields()
    source, name = fields.get("source", ""), fields.get("name", "").strip()
    try:
        projects = _projects(fields.get("projects", ""))
        with _store() as store:
            secret = store.create(source, name, projects)
    except (Invalid, Taken) as error:
        response = show_page(asked={**fields, "problems": _problems(error)})
        response.status_code = error.status
        return response
    return _made(source, name, secret)


@blueprint.post("/setup/senders/rotate")
def rotate() -> Response:
    """Make a further secret of a sender, and show it this once; the one before stays valid."""
    auth.require_admin()
    source, name = _sender()
    with _store() as store:
        secret = store.rotate(source, name)
    return _made(source, name, secret)


@blueprint.post("/setup/senders/finish")
def finish() -> BaseResponse:
    """End every secret of a sender but the newest."""
    auth.require_admin()
    source, name = _sender()
    with _store() as store:
        store.finish(source, name)
    return redirect(f"{url_for('setup.show')}#sender-{source}-{name}", 303)


@blueprint.post("/setup/senders/remove")
def remove() -> BaseResponse:
    """Remove a sender; its deliveries stay."""
    auth.require_admin()
    source, name = _sender()
    with _store() as store:
        store.remove(source, name)
    return redirect(url_for("setup.show"), 303)


@contextmanager
def _store() -> Iterator[SenderStore]:
    """Yield the senders of the database, and know of the change at its end.

    Raises Invalid with the reason where a file is the truth, or no key encrypts secrets.
    """
    try:
        with services().database.transaction() as connection:
            yield SenderStore(services().config, connection, auth.actor())
    except ConfigError as error:
        raise Invalid(" ".join(error.problems)) from error
    with suppress(Unavailable):  # it is committed; this worker knows of it within a second
        services().rules.stored.renew_now()


def _sender() -> tuple[str, str]:
    fields = form_fields()
    return fields.get("source", ""), fields.get("sender", "")


def _problems(error: HttpError) -> list[str]:
    """Return what to change, a sentence each."""
    named = [f"{name.capitalize()}: {' '.join(texts)}" for name, texts in error.fields.items()]
    return named or [error.detail]


def _projects(text: str) -> list[str]:
    """Return the projects of a field, which has commas between them."""
    names = [each.strip() for each in text.split(",") if each.strip()]
    if len(names) > MAX_PROJECTS or any(len(each) > 200 for each in names):
        raise Invalid(fields={"projects": [f"Name at most {MAX_PROJECTS}, with commas."]})
    return list(dict.fromkeys(names))


def _made(source: str, name: str, secret: str) -> Response:
    lines = setup_lines(base_url(), source, name, secret)
    response = show_page(made={"source": source, "name": name, "lines": lines})
    response.headers["Cache-Control"] = "no-store"
    return response
