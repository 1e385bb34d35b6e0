"""CUDA operators; each is compiled when its module is first imported."""
