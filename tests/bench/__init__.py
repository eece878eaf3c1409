"""Ratios of cost and speed, of the receiver and of the hooks: `make bench`."""
