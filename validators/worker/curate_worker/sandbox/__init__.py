"""The layers between mined or generated code and the machine. Each is entered where the machine permits, and named."""
