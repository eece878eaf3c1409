"""RFC 9457 problem details, as the OpenAPI document shows them; app.py makes them."""

from marshmallow import fields

from receiver.sources.manual import Strict

PROBLEM_TYPE = "application/problem+json"
# Why a request got no answer, by status; the codes are those of errors.py.
PROBLEMS = {
    400: "The request itself is broken: `malformed`.",
    401: "No token, or none that is known: `closed`.",
    403: "The token does not reach so far: `forbidden`.",
    404: "There is no such thing here: `not-found`.",
    409: "It does not fit: `taken`, `in-use`, `cycle`, `ended`, `conflict`, `pruned`.",
    413: "The body is larger than 64 KiB: `too-large`.",
    414: "The address is longer than 4094 bytes.",
    415: "The body is no JSON: `unsupported-type`.",
    422: "Readable but wrong: `invalid` names each field in `errors`; `undecodable`.",
    429: "Too many wrong tokens from this address: `too-many-guesses`. Right ones are let in.",
    431: "A header is longer than 8190 bytes, or there are more than 100.",
    503: "The database is away or too busy: `unavailable`. Try again.",
}
SERVERS = (414, 431)  # the HTTP server answers these by itself


class References(Strict):
    """What of one table still refers to a row."""

    count = fields.Integer(required=True, metadata={"description": "At most 10,000."})
    some = fields.List(fields.String(), required=True, metadata={"description": "A few names."})


class Problem(Strict):
    """Why a request got no answer."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "Stable: made for programs."})
    detail = fields.String(required=True, metadata={"description": "A sentence for people."})
    request_id = fields.String(required=True, allow_none=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "What is wrong with each field, by its path."},
    )
    references = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(References),
        metadata={"description": "Of `in-use`: what still refers to it, by table."},
    )
