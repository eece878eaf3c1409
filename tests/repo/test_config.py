"""Settings: every problem at once, secrets from files, a source without one is off."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver import config
from receiver.cli import local
from receiver.cli.database import database_url
from receiver.config_files import WatchedFile, read_text
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError
from receiver.settings import names
from receiver.settings.durations import parse_duration
from tests.support.senders import BEARER, OTHER_SECRET, SECRET


def problems(env: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.load(env)
    return caught.value.problems


def test_nothing_set_is_a_closed_receiver_without_sources():
    loaded = config.load({})
    assert (loaded.secrets, loaded.public_read, loaded.database_url) == ({}, False, None)


def test_several_secrets_come_one_a_line():
    loaded = config.load({"MILEPOST_SECRET_MILEPOST": f"{SECRET}\n\n {OTHER_SECRET} \n"})
    assert loaded.secrets["milepost"] == (SECRET, OTHER_SECRET)


def test_a_secret_may_come_from_a_file(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text(f"{BEARER}\n")
    loaded = config.load({"MILEPOST_SECRET_PACKER_FILE": str(path)})
    assert loaded.secrets["packer"] == (BEARER,)


def test_a_setting_and_its_file_together_are_refused(tmp_path: Path):
    path = tmp_path / "url"
    path.write_text("postgresql:///x")
    env = {"DATABASE_URL": "postgresql:///y", "DATABASE_URL_FILE": str(path)}
    assert problems(env) == ("DATABASE_URL and DATABASE_URL_FILE are both set: remove one.",)


def test_one_secret_on_two_sources_is_refused():
    env = {"MILEPOST_SECRET_MILEPOST": BEARER, "MILEPOST_SECRET_PACKER": BEARER}
    assert problems(env) == ("milepost and packer share a secret: make two.",)


@pytest.mark.parametrize(
    "secret", ["x", "whsec_", "whsec_short", "whsec_!!!", "bearer:", "bearer:é"]
)
def test_a_weak_or_broken_secret_is_named_and_not_shown(secret: str):
    (problem,) = problems({"MILEPOST_SECRET_MILEPOST": secret})
    assert problem.startswith("MILEPOST_SECRET_MILEPOST, line 1: must be 'whsec_'")


def test_unknown_names_are_listed():
    assert config.load({"MILEPOST_COLOUR": "red"}).unknown == ("MILEPOST_COLOUR",)
    assert config.load({"MILEPOST_URL": "http://x", "PATH": "/"}).unknown == ()


def test_local_settings_make_secrets_once_and_private(tmp_path: Path):
    env = {"MILEPOST_DATA_DIR": str(tmp_path / "data")}
    first, again = (config.load(local.environment(env)) for _ in range(2))
    assert first.secrets == again.secrets
    assert first.public_read
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "data" / "secrets").iterdir()}
    assert modes == {0o600}


def test_local_settings_name_the_address_that_the_receiver_serves(tmp_path: Path):
    env = {"MILEPOST_DATA_DIR": str(tmp_path / "data")}
    url = "http://127.0.0.1:18099"
    assert config.load(local.environment(env, url)).external_url == url
    own = env | {"MILEPOST_EXTERNAL_URL": "https://milepost.example.com"}
    assert config.load(local.environment(own, url)).external_url == "https://milepost.example.com"


def test_a_stage_file_is_read_again_and_a_broken_edit_keeps_the_last(tmp_path: Path):
    path = tmp_path / "stages.toml"
    path.write_text('["*"]\nnames = { Frobnicate = 20 }\n')
    watched = WatchedFile(path, StageMap.parse, StageMap())
    assert watched.get().state_of("frobnicate", []) == 20
    path.write_text('["*"]\nnames = { Frobnicate = 30, More = 40 }\n')
    assert watched.get().state_of("frobnicate", []) == 30
    path.write_text("broken")
    assert watched.get().state_of("frobnicate", []) == 30


def test_a_stage_file_that_is_wrong_from_the_start_is_refused(tmp_path: Path):
    path = tmp_path / "stages.toml"
    path.write_text("broken")
    with pytest.raises(ConfigError):
        WatchedFile(path, StageMap.parse, StageMap())


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "socket"])
def test_what_is_no_regular_file_keeps_nobody_waiting(tmp_path: Path, kind: str):
    path = tmp_path / "stages.toml"
    path.write_text('["*"]\nnames = { Frobnicate = 20 }\n')
    watched = WatchedFile(path, StageMap.parse, StageMap())
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        else:
            listener.bind(str(path))
        assert watched.get().state_of("frobnicate", []) == 20
    assert watched.problems
    path.rmdir() if kind == "folder" else path.unlink()
    path.write_text('["*"]\nnames = { Frobnicate = 25 }\n')
    assert watched.get().state_of("frobnicate", []) == 25
    assert watched.problems == ()


def test_a_command_reads_a_pipe_but_nothing_endless(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = ThreadPoolExecutor(1)
    text = reader.submit(read_text, path)
    path.write_text("from a pipe")
    assert text.result(30) == "from a pipe"
    reader.shutdown()
    with pytest.raises(ConfigError, match="longer than 16 MiB"):
        read_text(Path("/dev/zero"))


def test_commands_go_past_pgbouncer():
    env = {"DATABASE_URL": "postgresql:///pooled", "MILEPOST_DB_PREPARE": "0"}
    assert config.load(env).pooling == {"sessions": False, "prepare": False}
    assert config.load({}).pooling == {"sessions": True, "prepare": True}
    with pytest.raises(ConfigError, match="set DATABASE_ADMIN_URL"):
        database_url(config.load(env))
    admin = env | {"DATABASE_ADMIN_URL": "postgresql:///direct"}
    assert database_url(config.load(admin)) == "postgresql:///direct"
    assert problems({"DATABASE_ADMIN_URL": "postgresql:///direct"})


@pytest.mark.parametrize(
    ("pool", "prepare", "expected"),
    [
        ("transaction", None, (False, False)),
        ("transaction", "1", (False, True)),
        ("transaction", "0", (False, False)),
        ("session", None, (True, True)),
        ("session", "0", (True, False)),
    ],
)
def test_pooling_of_transactions_and_preparing_are_two_settings(
    pool: str, prepare: str | None, expected: tuple[bool, bool]
):
    env = {"MILEPOST_DB_POOL": pool} | ({"MILEPOST_DB_PREPARE": prepare} if prepare else {})
    assert tuple(config.load(env).pooling.values()) == expected


@pytest.mark.parametrize("name", ["MILEPOST_WORKERS", "MILEPOST_THREADS"])
@pytest.mark.parametrize("value", ["0", "65", "-1", "two", "²", "1.5"])
def test_a_number_that_no_receiver_can_have_is_named(name: str, value: str):
    assert problems({name: value}) == (f"{name} must be a number from 1 to 64.",)


@pytest.mark.parametrize(
    "url",
    [
        "https://ci.example.com/milepost",
        "https://ci.example.com/?x=1",
        "https://ada:secret@ci.example.com",
    ],
)
def test_an_address_below_a_path_is_refused(url: str):
    (problem,) = problems({"MILEPOST_EXTERNAL_URL": url})
    assert "cannot be served below a path" in problem
    assert "secret" not in problem


def test_an_unknown_name_is_shown_with_the_one_that_may_be_meant():
    assert names.unknown_text("MILEPOST_STAGE").endswith("did you mean MILEPOST_STAGES?")
    assert names.unknown_text("MILEPOST_COLOUR").endswith("is not a setting of this release.")


def test_a_number_without_a_unit_is_taken_with_a_warning():
    loaded = config.load({"MILEPOST_STALL_AFTER": "900"})
    assert loaded.stall_after.total_seconds() == 900
    (warning,) = loaded.warnings
    assert warning.startswith("MILEPOST_STALL_AFTER=900 has no unit: write 900s.")
    assert config.load({"MILEPOST_STALL_AFTER": "15m"}).warnings == ()


@pytest.mark.parametrize("text", ["900", "15 m", "m", "", "99999999d", "-5m", "1.5h"])
def test_what_is_no_time_with_a_unit_is_none(text: str):
    assert parse_duration(text) is None
