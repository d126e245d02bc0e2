"""What runs where the student's code runs: nothing in here is secret, nothing in here is trusted.

This package stands alone: it imports NumPy, the standard library, the course's library and itself,
because inside the sandbox there is nothing else. The trusted side speaks to it over one socket
(:mod:`.values` has the format) and believes nothing that comes back but plain values.
"""
