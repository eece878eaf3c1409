"""A kept delivery as a command that sends it again; pure.

The secret comes from the shell's variable and goes to curl over a pipe: process arguments are for
everybody to read.
"""

import shlex
from collections.abc import Mapping

BODY_FILE = "delivery.body"

_HUB = """import hmac, os
body = open("delivery.body", "rb").read()
digest = hmac.new(os.environ["SECRET"].encode(), body, "sha256").hexdigest()
print("X-Hub-Signature-256: sha256=" + digest)"""

_STANDARD = """import base64, hmac, os, sys, time
body, now = open("delivery.body", "rb").read(), str(int(time.time()))
key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
signed = (sys.argv[1] + "." + now + ".").encode() + body
digest = base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
print("webhook-id: " + sys.argv[1] + "\\nwebhook-timestamp: " + now)
print("webhook-signature: v1," + digest)"""

# Written anew for the new request.
_SIGNED = ("webhook-id", "webhook-timestamp")


def command(url: str, source: str, headers: Mapping[str, str]) -> str:
    """Shell lines for bash; `headers` are those that were kept, `url` is where it was posted."""
    given = {name: value for name, value in headers.items() if name not in _SIGNED}
    options = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sorted(given.items())]
    lines = [
        f"curl --data-binary @{BODY_FILE} -H @<({_proof(source, headers)})",
        *options,
        shlex.quote(url),
    ]
    return "export SECRET=…   # the sender's\n" + " \\\n  ".join(lines)


def _proof(source: str, headers: Mapping[str, str]) -> str:
    """A command that prints the headers by which the sender proves itself."""
    if "webhook-timestamp" in headers:
        message_id = shlex.quote(headers.get("webhook-id", ""))
        return f"python3 -c {shlex.quote(_STANDARD)} {message_id}"
    if source == "github":
        return f"python3 -c {shlex.quote(_HUB)}"
    if source == "gitlab":
        return """printf 'X-Gitlab-Token: %s' "$SECRET\""""
    if source == "jenkins":
        return """printf 'Authorization: Basic %s' "$(printf %s "$SECRET" | base64 -w0)\""""
    return """printf 'Authorization: Bearer %s' "${SECRET#bearer:}\""""
