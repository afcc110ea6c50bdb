from pushover_logging import pushover, pushover_defaults

pushover_defaults["title"] = "Sage"

rank = sum(p % 4 == 1 for p in range(2, 1000) if all(p % q for q in range(2, p)))
pushover(f"the rank is {rank}")
