"""What breaks receivers, done to a real one under a steady load: `make torture`."""
