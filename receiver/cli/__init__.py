"""The commands of `milepost`, one file a group; main.py puts them together."""
