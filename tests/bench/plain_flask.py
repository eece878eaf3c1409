"""A minimal webhook route: check the signature, insert the body as one row."""

import base64
import hmac
import os

from flask import Flask, request
from psycopg_pool import ConnectionPool

GITHUB = os.environ["PLAIN_GITHUB"].encode()
MILEPOST = base64.b64decode(os.environ["PLAIN_MILEPOST"].removeprefix("whsec_"))
app = Flask(__name__)
pool = ConnectionPool(os.environ["PLAIN_DATABASE_URL"], min_size=4, max_size=4, open=True)


@app.post("/webhooks/github")
def receive_github() -> tuple[str, int]:
    """Store one of GitHub's bodies."""
    body = request.get_data()
    signature = "sha256=" + hmac.digest(GITHUB, body, "sha256").hex()
    return _store(body, signature, request.headers.get("X-Hub-Signature-256", ""))


@app.post("/webhooks/milepost")
def receive_envelope() -> tuple[str, int]:
    """Store an envelope: https://www.standardwebhooks.com."""
    body, headers = request.get_data(), request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = "v1," + base64.b64encode(hmac.digest(MILEPOST, signed, "sha256")).decode()
    return _store(body, signature, headers.get("webhook-signature", ""))


def _store(body: bytes, expected: str, signature: str) -> tuple[str, int]:
    """Answer after the commit."""
    if not hmac.compare_digest(expected, signature):
        return "", 401
    with pool.connection() as connection:
        connection.execute("INSERT INTO plain (body) VALUES (%s)", [body])
    return "", 202
