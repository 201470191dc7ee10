"""Real `digest serve` processes on one PostgreSQL, killed at random while days pass quickly."""
