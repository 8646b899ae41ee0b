"""What happens when storage fails: full, broken, read-only, damaged."""
