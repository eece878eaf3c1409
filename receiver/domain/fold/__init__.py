"""From the events of a build to its rows; pure. The rules: docs/fold.md."""
