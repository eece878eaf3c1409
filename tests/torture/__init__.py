"""Faults of processes, databases, networks and machines under a steady load: `make torture`."""
