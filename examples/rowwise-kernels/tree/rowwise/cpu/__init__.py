"""C++ operators for the processor; each is compiled when its module is first imported."""
