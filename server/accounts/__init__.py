"""Who may: users, their sessions and API keys, credits, rate limits."""
