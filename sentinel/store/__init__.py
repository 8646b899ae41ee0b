"""Where everything that was promised is kept."""
