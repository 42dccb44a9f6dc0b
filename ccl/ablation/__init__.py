"""Methods by strata by seeds: the plan, the runs, and what can be said of them."""
