"""The metric of the settings files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from receiver.ingest.services import Services

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class SettingsCollector:
    """Whether each settings file is right, read at each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator["Metric"]:
        """Yield a 1 for each file that is right, or absent."""
        from prometheus_client.core import GaugeMetricFamily

        text = "1 if the settings file is right; with 0 its last good reading is in use."
        family = GaugeMetricFamily("milepost_settings_file_valid", text, labels=["file"])
        problems = self._services.rules.problems()
        for kind in self._services.rules.files():
            family.add_metric([kind], 0 if kind in problems else 1)
        yield family
