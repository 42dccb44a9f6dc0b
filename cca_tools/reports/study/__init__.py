"""The report of a whole study: one HTML file that needs nothing else, and its tables for LaTeX."""
