"""The user's own schema, without a model."""
