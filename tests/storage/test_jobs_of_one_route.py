"""Jobs of which a route makes one build, while their hooks name others at the same time."""

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Delivery, Outcome
from receiver.domain.stage_map import StageMap
from receiver.storage import record
from tests.support import intruders
from tests.support.forges import workflow_job
from tests.support.intruders import deliver, receiver
from tests.support.senders import envelope, stage

__all__ = ["receiver"]  # a fixture
intruder_routes = "[[route]]\njob = '^one (?P<build_number>r[0-9]+) '\n"


@pytest.fixture(autouse=True, scope="module")
def _routes() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intruders, "ROUTES", intruder_routes)
        yield


class _Kept:
    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def submit(self, delivery: Delivery) -> Outcome:
        self.deliveries.append(delivery)
        return Outcome(delivery.id, "stored")


def test_batches_of_such_jobs_do_not_wait_for_each_other(receiver: FlaskClient):
    services = receiver.application.extensions["milepost"]
    for number in range(40):
        batches = []
        for job in range(3):
            place = 10 * number + job + 1
            told: dict[str, Any] = {"id": place, "run_id": place, "name": f"one r{number} {job}"}
            deliver(receiver, "github", "", workflow_job("queued", **told))
            kept: Any = _Kept()
            receiver.application.extensions["milepost"] = replace(services, batcher=kept)
            deliver(receiver, "github", "", workflow_job("in_progress", **told))
            key = f"github:acme/images:{place}:1:{place}"
            hook = envelope(stage("A"), number=f"h{number}-{job}", run=key)
            deliver(receiver, "milepost", "", hook)
            receiver.application.extensions["milepost"] = services
            batches.append(kept.deliveries)
        together, results = Barrier(3), list[Any]()

        def send(batch: list[Delivery], together: Barrier, results: list[Any]) -> None:
            together.wait()
            results += record.record_batch(services.database, batch, StageMap())

        threads = [Thread(target=send, args=[each, together, results]) for each in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 6
        assert all(isinstance(each, Outcome) for each in results)
