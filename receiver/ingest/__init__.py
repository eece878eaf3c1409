"""From a request to a recorded delivery."""
