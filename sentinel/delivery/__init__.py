"""How messages reach their sinks: when to try again, how they read, and one adapter per kind of sink."""
