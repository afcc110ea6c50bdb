# %%
import logging

import pushover_logging

logging.getLogger().addHandler(pushover_logging.PushoverHandler())
logging.getLogger().setLevel("INFO")

# %%
with pushover_logging.notify("training"):
    model = [weight * 2 for weight in range(10)]

# %%
with pushover_logging.notify("evaluation"):
    score = model[10]
