"""Tables of a page: where they are (``ruled``, ``aligned``) and what they say (``grid``).

Works on segments and rules alone, so that born-digital pages and OCR'd scans share it.
"""
