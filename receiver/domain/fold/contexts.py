"""Who states an event, and what else is said beside it. Rule 1 of docs/fold.md."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from receiver.domain.model import Identity, Run, SourceImage

NOTHING = Identity()
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Context(msgspec.Struct, frozen=True, eq=False):
    """Who states the events of one statement, and what else it says: one object for its facts.

    `reporter` is run key and source; Packer's wrapper is another one than its job. `group` is the
    run, `kind` that of the source: hook, api or forge. `alias` is the second key of a forge's job;
    `names` are raw names of the image; `sources` are the images that the run starts from. `key` is
    the same for contexts that say the same, and puts them in a fixed order.
    """

    source: str
    run: Run
    said: Identity
    custom: Identity
    inferred: Identity
    created_by: str | None
    order: tuple[str, ...]
    names: dict[str, str]
    alias: str | None
    sources: tuple[SourceImage, ...]
    reporter: tuple[str, str]
    group: str
    kind: str
    is_hook: bool
    key: bytes = b""


def with_key(context: Context) -> Context:
    """Return a context with the key of what it says."""
    each = context
    said = (each.run, each.said, each.custom, each.inferred, each.created_by, each.names)
    key = _ENCODER.encode((each.source, *said, each.alias or "", each.order, each.sources))
    return replace(context, key=key)


def merged(contexts: Sequence[Context]) -> Context:
    """Return the first context with the highest attempt, the longest list of stages and the sources
    of all."""
    declared = max(each.run.attempt or 0 for each in contexts) or None
    order = max((each.order for each in contexts), key=lambda order: (len(order), order))
    sources = tuple(dict.fromkeys(image for each in contexts for image in each.sources))
    run = replace(contexts[0].run, attempt=declared)
    return with_key(replace(contexts[0], run=run, order=order, sources=sources))
