"""Fields with evidence: schema -> values, each with the place that proves it.

schemas.py     what can be asked for: invoice, receipt, the user's own
page_text.py   what the extractors see: words in rows, with their places and elements
result.py      what they say: values, evidence, checks, verdict
"""
