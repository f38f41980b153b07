"""Thousands of files: who reads them (``conversion``), what earlier runs have done (``manifest``, ``resume``)."""

from docparse.batch.conversion import Conversion, Listen, Outcome, Watch

__all__ = ["Conversion", "Listen", "Outcome", "Watch"]
