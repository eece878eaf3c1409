"""`milepost-hook packer …`: run Packer, read what it prints, report each of its targets."""
