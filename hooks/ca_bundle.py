"""Which certificate authorities to believe: those named, else the system's, as curl does."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def named_or_system(env: Mapping[str, str]) -> str | None:
    """A file for `requests` to verify with; None where it knows one itself."""
    if env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE"):
        return None
    return env.get("SSL_CERT_FILE") or system_bundle()


def system_bundle() -> str | None:
    """The system's own file, which holds a company's authority too where one was installed."""
    places = (ssl.get_default_verify_paths().openssl_cafile, *PLACES)
    return next((place for place in places if os.path.isfile(place)), None)
