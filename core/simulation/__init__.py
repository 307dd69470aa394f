"""A month of the desk on a virtual clock, under the real rules of dispatch."""
