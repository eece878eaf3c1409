"""New secrets, in the form of each source."""

import base64
import secrets


def generate_secret(source: str) -> str:
    """Return a new secret in the form of the source."""
    if source in ("milepost", "cloudevents"):
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    token = secrets.token_urlsafe(32)
    # Plain curl can post a manifest with a bearer token.
    return {"packer": f"bearer:{token}", "jenkins": f"milepost:{token}"}.get(source, token)
