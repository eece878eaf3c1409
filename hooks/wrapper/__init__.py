"""`milepost-hook packer …`: run Packer, read its output, report each of its targets."""
