"""Audio taggers: label spaces, weights, networks."""
