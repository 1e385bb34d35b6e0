"""The trusted side: owns seeds, expected outputs, comparison, clock and verdict; imports no mined or generated code."""
