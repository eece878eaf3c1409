"""The public vectors of those whose signatures we verify."""

from datetime import UTC, datetime

import pytest
import time_machine

from hooks import signing
from receiver.domain.delivery import Request
from receiver.errors import Unauthorized
from receiver.sources.signatures import verify_hub, verify_standard_or_bearer

# https://docs.svix.com/receiving/verifying-payloads/how-manual
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
MOMENT = datetime.fromtimestamp(1614265330, UTC)


def test_standard_webhooks_vector_is_verified():
    with time_machine.travel(MOMENT):
        verify_standard_or_bearer(Request(SIGNED, BODY, "", MOMENT), (KEY,))


def test_standard_webhooks_vector_is_stale_today():
    with pytest.raises(Unauthorized):
        verify_standard_or_bearer(Request(SIGNED, BODY, "", MOMENT), (KEY,))


def test_our_hook_signs_the_standard_webhooks_vector():
    signed = signing.sign(KEY, SIGNED["webhook-id"], int(SIGNED["webhook-timestamp"]), BODY)
    assert {name: signed[name] for name in SIGNED} == SIGNED


def test_githubs_vector_is_verified():
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secrets = ("It's a Secret to Everybody",)
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    verify_hub(Request(headers, b"Hello, World!", "", MOMENT), secrets)
