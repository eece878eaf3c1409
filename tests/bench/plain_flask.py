"""A minimal webhook route: check the signature, insert the body as one row."""

import hmac
import os

from flask import Flask, request
from psycopg_pool import ConnectionPool

SECRET = os.environ["PLAIN_SECRET"].encode()
app = Flask(__name__)
pool = ConnectionPool(os.environ["PLAIN_DATABASE_URL"], min_size=4, max_size=4, open=True)


@app.post("/webhooks/github")
def receive() -> tuple[str, int]:
    """Store the body, and answer after the commit."""
    body = request.get_data()
    expected = "sha256=" + hmac.new(SECRET, body, "sha256").hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
        return "", 401
    with pool.connection() as connection:
        connection.execute("INSERT INTO plain (body) VALUES (%s)", [body])
    return "", 202
