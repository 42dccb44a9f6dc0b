"""Speed and memory, each side by side with what one would run instead."""
