"""Thousands of files: who reads them (``conversion``), what earlier runs have done (``manifest``, ``resume``)."""

from docparse.batch.conversion import Conversion, Listen, Outcome, Taken, Watch

__all__ = ["Conversion", "Listen", "Outcome", "Taken", "Watch"]
