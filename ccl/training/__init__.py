"""Training: one loop for all methods, its configuration, checkpoints, logs and ranks."""
