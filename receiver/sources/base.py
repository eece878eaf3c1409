"""A source: a format of deliveries and its way to sign. Each part is a pure function."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from receiver.domain.delivery import Content, Request, Secret
from receiver.domain.model import Json
from receiver.sources.json_body import Decoded, check_size, decode

FORGE_BODY = 25 * 2**20  # bytes: GitHub's limit for a payload


def raw_body(request: Request) -> bytes:
    """Return the body as it came."""
    return request.body


class Source(Struct, frozen=True, kw_only=True):
    """A format and its way to sign.

    `verify(request, secrets)` raises Unauthorized. `json_of(request)` returns the bytes of the JSON
    document, which is decoded once. `identify(request, document)` returns event type and delivery
    key; its document is empty if the body cannot be decoded. `parse(request, document)` returns the
    content or raises Invalid. `own` is a format of ours.
    """

    name: str
    verify: Callable[[Request, tuple[Secret, ...]], None]
    identify: Callable[[Request, Json], tuple[str, str]]
    parse: Callable[[Request, Json], Content]
    json_of: Callable[[Request], bytes] = raw_body
    max_body: int = FORGE_BODY
    content_types: tuple[str, ...] = ("application/json",)
    own: bool = False

    def decode(self, request: Request) -> Decoded:
        """Return the decoded body. Raises Invalid."""
        check_size(request.body)
        return decode(self.json_of(request))

    def read(self, request: Request, body: Decoded | None = None) -> Content:
        """Return the content of a request; `body` is its body if it was decoded before.

        Raises Invalid.
        """
        body = body or self.decode(request)
        content = self.parse(request, body.document)
        return replace(content, flags=(*body.flags, *content.flags))
