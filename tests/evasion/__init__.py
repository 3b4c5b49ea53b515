"""Tricks that make a monitor read what the receiver does not, each with a capture and a stated result."""
