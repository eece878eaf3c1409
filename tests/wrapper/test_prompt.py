"""Packer's prompts under the wrapper, at a real terminal."""

import os
import pty
from pathlib import Path

import pytest

from tests.support.packers import HOOK, script, settings, stable_lines, template

PROMPT = b"succeeds)? "


def talk(folder: Path, command: list[str], *answers: str) -> tuple[int, str]:
    """Run a command at a terminal, answer its prompts; return its exit code and output."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, settings(folder))
    output, pending = b"", list(answers)
    while data := _read(terminal):
        output += data
        if pending and output.count(PROMPT) > len(answers) - len(pending):
            os.write(terminal, f"{pending.pop(0)}\r".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    return code, output.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end of the terminal is closed
        return b""


# The child needs none of the threads that Python warns of.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_prompt_is_answered_through_the_wrapper(tmp_path: Path):
    template(tmp_path, script("exit 3"))
    command = ["packer", "build", "-color=false", "-on-error=ask", "t.json"]
    code, plain = talk(tmp_path, command, "r", "c")
    assert (code, plain.count("Running local shell script")) == (1, 2)
    code, ours = talk(tmp_path, [HOOK, *command], "r", "c")
    assert code == 1
    assert stable_lines(ours) == stable_lines(plain)
