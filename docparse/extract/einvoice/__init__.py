"""The XML inside an invoice, and what it says against the print."""
