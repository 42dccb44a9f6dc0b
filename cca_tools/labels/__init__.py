"""What people say of classes, audio classes and frames, how far they agree, and what follows."""
