"""Threads in the background: no error ends one."""

import pytest

from receiver.errors import Unavailable
from receiver.server.background import attempt


@pytest.mark.parametrize("error", [Unavailable(), OSError("no space left"), KeyError("ours")])
def test_a_task_that_fails_is_logged_without_its_text_and_ends_no_thread(
    error: Exception, capsys: pytest.CaptureFixture[str]
):
    def fail() -> None:
        raise error

    attempt(fail, "not pruned")
    said = capsys.readouterr().out
    assert type(error).__name__ in said
    assert "no space left" not in said
    assert ("not pruned" in said) is isinstance(error, Unavailable)
