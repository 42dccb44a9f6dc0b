"""A dataset whose truth is known: moving digits with sounds that do or do not belong to them."""
