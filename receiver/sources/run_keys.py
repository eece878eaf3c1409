"""Run keys: the name of one run of one reporter, in at most 500 characters.

Hooks, forges' formats and our own envelope cut a long one alike: a hook in a job and the forge's
webhook about that job meet under the same key.
"""

import hashlib

LONGEST = 500  # characters
KEPT = 450


def bounded(key: str) -> str:
    """Return the key; a longer one as its beginning, `~`, and 32 hex digits of its SHA-256.

    >>> len(bounded("jenkins:" + "x" * 800))
    483
    """
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{key[:KEPT]}~{digest}"
