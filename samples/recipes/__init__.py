"""How the samples that are our own are made: one module a document, all text original."""
