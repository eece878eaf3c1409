"""What builds, stages and events are, and what follows from them; pure."""
