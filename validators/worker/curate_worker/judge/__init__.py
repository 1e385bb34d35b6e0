"""The trusted side: owns seeds, expected outputs, comparison, clock and verdict. Never imports mined or generated code."""
