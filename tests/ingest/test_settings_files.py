"""A watched settings file: whatever is in it, the last good reading stays."""

import os
from pathlib import Path

import pytest

from receiver.config_files import WatchedFile
from receiver.errors import ConfigError


def parse(text: str, _: str) -> int:
    """A parser with a defect: it expects a number, and its error repeats the text."""
    return int(text)


def test_a_defect_of_a_parser_is_a_mistake_of_the_file_and_repeats_nothing_of_it(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text("7")
    file = WatchedFile(path, parse, 0)
    path.write_text("whsec_secret")
    os.utime(path, ns=(1, 1))
    assert file.get() == 7
    assert file.problems == ("x.toml: cannot be read as settings (ValueError).",)
    with pytest.raises(ConfigError, match="cannot be read as settings"):
        WatchedFile(path, parse, 0)


@pytest.mark.parametrize("kept", ["[]", "7", '{"named": 1}', '{"path": 1, "text": 1}', "["])
def test_a_reading_that_was_kept_wrongly_is_not_used(tmp_path: Path, kept: str):
    path, reading = tmp_path / "x.toml", tmp_path / "x.json"
    path.write_text("wrong")
    reading.write_text(kept)
    with pytest.raises(ConfigError, match="cannot be read as settings"):
        WatchedFile(path, parse, 0, kept=reading)
