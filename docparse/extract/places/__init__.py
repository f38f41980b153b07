"""From a value to its places on the pages."""
