"""Networks: students by name, the composition of two modalities, projection heads."""
