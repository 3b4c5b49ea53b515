"""The program: configuration, the store, the loop over captures, and what people see of it."""
