"""An invoice's header and parties, and its parts put together."""
