"""Training and evaluation of video networks with cross-modal distillation."""
