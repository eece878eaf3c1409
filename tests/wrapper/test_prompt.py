"""Packer's prompts under the wrapper, at a real terminal."""

import os
import pty
from pathlib import Path

import pytest

from tests.support.packers import WRAPPED, said, script, settings, template

PROMPT = b"succeeds)? "


def talk(folder: Path, command: list[str], *answers: str) -> tuple[int, str]:
    """Run it at a terminal, answer one prompt after the other; its exit code and what it said."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, settings(folder))
    heard, left = b"", list(answers)
    while data := _read(terminal):
        heard += data
        if left and heard.count(PROMPT) > len(answers) - len(left):
            os.write(terminal, f"{left.pop(0)}\r".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    return code, heard.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how a terminal says that nobody is at its other end
        return b""


# Python's own warning: no thread that a test left behind is needed after the fork.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_prompt_is_answered_through_the_wrapper(tmp_path: Path):
    template(tmp_path, script("exit 3"))
    asked = ["packer", "build", "-color=false", "-on-error=ask", "t.json"]
    code, plain = talk(tmp_path, asked, "r", "c")
    assert (code, plain.count("Running local shell script")) == (1, 2)
    code, ours = talk(tmp_path, [WRAPPED, *asked], "r", "c")
    assert code == 1
    assert said(ours) == said(plain)
