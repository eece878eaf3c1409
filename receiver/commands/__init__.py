"""The commands of `milepost`, one file a group; cli.py puts them together."""
