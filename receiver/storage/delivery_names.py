"""The names, numbers and run keys that deliveries hold; pure."""

from collections.abc import Sequence

from receiver.domain.delivery import Delivery
from receiver.storage import dimensions
from receiver.storage.db import Row
from receiver.storage.dimensions import Name


def names(deliveries: Sequence[Delivery]) -> set[Name]:
    """Return the names of dimensions and the build numbers in these deliveries."""
    statements = [each for delivery in deliveries for each in delivery.content.all_statements]
    found = {("build", number) for number in numbers(deliveries) | routed_numbers(deliveries)}
    found |= {("project", name) for delivery in deliveries for name in delivery.projects}
    return dimensions.names_of(statements) | found


def numbers(deliveries: Sequence[Delivery]) -> set[str]:
    """Return the numbers of the builds that hooks name."""
    return {each.build_number for delivery in deliveries for each in delivery.content.statements}


def routed_numbers(deliveries: Sequence[Delivery]) -> set[str]:
    """Return the numbers of the builds that routes make of jobs."""
    reports = (each for delivery in deliveries for each in delivery.content.reports)
    return {each.number for each in reports if each.number}


def run_keys(deliveries: Sequence[Delivery], replaced: Sequence[Row] | None = None) -> list[str]:
    """Return the keys of runs and jobs, their second keys too, and those of the events that a
    replay replaces: rows with run_key and alias_key."""
    keys: list[str | None] = []
    for delivery in deliveries:
        keys += (each.run.key for each in delivery.content.all_statements)
        keys += (each.alias or None for each in delivery.content.reports)
    for event in replaced or ():
        keys += (event["run_key"], event["alias_key"] or None)
    return [key for key in keys if key is not None]
