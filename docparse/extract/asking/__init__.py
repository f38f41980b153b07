"""A model asked for the fields."""
