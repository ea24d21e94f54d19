"""What is due, operations, backfills, pulses."""
