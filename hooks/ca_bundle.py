"""The certificate authorities to trust: those in the environment, else the system's, as in curl."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def ca_file(env: Mapping[str, str]) -> str | None:
    """Return the file for `requests` to verify with; None if it reads the environment itself."""
    if env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE"):
        return None
    return env.get("SSL_CERT_FILE") or system_bundle()


def system_bundle() -> str | None:
    """Return the system's file, which may hold a company's authority too; None if there is none."""
    paths = (ssl.get_default_verify_paths().openssl_cafile, *SYSTEM_BUNDLES)
    return next((path for path in paths if os.path.isfile(path)), None)
