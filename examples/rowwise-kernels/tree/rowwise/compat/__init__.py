"""Names that code written for version 0.1 imports."""
