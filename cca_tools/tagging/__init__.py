"""The pass over a manifest that scores the sound of every video."""
