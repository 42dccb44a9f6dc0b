"""Dataset layouts and the manifest they give."""
