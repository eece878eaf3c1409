"""The receiver's address, as commands on its host tell it."""

from receiver.config import DEFAULT_URL, Config
from receiver.settings.data_directory import ReceiverNote


def own_address(config: Config) -> str:
    """Return MILEPOST_EXTERNAL_URL; without it the address of the receiver that runs here."""
    if config.external_url != DEFAULT_URL:
        return config.external_url
    note = ReceiverNote.read(config.data_dir)
    return note.url if note else config.external_url
