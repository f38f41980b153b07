"""The lines of an invoice."""
