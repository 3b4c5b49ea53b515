"""What is usual, as numbers: models that detectors feed and ask. Arrays of structures, one row a stream; no detector
in here, no clock, no randomness."""
