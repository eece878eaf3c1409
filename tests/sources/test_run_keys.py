"""Run keys of any length."""

import hashlib

from receiver.sources.run_keys import bounded


def test_a_key_of_500_characters_is_kept():
    assert bounded("k" * 500) == "k" * 500


def test_a_longer_key_keeps_its_beginning_and_gets_a_digest():
    key = "jenkins:" + "x" * 600
    assert bounded(key) == f"{key[:450]}~{hashlib.sha256(key.encode()).hexdigest()[:32]}"
