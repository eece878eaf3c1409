"""What a hook costs the build that it reports on."""
