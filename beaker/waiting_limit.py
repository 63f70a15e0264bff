"""How many questions may wait, for the kernel that puts them one by one and the agent that takes them: one number and one sentence."""

WAITING_LIMIT = 100
"""More than a notebook has, and than anybody reads the answers of; 10 MB at most with their cells."""

TOO_MANY = f"{WAITING_LIMIT} questions are waiting already. Ask again when some are answered, or stop them by %beaker stop."
