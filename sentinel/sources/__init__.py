"""Where snapshots come from: one room per kind of source, each with its own words for what it sees."""
