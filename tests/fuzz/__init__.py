"""Every parser against bytes that a fuzzer chooses: `make fuzz`, and a short form in the suite."""
