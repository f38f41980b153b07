"""docparse: documents in, trustworthy structure out."""

__version__ = "0.1.0"
