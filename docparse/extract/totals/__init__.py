"""The totals of an invoice: what is labelled, and what adds up."""
