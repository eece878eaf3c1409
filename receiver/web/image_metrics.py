"""The metrics of each image: how old its newest good build is, and whether it is late.

Their labels are names of images, which senders give. So there are at most 1,000 images: the late
ones first, then those that were built last.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from receiver.domain.model import DIMENSIONS
from receiver.errors import Unavailable
from receiver.ingest.services import Services
from receiver.storage.expected_images import ExpectedImage, read_expected_images

if TYPE_CHECKING:
    from prometheus_client.core import Metric

MAX_IMAGES = 1_000
AGE = "Seconds since the newest good build of an image, or since one that found nothing to do."
LATE = "1 if the newest good build of an image is too old, for images that are expected."


class ImageCollector:
    """Metrics of the images, read at each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator["Metric"]:
        """Yield both families; nothing while the database is away."""
        from prometheus_client.core import GaugeMetricFamily

        now = datetime.now(UTC)
        try:
            projects = self._services.rules.projects()
            images = read_expected_images(
                self._services.database, projects.serving, projects.expectation, now
            )
        except Unavailable:
            return
        age = GaugeMetricFamily("milepost_image_age_seconds", AGE, labels=DIMENSIONS)
        late = GaugeMetricFamily("milepost_image_late", LATE, labels=DIMENSIONS)
        for image in _bounded(images):
            labels = [image.names[name] or "" for name in DIMENSIONS]
            if image.good_at:
                age.add_metric(labels, max(0.0, (now - image.good_at).total_seconds()))
            if image.is_expected or image.lateness.is_late:
                late.add_metric(labels, image.lateness.is_late)
        yield age
        yield late


def _bounded(images: Sequence[ExpectedImage]) -> list[ExpectedImage]:
    oldest = datetime.min.replace(tzinfo=UTC)

    def urgency(image: ExpectedImage) -> tuple[bool, datetime]:
        return image.lateness.is_late, image.good_at or image.last_began_at or oldest

    return sorted(images, key=urgency, reverse=True)[:MAX_IMAGES]
