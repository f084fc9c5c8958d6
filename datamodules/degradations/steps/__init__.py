"""The single degradations that conditions are made of, by kind. Each is checked against the library it wraps."""
