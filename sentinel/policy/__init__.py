"""Decides what each sink is told and when. Pure: no clock, no log, no disk, no network."""
