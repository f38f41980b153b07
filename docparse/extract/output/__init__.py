"""What is written of an extraction: files, pictures, a line for the terminal."""
