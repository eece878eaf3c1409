"""The fields of a page's form, read only after the caller was checked."""

from collections.abc import Mapping
from io import BytesIO

from flask import g, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from receiver.errors import Malformed, TooLarge
from receiver.web.bodies import read_body

MAX_FORM = 64 * 1024  # bytes
MAX_PARTS = 20


def form_fields() -> Mapping[str, str]:
    """Return the fields of the form. Raises TooLarge, Malformed."""
    if "form_fields" not in g:
        g.form_fields = _parsed(read_body(MAX_FORM))
    fields: Mapping[str, str] = g.form_fields
    return fields


def _parsed(body: bytes) -> Mapping[str, str]:
    parser = FormDataParser(max_form_parts=MAX_PARTS, silent=False)
    options = request.mimetype_params
    try:
        _, fields, _ = parser.parse(BytesIO(body), request.mimetype, len(body), options)
    except RequestEntityTooLarge as error:
        raise TooLarge(f"A form may have {MAX_PARTS} fields.") from error
    except ValueError as error:
        raise Malformed("The form is malformed.") from error
    return fields
