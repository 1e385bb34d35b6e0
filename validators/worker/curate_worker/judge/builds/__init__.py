"""The compile plane: what programs want built is compiled by us, once, in the sandbox, and kept by content."""
