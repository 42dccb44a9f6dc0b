"""What goes with what: counts, strength and tests."""
