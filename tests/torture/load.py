"""A steady load: senders that sign, send in order, and retry until they have a 2xx."""

import hashlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests

from tests.support.deliveries import SECRETS
from tests.support.forges import notification, workflow_job
from tests.support.samples import sample
from tests.support.senders import SECRET, Json, envelope, manifest, proof, sign, stage, verdict

STAGES = ("Base configuration", "Security baseline", "Frobnicate", "Storage", "Services")
PAUSE_SECONDS = 0.2  # between two deliveries of a sender
RETRY_SECONDS = 0.3
TIMEOUT_SECONDS = 10  # as GitHub's and GitLab's
ACCEPTED = range(200, 300)


@dataclass(frozen=True)
class Post:
    """One delivery. Its body is unique, so that its digest finds it."""

    source: str
    body: bytes
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def send(self, url: str) -> requests.Response:
        """Send it, with a new signature at every try, under one id."""
        if self.source == "milepost":
            own = sign(self.body, SECRET, message_id=f"msg_{self.digest}")
        else:
            own = proof(self.source, SECRETS[self.source], self.body)
        headers = {"Content-Type": "application/json"} | own | dict(self.headers)
        address = f"{url}/webhooks/{self.source}{self.query}"
        return requests.post(address, self.body, headers=headers, timeout=TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Try:
    """One try of one delivery; `answer` is None without an answer."""

    sender: str
    digest: str
    ended: float
    seconds: float
    answer: int | None
    problem: str = ""


def hooks(first: int, by: int, attempt: int) -> Iterator[Post]:
    """Yield the posts of a hook in each build: five stages, some of which fail, and a verdict."""
    for build in itertools.count(first, by):
        run = f"github:acme/images:{500 + build}:{attempt}:{84211 + build}"
        more: dict[str, Any] = {
            "number": f"core-{build}",
            "run": run,
            "run_more": {"attempt": attempt},
            "build": {"project": "core", "platform": "aws", "os_version": "rhel-9"},
        }
        begin = 100 * attempt
        for index, name in enumerate(STAGES):
            yield _milepost_post(envelope(stage(name, minutes=begin + 10 * index), **more))
            end = "failed" if (build + index) % 7 == 0 else "completed"
            yield _milepost_post(envelope(stage(name, end, minutes=begin + 10 * index + 5), **more))
        end = "failed" if build % 3 == 0 else "completed"
        yield _milepost_post(envelope(verdict(end, begin + 60), **more))


def manifests() -> Iterator[Post]:
    """Yield Packer's manifests about the same builds, posted unchanged."""
    for build in itertools.count():
        for run in range(2):
            entry = {"build_time": 1_767_261_600 + 60 * run, "artifact_id": f"ami-{build}{run}"}
            document = manifest(entry, run_uuid=f"uuid-{build}-{run}")
            yield Post("packer", orjson.dumps(document), f"?build_number=core-{build}")


def github() -> Iterator[Post]:
    """Yield GitHub's posts about the same jobs."""
    for build in itertools.count():
        for action in ("queued", "in_progress", "completed"):
            document = workflow_job(action, id=84211 + build, run_id=500 + build)
            headers = {
                "X-GitHub-Event": "workflow_job",
                "X-GitHub-Delivery": f"{action}-{build}",
            }
            yield Post("github", orjson.dumps(document), headers=tuple(headers.items()))


def gitlab() -> Iterator[Post]:
    """Yield GitLab's posts about jobs that a route assigns to builds."""
    for build in itertools.count():
        for status in ("created", "running", "failed" if build % 2 else "success"):
            ids = {"build_id": 4242 + build, "pipeline_id": 900 + build}
            document = sample("gitlab", f"job.{status}", **ids)
            headers = (("X-Gitlab-Event", "Job Hook"),)
            yield Post("gitlab", orjson.dumps(document), headers=headers)


def jenkins() -> Iterator[Post]:
    """Yield posts of Jenkins' Notification plugin."""
    for build in itertools.count():
        url = f"https://jenkins.example.com/job/images/job/rhel-9/{build}/"
        for phase, status in (("STARTED", None), ("FINALIZED", "SUCCESS")):
            document = notification(phase, status, number=build, full_url=url)
            yield Post("jenkins", orjson.dumps(document))


def _milepost_post(document: Json) -> Post:
    return Post("milepost", orjson.dumps(document))


SENDERS: dict[str, Callable[[], Iterator[Post]]] = {
    "hook 1": lambda: hooks(0, 2, 1),
    "hook 2": lambda: hooks(1, 2, 1),
    "hook 3": lambda: hooks(0, 1, 2),
    "packer": manifests,
    "github": github,
    "gitlab": gitlab,
    "jenkins": jenkins,
}


@dataclass
class Load:
    """Running senders. After 503 and the `tolerated` statuses a sender tries again."""

    urls: list[str]
    pause_seconds: float = PAUSE_SECONDS
    tolerated: frozenset[int] = frozenset()
    unrepeated: frozenset[str] = frozenset()  # sources whose accepted deliveries are not repeated
    once: frozenset[str] = frozenset()  # senders that never try again, as GitHub does
    offered: dict[str, Post] = field(default_factory=dict)
    acknowledged: dict[str, Post] = field(default_factory=dict)
    tries: list[Try] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _given_up: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start every sender, and one that repeats accepted deliveries."""
        for name, posts in SENDERS.items():
            self._start_thread(self._send_all, name, posts())
        self._start_thread(self._repeat)

    def finish(self, seconds: float) -> None:
        """Offer nothing new; wait until all offered deliveries are accepted, or for so long."""
        self._ended.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up.set()
        for thread in self._threads:
            thread.join()

    def offer(self, sender: str, post: Post) -> None:
        """Send a delivery until it is accepted, refused for good, or time is up."""
        self.offered[post.digest] = post
        while not self._given_up.is_set():
            answer = self._try(sender, post)
            if answer in ACCEPTED:
                self.acknowledged[post.digest] = post
                return
            if answer not in {None, 503} | self.tolerated or sender in self.once:
                return
            self._given_up.wait(RETRY_SECONDS)

    def recovery(self, since: float) -> float:
        """Return the seconds from this moment until every sender had a 2xx."""
        firsts: dict[str, float] = {}
        for each in self.tries:
            if each.ended >= since and each.answer in ACCEPTED:
                firsts.setdefault(each.sender, each.ended - since)
        return max(firsts.values(), default=float("inf"))

    def _start_thread(self, work: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments))
        self._threads[-1].start()

    def _send_all(self, sender: str, posts: Iterator[Post]) -> None:
        for post in posts:
            if self._ended.is_set():
                return
            self.offer(sender, post)
            self._ended.wait(self.pause_seconds)

    def _repeat(self) -> None:
        chance = random.Random(7)
        while not self._ended.wait(self.pause_seconds):
            accepted = list(self.acknowledged.values())
            posts = [each for each in accepted if each.source not in self.unrepeated]
            if posts:
                self._try("repeat", chance.choice(posts))

    def _try(self, sender: str, post: Post) -> int | None:
        began, answer, problem = time.monotonic(), None, ""
        try:
            response = post.send(self.urls[len(self.tries) % len(self.urls)])
            answer = response.status_code
            problem = self._problem(response)
        except requests.RequestException as error:
            problem = "refused" if "Connection refused" in str(error) else type(error).__name__
        ended = time.monotonic()
        self.tries.append(Try(sender, post.digest, ended, ended - began, answer, problem))
        return answer

    def _problem(self, response: requests.Response) -> str:
        """Return the problem of an answer, or nothing."""
        status = response.status_code
        if status == 503 and not response.headers.get("Retry-After", "").isdecimal():
            return "503 without Retry-After"
        is_wrong = status not in ACCEPTED and status not in {503} | self.tolerated
        return f"{status} {response.text[:200]}" if is_wrong else ""
