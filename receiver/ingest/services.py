"""What a process needs to take and to show deliveries."""

from dataclasses import dataclass, field, replace

from receiver.config import Config
from receiver.ingest.batching import DeliveryBatcher
from receiver.ingest.rules import Rules
from receiver.storage.db import Database


@dataclass(frozen=True, slots=True)
class Services:
    """One a process: settings, database, rules, and the batcher that records deliveries."""

    config: Config
    database: Database
    rules: Rules = field(repr=False)
    batcher: DeliveryBatcher = field(repr=False)

    @classmethod
    def start(cls, config: Config, database: Database, rules: Rules | None = None) -> "Services":
        """Read the rules, if nobody has, and put the parts together. Raises ConfigError."""
        rules = rules or Rules.load(config)
        rules.bind(database)
        return cls(config, database, rules, DeliveryBatcher(database, rules.stages, rules.noted))

    def reading(self) -> "Services":
        """Return the same for a request that changes nothing, whose transactions may not write."""
        return replace(self, database=self.database.reading())
