"""What the demo asks a receiver, and posts to it: through its webhooks and its API alone."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from receiver.cli import demo_data, demo_plans
from receiver.cli.client import Client
from receiver.cli.demo_plans import Plan
from receiver.domain.model import Json
from receiver.errors import Forbidden, MilepostError, NotFound, Taken
from receiver.sources import signatures

AT_ONCE = 8
NEWEST = 100  # builds that are looked at for those of others
OWN = {*demo_data.OWNERS, "demo"}  # the projects of the demo; "demo" is that of Packer's builds
CHANNELS = {"canary": 0, "prod": 2}  # the night from which on a good build is put into it
IN_CHANNELS = ("platform", "data", "web")


class Receiver:
    """A receiver whose secret and token are known."""

    def __init__(self, url: str, secret: str, token: str) -> None:
        self.url, self._secret = url, secret
        self._session = requests.Session()
        again = Retry(total=8, backoff_factor=0.2, status_forcelist=[503], allowed_methods=None)
        adapter = HTTPAdapter(pool_maxsize=AT_ONCE, max_retries=again)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.auth = lambda request: request  # else .netrc would replace the token
        api = requests.Session()
        api.headers["Authorization"] = f"Bearer {token}"
        api.auth = self._session.auth
        self.client = Client(url, api)

    def check(self, *, mix: bool) -> None:
        """Raise MilepostError unless the token may do everything, and the nights would not be mixed
        with builds of others; `mix` allows that."""
        try:
            self.client.audit({}, 1)
        except Forbidden as error:
            raise MilepostError(
                f"The receiver at {self.url} lets the demo read or write too little: set "
                "MILEPOST_TOKEN to a token of scope admin."
            ) from error
        if not mix and not self.is_filled and (other := self._build_of_others()):
            raise MilepostError(
                f"The receiver at {self.url} has builds of its own, such as {other}: fill an empty "
                "one, or mix the demo's builds with them: milepost demo --mix"
            )

    def _build_of_others(self) -> str | None:
        rows = [*self.client.builds({}, NEWEST), *self.client.statistics("combinations")]
        others = (row for row in rows if row["project"] not in OWN)
        return next(
            (str(row.get("build_number") or f"those of {row['project']}") for row in others), None
        )

    @property
    def is_filled(self) -> bool:
        """Whether the demo's nights are there: their channels are made last."""
        try:
            self.client.channel("prod", {"project": IN_CHANNELS[0]})
        except NotFound:
            return False
        return True

    def post(self, document: Json) -> Json:
        """Post an envelope, and return it. Raises MilepostError where it is refused."""
        body = orjson.dumps(document)
        run, times = document["run"]["key"], [event["at"] for event in document["events"]]
        headers = {"Content-Type": "application/json", "User-Agent": "milepost demo"}
        headers |= self._proof(f"{run}:{times[0]}:{len(times)}", body)
        try:
            answer = self._session.post(
                f"{self.url}/webhooks/milepost", body, headers=headers, timeout=60
            )
        except requests.RequestException as error:
            raise MilepostError(
                f"No answer from {self.url} ({type(error).__name__}): run it again."
            ) from error
        if not answer.ok:
            raise MilepostError(f"The receiver at {self.url} refuses a build: {answer.text[:300]}")
        return document

    def _proof(self, message_id: str, body: bytes) -> dict[str, str]:
        """Return the headers of a delivery, whose id is the same at each run."""
        if self._secret.startswith(signatures.BEARER):
            token = self._secret.removeprefix(signatures.BEARER)
            return {"webhook-id": message_id, "Authorization": f"Bearer {token}"}
        return signatures.standard_headers(message_id, body, [self._secret], datetime.now(UTC))

    def fill(self, documents: Iterable[Json]) -> Iterator[Json]:
        """Post envelopes, several at once, and yield each when it is stored."""
        with ThreadPool(AT_ONCE) as pool:
            yield from pool.imap(self.post, documents)


def decide(client: Client, now: datetime) -> None:
    """Revoke an image, acknowledge a failure, and put builds into channels."""
    names, night, reason = demo_data.REVOKED
    revoked = demo_plans.planned(demo_plans.image_of(names), night, now)
    with suppress(Taken):  # an earlier run was interrupted; so with channels
        client.revoke(revoked.number, {"reason": reason, "descendants": True})
    words, notes = demo_data.ACKNOWLEDGED
    for row in client.failures("open", NEWEST):
        if words in str(row["error_message"]):
            client.resolve(row["id"], notes)
    for project in reversed(IN_CHANNELS):  # the first one's `prod` says that all is there
        for channel, night in CHANNELS.items():
            with suppress(Taken):
                client.create_channel(channel, {"project": project, "require": ["goss"]})
            for plan in _good_builds(project, night, now):
                client.assign(channel, {"build_number": plan.number, "project": project})


def _good_builds(project: str, night: int, now: datetime) -> Iterator[Plan]:
    """Yield the newest good build of each image of a project, of a night or an earlier one."""
    for image in demo_plans.images():
        nights = (n for n in demo_plans.nights_of(image.family) if n >= night)
        plans = (demo_plans.planned(image, n, now) for n in nights)
        good = next((plan for plan in plans if plan.is_good), None)
        if image.project == project and good:
            yield good
