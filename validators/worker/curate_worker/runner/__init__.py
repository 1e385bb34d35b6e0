"""What runs inside the sandbox. It reports raw facts; nothing in here decides anything."""
